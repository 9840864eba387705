//! Makes one line of one record, whatever is in it.

use crate::{
    pairs::{Escaped, Pairs, Style},
    redact,
};
use application::Clock;
use chrono::{DateTime, Utc};
use slog::{KV, Level, OwnedKVList, Record, Serializer};
use std::{borrow::Cow, cell::RefCell, fmt::Write as _, panic::AssertUnwindSafe, sync::Arc};

/// Turns records into lines.
pub(crate) struct Lines {
    style: Style,
    // slog wants drains that a panic cannot leave half changed; a clock has nothing to change.
    clock: AssertUnwindSafe<Arc<dyn Clock>>,
}

/// Buffers that one thread uses for all its lines, so that writing one allocates nothing.
struct Scratch {
    line: Vec<u8>,
    pairs: Pairs,
    second: Second,
}

thread_local! {
    static SCRATCH: RefCell<Option<Scratch>> = const { RefCell::new(None) };
}

/// A buffer that one huge record has blown up does not stay so.
const MOST_KEPT: usize = 16 * 1024;

impl Lines {
    pub(crate) fn new(style: Style, clock: Arc<dyn Clock>) -> Self {
        Self { style, clock: AssertUnwindSafe(clock) }
    }

    /// Gives `write` the one line, line feed included, that `record` makes.
    pub(crate) fn with<T>(
        &self,
        record: &Record<'_>,
        values: &OwnedKVList,
        write: impl FnOnce(&[u8]) -> T,
    ) -> T {
        // Taken out and put back, not borrowed: a value may itself log while it is being written.
        let kept = SCRATCH.with(|scratch| scratch.try_borrow_mut().ok().and_then(|mut kept| kept.take()));
        let mut scratch = match kept {
            Some(scratch) if scratch.pairs.style() == self.style => scratch,
            _ => Scratch { line: Vec::new(), pairs: Pairs::new(self.style), second: Second::default() },
        };
        self.make(record, values, &mut scratch);
        let made = write(&scratch.line);
        if scratch.line.capacity() <= MOST_KEPT {
            SCRATCH.with(|kept| kept.try_borrow_mut().map(|mut kept| *kept = Some(scratch)).ok());
        }
        made
    }

    fn make(&self, record: &Record<'_>, values: &OwnedKVList, scratch: &mut Scratch) {
        let Scratch { line, pairs, second } = scratch;
        let now = self.clock.now();
        line.clear();
        match self.style {
            Style::Json => {
                line.extend_from_slice(b"{\"ts\":\"");
                second.write(now, line);
                line.extend_from_slice(b"\",\"level\":\"");
                line.extend_from_slice(name(record.level()).as_bytes());
                line.extend_from_slice(b"\",\"msg\":\"");
            }
            Style::Human { colours } => {
                second.write(now, line);
                let (before, after) = if colours { paint(record.level()) } else { ("", "") };
                let name = name(record.level());
                line.extend_from_slice(format!(" {before}{name:<8}{after} ").as_bytes());
            }
        }
        let _ = Escaped(line).write_fmt(*record.msg());
        if self.style == Style::Json {
            line.push(b'"');
        }
        pairs.clear();
        // A value that cannot be written leaves out itself; the line is still worth having.
        let _ = record.kv().serialize(record, pairs);
        let _ = values.serialize(record, pairs);
        if !record.tag().is_empty() {
            // Which part of a library it was, or that it was a panic.
            let _ = pairs.emit_str("target", record.tag());
        }
        pairs.append_to(line);
        line.extend_from_slice(if self.style == Style::Json { b"}\n" } else { b"\n" });
        if record.level().is_at_least(Level::Warning) {
            hide_passwords(line);
        }
    }
}

/// What fails likes to tell the address that it failed at. Requests, on the hot path, log no such text.
fn hide_passwords(line: &mut Vec<u8>) {
    if let Ok(Cow::Owned(redacted)) = std::str::from_utf8(line).map(redact) {
        *line = redacted.into_bytes();
    }
}

fn name(level: Level) -> &'static str {
    crate::Level::from(level).as_str()
}

fn paint(level: Level) -> (&'static str, &'static str) {
    let start = match level {
        Level::Trace | Level::Debug => "\x1b[2m",
        Level::Info => "\x1b[32m",
        Level::Warning => "\x1b[33m",
        Level::Error => "\x1b[31m",
        Level::Critical => "\x1b[1;31m",
    };
    (start, "\x1b[0m")
}

/// The second that this thread's last line was written in, as text: most lines share it with their predecessor.
#[derive(Default)]
struct Second {
    timestamp: Option<i64>,
    text: String,
}

impl Second {
    /// RFC 3339 in UTC with six digits, such as `2026-01-02T03:04:05.678901Z`.
    fn write(&mut self, now: DateTime<Utc>, line: &mut Vec<u8>) {
        if self.timestamp != Some(now.timestamp()) {
            self.timestamp = Some(now.timestamp());
            self.text.clear();
            let _ = write!(self.text, "{}.", now.format("%Y-%m-%dT%H:%M:%S"));
        }
        line.extend_from_slice(self.text.as_bytes());
        let mut micros = now.timestamp_subsec_micros() % 1_000_000; // a leap second counts on
        let mut digits = [b'0'; 6];
        for digit in digits.iter_mut().rev() {
            *digit += (micros % 10) as u8;
            micros /= 10;
        }
        line.extend_from_slice(&digits);
        line.push(b'Z');
    }
}

#[cfg(test)]
mod tests;
