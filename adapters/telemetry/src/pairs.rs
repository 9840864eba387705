//! The keys and values of a record, as text. Written by hand because the access log is on the path of every request:
//! one pass into buffers that are used again.

use slog::{Key, Serializer};
use std::{
    fmt::{self, Write as _},
    io::Write as _,
    ops::Range,
};

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// One JSON object.
    Json,
    /// `time level message key=value …`
    Human {
        /// With colours, for a terminal.
        colours: bool,
    },
}

/// Keys that every line has; a value of that name is written as `msg_`.
const OWN_KEYS: [&str; 3] = ["ts", "level", "msg"];

/// The pairs of one record. slog tells the last first, and the record's before the logger's.
pub(crate) struct Pairs {
    style: Style,
    text: Vec<u8>,
    spans: Vec<(Key, Range<usize>)>,
}

impl Pairs {
    pub(crate) fn new(style: Style) -> Self {
        Self { style, text: Vec::new(), spans: Vec::new() }
    }

    pub(crate) fn style(&self) -> Style {
        self.style
    }

    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
    }

    /// In the order in which they were given. Of two with one key the nearer to the record counts.
    pub(crate) fn append_to(&self, line: &mut Vec<u8>) {
        for (i, (key, span)) in self.spans.iter().enumerate().rev() {
            let nearer = self.spans.iter().take(i).any(|(other, _)| other == key);
            if let (false, Some(text)) = (nearer, self.text.get(span.clone())) {
                line.extend_from_slice(text);
            }
        }
    }

    fn pair(&mut self, key: Key, value: impl FnOnce(&mut Vec<u8>)) -> slog::Result {
        let start = self.text.len();
        let (before, after): (&[u8], &[u8]) = match self.style {
            Style::Json => (b",\"", b"\":"),
            Style::Human { colours: true } => (b" \x1b[2m", b"=\x1b[0m"),
            Style::Human { colours: false } => (b" ", b"="),
        };
        self.text.extend_from_slice(before);
        let _ = Escaped(&mut self.text).write_str(key);
        if OWN_KEYS.contains(&key) {
            self.text.push(b'_');
        }
        self.text.extend_from_slice(after);
        value(&mut self.text);
        self.spans.push((key, start..self.text.len()));
        Ok(())
    }

    fn bare(&mut self, key: Key, value: impl fmt::Display) -> slog::Result {
        self.pair(key, |out| drop(write!(out, "{value}")))
    }
}

macro_rules! bare {
    ($($emit:ident: $value:ty),* $(,)?) => {
        $(fn $emit(&mut self, key: Key, value: $value) -> slog::Result { self.bare(key, value) })*
    };
}

impl Serializer for Pairs {
    bare! {
        emit_u8: u8, emit_i8: i8, emit_u16: u16, emit_i16: i16, emit_u32: u32, emit_i32: i32, emit_u64: u64,
        emit_i64: i64, emit_u128: u128, emit_i128: i128, emit_usize: usize, emit_isize: isize, emit_bool: bool,
    }

    fn emit_f32(&mut self, key: Key, value: f32) -> slog::Result {
        if value.is_finite() { self.bare(key, value) } else { self.emit_none(key) } // JSON has no NaN
    }

    fn emit_f64(&mut self, key: Key, value: f64) -> slog::Result {
        if value.is_finite() { self.bare(key, value) } else { self.emit_none(key) }
    }

    fn emit_unit(&mut self, key: Key) -> slog::Result {
        self.emit_none(key)
    }

    fn emit_none(&mut self, key: Key) -> slog::Result {
        self.pair(key, |out| out.extend_from_slice(b"null"))
    }

    fn emit_char(&mut self, key: Key, value: char) -> slog::Result {
        self.emit_arguments(key, &format_args!("{value}"))
    }

    fn emit_str(&mut self, key: Key, value: &str) -> slog::Result {
        self.emit_arguments(key, &format_args!("{value}"))
    }

    fn emit_arguments(&mut self, key: Key, value: &fmt::Arguments<'_>) -> slog::Result {
        let json = self.style == Style::Json;
        self.pair(key, |out| {
            let start = out.len();
            let _ = Escaped(out).write_fmt(*value);
            // A person reads `count=3` and `detail="two words"`; a machine wants every string quoted.
            let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'=');
            if json || start == out.len() || !out.get(start..).is_some_and(|text| text.iter().all(plain)) {
                out.insert(start, b'"');
                out.push(b'"');
            }
        })
    }
}

/// Writes what stands inside a JSON string: RFC 8259, section 7. Beyond it, everything that any viewer takes for the
/// end of a line or for a command to a terminal is escaped too.
pub(crate) struct Escaped<'a>(pub(crate) &'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // 0xc2 starts the C1 controls, 0xe2 U+2028 and U+2029; what else they start takes the slow way and comes out as it is.
        let plain = |b: u8| b >= 0x20 && !matches!(b, b'"' | b'\\' | 0x7f | 0xc2 | 0xe2);
        if text.bytes().all(plain) {
            self.0.extend_from_slice(text.as_bytes());
            return Ok(());
        }
        text.chars().for_each(|c| self.escape(c));
        Ok(())
    }
}

impl Escaped<'_> {
    fn escape(&mut self, c: char) {
        match c {
            '"' => self.0.extend_from_slice(b"\\\""),
            '\\' => self.0.extend_from_slice(b"\\\\"),
            '\n' => self.0.extend_from_slice(b"\\n"),
            '\r' => self.0.extend_from_slice(b"\\r"),
            '\t' => self.0.extend_from_slice(b"\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                let _ = write!(self.0, "\\u{:04x}", u32::from(c));
            }
            c => self.0.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}
