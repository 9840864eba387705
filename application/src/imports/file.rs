//! A file of persons, row by row: text of comma-separated values (RFC 4180), as spreadsheets write it.
//!
//! No I/O. A row that is wrong is told with its line, and the others are taken; a file that cannot be read at all is told
//! with what would be right.

use super::{RowError, StagedRow};
use csv::ByteRecord;
use domain::{Age, EmailAddress, Invalid, Person, PersonDetails, PersonName, Violation};
use std::{
    collections::{HashMap, hash_map::Entry},
    num::IntErrorKind,
};

/// The columns: each once, in any order.
const COLUMNS: [&str; 3] = ["name", "email", "age"];

/// See the module. The first line names the columns, in any case, separated by commas or by semicolons; the same separates
/// the fields of each row. Lines end as on any system, and empty ones are skipped.
pub(crate) struct PersonsFile<'f> {
    bytes: &'f [u8],
    reader: csv::Reader<&'f [u8]>,
    record: ByteRecord,
    /// Where in a row each of [`COLUMNS`] is.
    columns: [usize; COLUMNS.len()],
    rows: u32,
    /// By key, in which line.
    emails: HashMap<String, u32>,
    lines: Lines<'f>,
}

/// Nothing of a file can be imported. Says what would be right.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unreadable(String);

impl<'f> PersonsFile<'f> {
    /// In one file, without the header.
    pub(crate) const MAX_ROWS: u32 = 100_000;

    /// Reads the header.
    pub(crate) fn open(bytes: &'f [u8]) -> Result<Self, Unreadable> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if bytes.contains(&0) {
            let message = "the file is not text in UTF-8, but binary, such as a spreadsheet, or UTF-16; \
                           it must be saved as CSV in UTF-8";
            return Err(Unreadable(message.to_owned()));
        }
        if bytes.trim_ascii().is_empty() {
            return Err(Unreadable(format!("the file is empty; {}", right_header())));
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true) // a row of the wrong length is an error of that row alone
            .delimiter(delimiter(bytes))
            .from_reader(bytes);
        let mut header = ByteRecord::new();
        reader.read_byte_record(&mut header).map_err(broken)?;
        let columns = columns(&header)?;
        let (record, emails) = (ByteRecord::new(), HashMap::new());
        Ok(Self { bytes, reader, record, columns, rows: 0, emails, lines: Lines::of(bytes) })
    }

    /// The next row, with a person made by `new` if it is right; `None` at the end.
    pub(crate) fn next(
        &mut self,
        new: impl FnOnce(PersonDetails) -> Person,
    ) -> Result<Option<StagedRow>, Unreadable> {
        let before = self.position();
        if !self.reader.read_byte_record(&mut self.record).map_err(broken)? {
            return Ok(None);
        }
        self.rows += 1;
        if self.rows > Self::MAX_ROWS {
            let message = "the file has more than 100,000 rows; it must be split into smaller ones";
            return Err(Unreadable(message.to_owned()));
        }
        let line = self.lines.of_record(before);
        let row = match self.details().and_then(|details| self.unlike_others(details, line)) {
            Ok(details) => StagedRow::Right { line, person: new(details) },
            Err(invalid) => StagedRow::Wrong(row_error(line, &invalid)),
        };
        Ok(Some(row))
    }

    /// How many rows were read.
    pub(crate) fn rows(&self) -> u32 {
        self.rows
    }

    /// Which part of the file was read, 0 to 1.
    pub(crate) fn fraction(&self) -> f64 {
        self.position() as f64 / self.bytes.len().max(1) as f64
    }

    /// Behind the last row, in bytes.
    fn position(&self) -> usize {
        usize::try_from(self.reader.position().byte()).unwrap_or(usize::MAX)
    }

    fn details(&self) -> Result<PersonDetails, Invalid> {
        if self.record.len() != COLUMNS.len() {
            return Err(Invalid::field("", self.wrong_length()));
        }
        let [name, email, age] = self.columns.map(|column| {
            let bytes = self.record.get(column).unwrap_or_default();
            std::str::from_utf8(bytes).map_err(|_| Violation::new("encoding", "must be encoded in UTF-8"))
        });
        let mut invalid = Invalid::default();
        let name = invalid.check("name", name.and_then(PersonName::parse));
        let email = invalid.check("email", email.and_then(EmailAddress::parse));
        let age = invalid.check("age", age.and_then(parse_age));
        match (name, email, age) {
            (Some(name), Some(email), Some(age)) => Ok(PersonDetails { name, email, age }),
            _ => Err(invalid),
        }
    }

    /// A quotation mark that is not closed swallows what follows, to the end of the file: hence the second line.
    fn wrong_length(&self) -> Violation {
        let mut message =
            format!("must have {} fields, as the header has, not {}", COLUMNS.len(), self.record.len());
        let start = self.lines.start;
        let text = self.bytes.get(start..self.position()).unwrap_or_default().trim_ascii_end();
        let last = self.lines.clone().at(start + text.len());
        if last > self.lines.line {
            message += &format!("; it goes on to line {last}: a quotation mark may not be closed");
        }
        Violation::new("fields", message)
    }

    /// The first row that is right has the address.
    fn unlike_others(&mut self, details: PersonDetails, line: u32) -> Result<PersonDetails, Invalid> {
        match self.emails.entry(details.email.key().to_owned()) {
            Entry::Vacant(free) => {
                free.insert(line);
                Ok(details)
            }
            Entry::Occupied(taken) => {
                let message = format!("must not be in the file twice: line {} has it", taken.get());
                Err(Invalid::field("email", Violation::new("duplicate", message)))
            }
        }
    }
}

