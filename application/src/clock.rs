//! Time and identity come in through ports, so that a test can decide both.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// What time it is.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Clock: Send + Sync {
    /// The current instant, in whole microseconds: finer ones would not survive PostgreSQL.
    fn now(&self) -> DateTime<Utc>;
}

/// New identities.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Ids: Send + Sync {
    /// A UUIDv7 of the instant `now`. Ids made one after the other by one process sort in that order, within a
    /// millisecond too (RFC 9562, section 6.2).
    fn next(&self, now: DateTime<Utc>) -> Uuid;
}

/// Chance, for jitter.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Chance: Send + Sync {
    /// A number from 0 up to, and not including, 1.
    fn unit(&self) -> f64;
}
