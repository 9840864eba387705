//! Persons and the state of their schema on SQLite and PostgreSQL.
//!
//! Each repository is written once, in `repositories/`, and mounted twice, in `postgres/` and `sqlite/`; what only one
//! database can say stands in those two. Migrations are in `migrations/` at the top of the workspace, compiled in.

#![expect(clippy::duplicate_mod, reason = "each repository is compiled once for each database")]

mod config;
mod draft;
mod error;
mod fragments;
mod metrics;
mod migrator;
mod open;
mod pool;
mod postgres;
mod schema;
mod sqlite;
mod types;

pub use config::{DatabaseConfig, Kind, Synchronous};
pub use draft::{Draft, DraftError, draft};
pub use migrator::{MigrateError, MigrationStatus, Migrator};
pub use open::{Database, OpenError};
