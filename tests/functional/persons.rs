//! Persons in v1 and v2.

mod concurrency;
mod lists;
mod v1;
mod v2;
mod validation;
