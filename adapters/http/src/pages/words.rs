//! Times, durations and numbers as a person reads them, each with its unit.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

/// An instant, seen from now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Moment {
    /// RFC 3339, for programs.
    iso: String,
    /// In full, in UTC.
    absolute: String,
    /// Such as `3 m 12 s ago` or `in 4 s`.
    relative: String,
}

impl Moment {
    pub(super) fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let away = at - now;
        let relative = match away.num_milliseconds() {
            -999..=999 => "now".to_owned(),
            1000.. => format!("in {}", duration(whole(away))),
            _ => format!("{} ago", duration(whole(-away))),
        };
        Self {
            iso: at.to_rfc3339_opts(SecondsFormat::Millis, true),
            absolute: at.format("%a %-d %b %Y, %H:%M:%S UTC").to_string(),
            relative,
        }
    }

    pub(super) fn maybe(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Self> {
        at.map(|at| Self::new(at, now))
    }
}

/// Without its fraction of a second, which is noise in a distance that grows while one reads it.
fn whole(time: TimeDelta) -> TimeDelta {
    TimeDelta::seconds(time.num_seconds())
}

/// The two largest units: `420 ms`, `4.2 s`, `42 s`, `3 m 12 s`, `2 h 5 m`, `3 d 4 h`, without a break in a line.
pub(super) fn duration(time: TimeDelta) -> String {
    units(time).replace(' ', "\u{a0}")
}

fn units(time: TimeDelta) -> String {
    let time = time.max(TimeDelta::zero());
    let (ms, s) = (time.num_milliseconds(), time.num_seconds());
    let two = |large: i64, unit: &str, small: i64, lesser: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {lesser}"),
    };
    match s {
        0 if ms > 0 || time.is_zero() => format!("{ms} ms"),
        0 => "< 1 ms".to_owned(),
        1..10 if ms % 1000 >= 100 => format!("{}.{} s", s, ms % 1000 / 100),
        1..60 => format!("{s} s"),
        60..3600 => two(s / 60, "m", s % 60, "s"),
        3600..86_400 => two(s / 3600, "h", s / 60 % 60, "m"),
        _ => two(s / 86_400, "d", s / 3600 % 24, "h"),
    }
}

/// The same for a time in microseconds.
pub(super) fn micros(us: f64) -> String {
    duration(TimeDelta::microseconds(us as i64)) // saturates
}

/// With a comma after the thousands, as in `12,345`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `one` or `many` of them, such as `1 task` or `1,234 tasks`.
pub(super) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A share, `part` of `whole`, with a decimal below ten: `0 %`, `0.4 %`, `42 %`. What is not nothing does not read like it,
/// and what is not all neither.
pub(super) fn percent(part: f64, whole: f64) -> String {
    let share = if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
    match share {
        share if share <= 0.0 => "0 %".to_owned(),
        share if share < 0.1 => "< 0.1 %".to_owned(),
        share if share < 9.95 => format!("{:.1} %", share).replace(".0 ", " "),
        share if share < 100.0 => format!("{:.0} %", share.min(99.0)),
        _ => "100 %".to_owned(),
    }
}

/// A size: `312 bytes`, `1.2 KiB`.
pub(super) fn bytes(number: usize) -> String {
    match number {
        0..1024 => plural(number as u64, "byte", "bytes"),
        _ => format!("{:.1} KiB", number as f64 / 1024.0),
    }
}

/// With a capital at the beginning.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The end of an id, which tells ids apart: a UUIDv7 begins with the time.
pub(super) fn short(id: uuid::Uuid) -> String {
    let text = id.to_string();
    text.rsplit('-').next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn a_duration_has_two_units_at_most() {
        let said =
            [0, 420, 999, 1000, 1040, 4230, 9999, 10_400, 59_999, 60_000, 192_000, 3_600_000, 7_500_000];
        let said = said.map(|ms| units(TimeDelta::milliseconds(ms)));
        assert_eq!(
            said,
            [
                "0 ms", "420 ms", "999 ms", "1 s", "1 s", "4.2 s", "9.9 s", "10 s", "59 s", "1 m",
                "3 m 12 s", "1 h", "2 h 5 m"
            ]
        );
        assert_eq!(
            duration(TimeDelta::days(3) + TimeDelta::hours(4) + TimeDelta::minutes(5)),
            "3\u{a0}d\u{a0}4\u{a0}h"
        );
        assert_eq!(units(TimeDelta::microseconds(300)), "< 1 ms");
        assert_eq!(units(TimeDelta::seconds(-5)), "0 ms", "clocks of two hosts may disagree a little");
        assert_eq!(micros(f64::MAX), duration(TimeDelta::microseconds(i64::MAX)));
    }

    #[test]
    fn a_moment_is_told_from_now_and_in_full() {
        let now = at(100_000);
        let relative = |seconds: i64| Moment::new(at(100_000 + seconds), now).relative.replace('\u{a0}', " ");
        assert_eq!([relative(0), relative(-4), relative(192)], ["now", "4 s ago", "in 3 m 12 s"]);
        let told = Moment::new(at(0), now);
        assert_eq!(told.iso, "1970-01-01T00:00:00.000Z");
        assert_eq!(told.absolute, "Thu 1 Jan 1970, 00:00:00 UTC");
        let later = now + TimeDelta::milliseconds(3600);
        assert_eq!(Moment::new(now, later).relative, "3\u{a0}s ago");
    }

    #[test]
    fn numbers_have_their_thousands_and_shares_their_sign() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([plural(1, "task", "tasks"), plural(2000, "task", "tasks")], ["1 task", "2,000 tasks"]);
        let shares = [(0, 0), (0, 9), (1, 10_000), (1, 250), (1, 20), (425, 1000), (9_999, 10_000), (7, 7)];
        let shares = shares.map(|(part, whole)| percent(f64::from(part), f64::from(whole)));
        assert_eq!(shares, ["0 %", "0 %", "< 0.1 %", "0.4 %", "5 %", "42 %", "99 %", "100 %"]);
    }
}
