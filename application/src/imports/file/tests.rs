//! Files as people make them: what is taken, and what is told of the rest.

use super::*;
use chrono::DateTime;
use domain::PersonId;
use uuid::Uuid;

fn read(bytes: &[u8]) -> Result<Vec<StagedRow>, Unreadable> {
    let mut file = PersonsFile::open(bytes)?;
    let new = |details| Person::new(PersonId(Uuid::nil()), details, DateTime::UNIX_EPOCH);
    let mut rows = Vec::new();
    while let Some(row) = file.next(new)? {
        rows.push(row);
    }
    assert_eq!((file.rows() as usize, file.fraction()), (rows.len(), 1.0));
    Ok(rows)
}

/// `line:name/email/age`, or `line!field code`.
fn told(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let tell = |row| match row {
        StagedRow::Right { line, person } => {
            let PersonDetails { name, email, age } = person.details();
            format!("{line}:{}/{}/{}", name.as_str(), email.as_str(), age.years())
        }
        StagedRow::Wrong(RowError { line, field, code, .. }) => {
            format!("{line}!{} {code}", field.unwrap_or_default())
        }
    };
    read(bytes.as_ref()).unwrap().into_iter().map(tell).collect()
}

#[test]
fn what_spreadsheets_write_is_read() {
    for (file, rows) in [
        ("name,email,age\nAda,ada@b.c,36\n", &["2:Ada/ada@b.c/36"][..]),
        ("name,email,age\r\nAda,ada@b.c,36\r\nBo,bo@b.c,7\r\n", &["2:Ada/ada@b.c/36", "3:Bo/bo@b.c/7"]),
        ("name,email,age\rAda,ada@b.c,36\rBo,bo@b.c,7", &["2:Ada/ada@b.c/36", "3:Bo/bo@b.c/7"]),
        ("\u{feff}Age;EMAIL;Name\n36;ada@b.c;Ada\n", &["2:Ada/ada@b.c/36"]),
        ("\u{feff}\"name\",\"email\",\"age\"\n\"Ada\",\"ada@b.c\",\"36\"\n", &["2:Ada/ada@b.c/36"]),
        (" name , email , age \n Ada , ada@b.c , 36 ", &["2:Ada/ada@b.c/36"]),
        ("\n\nname,email,age\n\n\nAda,ada@b.c,36\n\n", &["6:Ada/ada@b.c/36"]),
        ("\r\nname,email,age\r\n\r\nAda,ada@b.c,36\r\n", &["4:Ada/ada@b.c/36"]),
        ("name,email,age\n\"Lovelace, Ada\",a@b.c,36\n", &["2:Lovelace, Ada/a@b.c/36"]),
        ("name;email;age\nLovelace, Ada;a@b.c;36\n", &["2:Lovelace, Ada/a@b.c/36"]),
        ("name,email,age\n\"Ada \"\"Countess\"\" L\",a@b.c,36", &["2:Ada \"Countess\" L/a@b.c/36"]),
        ("name,email,age\nÄdä 名,a@b.c,+36\n", &["2:Ädä 名/a@b.c/36"]),
        ("name,email,age", &[]),
        ("name,email,age\r\n\r\n", &[]),
    ] {
        assert_eq!(told(file), rows, "{file:?}");
    }
}

#[test]
fn what_is_wrong_with_a_row_is_told_with_its_line_and_the_others_are_taken() {
    let long = format!("name,email,age\n{},a@b.c,1", "n".repeat(201));
    for (file, rows) in [
        ("name,email,age\n,a@b.c,1\nBo,b@b.c,2", &["2!name too_short", "3:Bo/b@b.c/2"][..]),
        ("name,email,age\nAda,nowhere,1", &["2!email email"]),
        (
            "name,email,age\nAda,a@b.c,\nAda,a@b.c,x\nAda,a@b.c,1.5",
            &["2!age type", "3!age type", "4!age type"],
        ),
        ("name,email,age\nAda,a@b.c,151\nBo,b@b.c,-1", &["2!age range", "3!age range"]),
        ("name,email,age\nAda,a@b.c,99999999999999999999", &["2!age range"]),
        ("name,email,age\nAda,a@b.c\nBo,b@b.c,2,\n", &["2! fields", "3! fields"]),
        ("name,email,age\n\"A\nda\",a@b.c,1\nBo,b@b.c,2", &["2!name control_character", "4:Bo/b@b.c/2"]),
        ("name,email,age\n\"A\r\nda\",a@b.c,1\r\nBo,b@b.c,2", &["2!name control_character", "4:Bo/b@b.c/2"]),
        ("age,name,email\n1,Ada,A@b.c\n2,Bo,a@B.C", &["2:Ada/A@b.c/1", "3!email duplicate"]),
        ("name,email,age\nAda,a@b.c,x\nBo,a@b.c,2", &["2!age type", "3:Bo/a@b.c/2"]),
        (long.as_str(), &["2!name too_long"]),
    ] {
        assert_eq!(told(file), rows, "{file:?}");
    }
    assert_eq!(
        told(b"name,email,age\nJos\xe9,a@b.c,1\nBo,\xff@b.c,2\nCy,c@b.c,3"),
        ["2!name encoding", "3!email encoding", "4:Cy/c@b.c/3"]
    );
}

