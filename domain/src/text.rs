//! The rule that every short text shares: trimmed, not empty, bounded, printable.

use crate::Violation;

/// `raw` without surrounding white space, if 1 to `max` characters remain (Unicode scalar values) and none of them is a
/// control character. Control characters are refused because PostgreSQL cannot store NUL and a line break in a name
/// ends up in logs and mail headers.
pub(crate) fn single_line(raw: &str, max: usize) -> Result<String, Violation> {
    let text = raw.trim();
    if text.is_empty() {
        return Err(Violation::new("too_short", "must not be empty"));
    }
    if text.chars().count() > max {
        return Err(Violation::new("too_long", format!("must have at most {max} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Violation::new("control_character", "must not contain control characters"));
    }
    Ok(text.to_owned())
}

/// `raw` as one line of at most `max` characters: runs of white space and control characters become one space, and what
/// is too much is cut. For text that must not be a reason to fail.
pub(crate) fn squeezed(raw: &str, max: usize) -> String {
    let words = raw.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line.chars().take(max).collect()
}
