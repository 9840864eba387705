//! The number that guards a read-modify-write.

/// How often a row has been written, starting at 1. A writer names the version that it has read; if the stored one
/// differs, the writer has lost and must read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(i64);

impl Version {
    /// The version of something just made.
    pub const FIRST: Self = Self(1);

    /// `None` unless `number` is at least 1.
    pub fn new(number: i64) -> Option<Self> {
        (number >= 1).then_some(Self(number))
    }

    /// The version after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// At least 1.
    pub fn number(self) -> i64 {
        self.0
    }
}