#[test]
fn the_message_of_a_row_says_what_would_be_right() {
    let message = |file: &str| match read(file.as_bytes()).unwrap().pop() {
        Some(StagedRow::Wrong(error)) => error.message,
        row => panic!("{row:?}"),
    };
    for (file, expected) in [
        (
            "name,email,age\nAda,nowhere,151",
            "must be an e-mail address such as ada@example.com; age: must be a whole number from 0 to 150",
        ),
        ("name,email,age\nAda,a@b.c,1\nBo,A@B.C,2", "must not be in the file twice: line 2 has it"),
        ("name,email,age\nAda,a@b.c", "must have 3 fields, as the header has, not 2"),
        (
            "name,email,age\n\nAda,\"a@b.c,1\nBo,b@b.c,2\nCy,c@b.c,3\n",
            "must have 3 fields, as the header has, not 2; it goes on to line 5: a quotation mark may not be closed",
        ),
    ] {
        assert_eq!(message(file), expected);
    }
}

#[test]
fn a_file_that_cannot_be_read_at_all_is_told_with_what_would_be_right() {
    let utf16: Vec<u8> = "name,email,age".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (file, expected) in [
        (&b""[..], "the file is empty; the first line must name the columns name, email and age"),
        (b"\xEF\xBB\xBF", "the file is empty"),
        (b"\r\n \r\n", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"name,email", "`age` is missing"),
        (b"name,email,age,age", "`age` is there twice"),
        (b"name,mail,age", "`mail` is none of them"),
        (b"name,email,age,\nAda,a@b.c,1,", "`` is none of them"),
        (b"name,email;age", "`email;age` is none of them"),
        (b"Ada,ada@b.c,36", "`ada` is none of them"),
        (b"PK\x03\x04\x14\x00", "must be saved as CSV in UTF-8"),
        (&utf16, "must be saved as CSV in UTF-8"),
    ] {
        let error = read(file).unwrap_err().to_string();
        assert!(error.contains(expected), "{file:?}: {error}");
    }
}

#[test]
fn a_hundred_thousand_rows_are_the_most() {
    let rows =
        |n: u32| (0..n).fold("name,email,age\n".to_owned(), |file, i| file + &format!("A,{i}@b.c,1\n"));
    let fits = rows(PersonsFile::MAX_ROWS);
    assert_eq!(read(fits.as_bytes()).unwrap().len(), 100_000);
    let error = read((fits + "A,x@b.c,1\n").as_bytes()).unwrap_err();
    assert!(error.to_string().contains("more than 100,000 rows"), "{error}");
}

/// Numbers that are as good as random, and the same each time (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A field as somebody may have written it: quoted where it must be, and where it need not be.
fn written(dice: &mut Dice, separator: char, value: &str) -> String {
    let special = |c: char| c == separator || matches!(c, '"' | '\r' | '\n');
    match value.contains(special) || dice.below(3) == 0 {
        true => format!("\"{}\"", value.replace('"', "\"\"")),
        false => value.to_owned(),
    }
}

#[test]
fn whatever_was_written_is_read_again() {
    for seed in 1..=500 {
        let mut dice = Dice::new(seed);
        let (separator, end) = (dice.one_of(&[',', ';']), dice.one_of(&["\n", "\r\n", "\r"]));
        let order = dice.one_of(&[[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]);
        let mut file = dice.one_of(&["", "\u{feff}"]).to_owned();
        let mut line = 0;
        let mut expected = Vec::new();
        for row in 0..dice.below(30) + 1 {
            let blank = dice.below(4) / 3;
            file += &end.repeat(blank);
            line += blank + 1;
            let names = ["Ada", "O'Hara; \"Bo\"", "Li, 李", "é", "two\nlines", "a\"", "", "=1+1"];
            let (name, age) = (dice.one_of(&names), dice.one_of(&["0", "150", "151", "abc", "7"]));
            let email = format!("{row}@example.com");
            let fields = if row == 0 { COLUMNS } else { [name, &email, age] };
            let fields = order.map(|column| written(&mut dice, separator, fields[column]));
            file += &(fields.join(&separator.to_string()) + end);
            let first_line = line;
            line += name.matches('\n').count() * usize::from(row > 0);
            expected.extend((row > 0).then(|| match (name, age) {
                ("two\nlines", _) => format!("{first_line}!name control_character"),
                ("", _) => format!("{first_line}!name too_short"),
                (_, "151") => format!("{first_line}!age range"),
                (_, "abc") => format!("{first_line}!age type"),
                _ => format!("{first_line}:{name}/{email}/{age}"),
            }));
        }
        assert_eq!(told(&file), expected, "seed {seed}: {file:?}");
    }
}

#[test]
fn no_bytes_make_it_panic_and_no_line_is_told_twice() {
    let scraps: [&[u8]; 12] =
        [b"name", b"email", b"age", b",", b";", b"\"", b"\n", b"\r", b"\r\n", b"\xC3", b"7", b"a@b.c"];
    for seed in 1..=2000 {
        let mut dice = Dice::new(seed);
        let mut file = b"name,email,age\n".to_vec();
        for _ in 0..dice.below(60) {
            file.extend(dice.one_of(&scraps));
        }
        let lines = told(&file).into_iter().map(|row| row[..row.find([':', '!']).unwrap()].parse().unwrap());
        let lines: Vec<usize> = lines.collect();
        assert!(lines.is_sorted_by(|a, b| a < b), "seed {seed}: {lines:?}");
    }
}
