//! Names of queues, priorities, and keys that only one unfinished task may have.

use crate::{Violation, text, words::words};

/// 1 to 50 of `a-z 0-9 _ -`, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueName(String);

impl QueueName {
    /// In characters.
    pub const MAX_LENGTH: usize = 50;

    /// See the type.
    pub fn parse(raw: &str) -> Result<Self, Violation> {
        let sane = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        let starts = raw.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if starts && raw.len() <= Self::MAX_LENGTH && raw.bytes().all(sane) {
            return Ok(Self(raw.to_owned()));
        }
        let message = "must be 1 to 50 of a-z, 0-9, _ and -, starting with a letter";
        Err(Violation::new("queue", message))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

words! {
    /// Before which others of its queue a task runs; among equals, what is due first.
    pub enum Priority {
        /// Before all others.
        High = "high",
        /// Unless something else is said.
        Normal = "normal",
        /// After all others.
        Low = "low",
    }
}

impl Priority {
    /// 0 for the highest.
    pub fn rank(self) -> i32 {
        match self {
            Self::High => 0,
            Self::Normal => 1,
            Self::Low => 2,
        }
    }

    /// `None` unless 0 to 2.
    pub fn from_rank(rank: i32) -> Option<Self> {
        Self::ALL.iter().copied().find(|priority| priority.rank() == rank)
    }
}

/// Among the unfinished tasks of a kind only one may have it: 1 to 200 characters in one line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UniqueKey(String);

impl UniqueKey {
    /// In characters.
    pub const MAX_LENGTH: usize = 200;

    /// See the type.
    pub fn parse(raw: &str) -> Result<Self, Violation> {
        text::single_line(raw, Self::MAX_LENGTH).map(Self)
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