/// By the first line that is not empty: a semicolon where the comma is the decimal sign.
fn delimiter(bytes: &[u8]) -> u8 {
    let mut lines = bytes.split(|b| matches!(b, b'\r' | b'\n'));
    let header = lines.find(|line| !line.is_empty()).unwrap_or_default();
    if header.contains(&b';') && !header.contains(&b',') { b';' } else { b',' }
}

/// Where each of [`COLUMNS`] is.
fn columns(header: &ByteRecord) -> Result<[usize; COLUMNS.len()], Unreadable> {
    let names: Vec<String> =
        header.iter().map(|name| String::from_utf8_lossy(name).trim().to_lowercase()).collect();
    let wrong = |what: String| Unreadable(format!("{}; {what}", right_header()));
    if let Some(unknown) = names.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        let shown: String = unknown.chars().take(50).collect();
        return Err(wrong(format!("`{shown}` is none of them")));
    }
    let mut columns = [0; COLUMNS.len()];
    for (column, name) in columns.iter_mut().zip(COLUMNS) {
        let mut places = (0..).zip(&names).filter(|(_, found)| *found == name).map(|(place, _)| place);
        *column = places.next().ok_or_else(|| wrong(format!("`{name}` is missing")))?;
        if places.next().is_some() {
            return Err(wrong(format!("`{name}` is there twice")));
        }
    }
    Ok(columns)
}

fn right_header() -> &'static str {
    "the first line must name the columns name, email and age, each once and in any order, \
     separated by commas or by semicolons"
}

fn parse_age(raw: &str) -> Result<Age, Violation> {
    match raw.trim().parse() {
        Ok(years) => Age::new(years),
        Err(error) if matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow) => {
            Age::new(i64::MAX)
        }
        Err(_) => Err(Violation::new("type", "must be a whole number")),
    }
}

/// One error a row: the first, and whatever else is wrong in its message.
fn row_error(line: u32, invalid: &Invalid) -> RowError {
    let first = invalid.errors().first();
    let others = invalid.errors().iter().skip(1);
    let first_message = first.map(|error| error.violation.message.clone());
    let messages = others.map(|error| format!("{}: {}", error.field, error.violation.message));
    RowError {
        line,
        field: first.map(|error| error.field.clone()).filter(|field| !field.is_empty()),
        code: first.map_or("row", |error| error.violation.code).to_owned(),
        message: first_message.into_iter().chain(messages).collect::<Vec<_>>().join("; "),
    }
}

/// The bytes are in memory: there is nothing that could fail.
fn broken(error: csv::Error) -> Unreadable {
    Unreadable(error.to_string())
}

/// In which line a row begins. The reader's own count stops at the empty lines before a row.
#[derive(Clone)]
struct Lines<'f> {
    bytes: &'f [u8],
    /// The beginning of the row, and its line, from 1.
    start: usize,
    line: u32,
}

impl<'f> Lines<'f> {
    fn of(bytes: &'f [u8]) -> Self {
        Self { bytes, start: 0, line: 1 }
    }

    /// Of the row that was read from `offset` on.
    fn of_record(&mut self, offset: usize) -> u32 {
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let breaks = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
        self.at(offset + breaks)
    }

    /// Of the byte at `offset`, which is not before the last one that was asked for.
    fn at(&mut self, offset: usize) -> u32 {
        let passed = self.bytes.get(self.start..offset).unwrap_or_default();
        let ends = (self.start..).zip(passed).filter(|(i, b)| match b {
            b'\n' => true,
            b'\r' => self.bytes.get(i + 1) != Some(&b'\n'),
            _ => false,
        });
        self.line += u32::try_from(ends.count()).unwrap_or(u32::MAX);
        self.start = offset;
        self.line
    }
}

#[cfg(test)]
mod tests;
