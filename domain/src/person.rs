//! A person: the sample resource, and the model for every further one.
//!
//! The use cases are in `application/src/persons.rs`.

mod query;

pub use query::{NamePrefix, PersonFilter, PersonOrder, PersonPosition, PersonQuery, PersonSort};

use crate::{EmailAddress, Version, Violation, text};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Somebody with a name, an e-mail address that nobody else has, and an age.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    id: PersonId,
    details: PersonDetails,
    version: Version,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// What a client may say of a person; the rest is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonDetails {
    /// What the person is called.
    pub name: PersonName,
    /// Unique among persons, regardless of case.
    pub email: EmailAddress,
    /// In whole years.
    pub age: Age,
}

impl Person {
    /// A new person. `id` is a UUIDv7 made at `now`, so that ids sort by time of creation.
    pub fn new(id: PersonId, details: PersonDetails, now: DateTime<Utc>) -> Self {
        Self { id, details, version: Version::FIRST, created_at: now, updated_at: now }
    }

    /// A person as it was stored.
    pub fn restore(
        id: PersonId,
        details: PersonDetails,
        version: Version,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
    ) -> Self {
        Self { id, details, version, created_at, updated_at }
    }

    /// Takes new details as a whole.
    pub fn replace(&mut self, details: PersonDetails, now: DateTime<Utc>) {
        self.details = details;
        self.touch(now);
    }

    /// A birthday. [`TooOld`] past the greatest age, and nothing has changed then.
    pub fn add_one_year(&mut self, now: DateTime<Utc>) -> Result<(), TooOld> {
        self.details.age = self.details.age.next()?;
        self.touch(now);
        Ok(())
    }

    /// Whose identity this is.
    pub fn id(&self) -> PersonId {
        self.id
    }
    /// What a client may say of it.
    pub fn details(&self) -> &PersonDetails {
        &self.details
    }
    /// Of the last write.
    pub fn version(&self) -> Version {
        self.version
    }
    /// When it was made.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }
    /// When it was last written.
    pub fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at
    }

    fn touch(&mut self, now: DateTime<Utc>) {
        self.version = self.version.next();
        self.updated_at = now;
    }
}

/// The identity of a person, a UUIDv7 (RFC 9562, section 5.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonId(pub Uuid);

/// 1 to 200 characters without control characters; surrounding white space is dropped.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonName(String);

impl PersonName {
    /// In characters.
    pub const MAX_LENGTH: usize = 200;

    /// See the type.
    pub fn parse(raw: &str) -> Result<Self, Violation> {
        text::single_line(raw, Self::MAX_LENGTH).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// 0 to 150 whole years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(u8);

impl Age {
    /// In years.
    pub const MAX: u8 = 150;

    /// `Violation` unless 0 to 150.
    pub fn new(years: i64) -> Result<Self, Violation> {
        u8::try_from(years)
            .ok()
            .filter(|years| *years <= Self::MAX)
            .map(Self)
            .ok_or_else(|| Violation::new("range", format!("must be a whole number from 0 to {}", Self::MAX)))
    }

    /// 0 to 150.
    pub fn years(self) -> u8 {
        self.0
    }

    fn next(self) -> Result<Self, TooOld> {
        if self.0 < Self::MAX { Ok(Self(self.0 + 1)) } else { Err(TooOld) }
    }
}

/// A person of the greatest age cannot grow older.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a person cannot be older than {} years", Age::MAX)]
pub struct TooOld;

#[cfg(test)]
mod tests;
