//! How thorough a run of the tests is.

/// `few`, as a change deserves; or `many`, as a release deserves, with `FAULTS=full`.
#[expect(clippy::disallowed_methods, reason = "the tests' own settings have no other source")]
pub fn times(few: usize, many: usize) -> usize {
    if std::env::var("FAULTS").is_ok_and(|wish| wish == "full") { many } else { few }
}
