//! The schema over time: `plinth db upgrade`, `downgrade`, `status`, `redo`, `reset`, `seed`.
//!
//! The work is done in `session.rs`; `compare.rs` tells where a database differs from `schema.rs`.

mod compare;
mod demo;
#[cfg(test)]
mod lint;

pub(crate) use compare::{Difference, Found, compare};
pub(crate) use demo::demo_persons;

use crate::{DatabaseConfig, Kind, OpenError, postgres, sqlite};
use application::{BoxError, Clock, Ids};
use chrono::TimeDelta;

/// One connection for administration. A service that runs meanwhile goes on; on SQLite its writes wait.
///
/// Needs a multi-threaded Tokio runtime. Two that upgrade at once do it one after the other, the second finding nothing
/// left to do.
pub struct Migrator {
    session: Session,
    log: slog::Logger,
}

enum Session {
    Postgres(Box<postgres::Session>),
    Sqlite(sqlite::Session),
}

/// A migration, and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// `<version>_<name>`, or the version alone if the program does not know it.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
    /// Whether this program has it; if not, the database was migrated by a newer one.
    pub known: bool,
}

/// Why the schema could not be changed or read.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Nothing of this name is compiled in.
    #[error("there is no migration {0}")]
    NoSuchMigration(String),
    /// The database has it, the program does not, so that it cannot be taken back.
    #[error(
        "the database has migration {0}, which this version of the program does not know: use a newer one"
    )]
    UnknownMigration(String),
    /// Another process has been migrating for too long.
    #[error("another process is migrating the database")]
    Busy,
    /// Its SQL failed.
    #[error("migration {name} failed")]
    Failed {
        /// `<version>_<name>`.
        name: String,
        /// What the database said.
        #[source]
        source: BoxError,
    },
    /// A statement of our own failed.
    #[error("the database refused a statement")]
    Database(#[source] BoxError),
}

impl MigrateError {
    pub(crate) fn database(error: diesel::result::Error) -> Self {
        Self::Database(error.into())
    }
}

macro_rules! on_session {
    ($migrator:expr, $session:ident => $call:expr) => {
        match &mut $migrator.session {
            Session::Postgres($session) => $call,
            Session::Sqlite($session) => $call,
        }
    };
}

impl Migrator {
    /// Connects; the embedded database is made if need be.
    pub async fn open(config: &DatabaseConfig, log: &slog::Logger) -> Result<Self, OpenError> {
        let session = match config.kind()? {
            Kind::Postgres => Session::Postgres(Box::new(postgres::Session::open(config).await?)),
            Kind::Sqlite => Session::Sqlite(sqlite::Session::open(config).await?),
        };
        Ok(Self { session, log: log.clone() })
    }

    /// As [`Self::open`], but `None` where that would have to make the embedded database.
    pub async fn open_existing(
        config: &DatabaseConfig,
        log: &slog::Logger,
    ) -> Result<Option<Self>, OpenError> {
        if config.kind()? == Kind::Sqlite && !sqlite::path(config)?.exists() {
            return Ok(None);
        }
        Self::open(config, log).await.map(Some)
    }

    /// Applies what is pending, up to and including `to` (a version or a name); the names of what was applied.
    pub async fn upgrade(&mut self, to: Option<&str>) -> Result<Vec<String>, MigrateError> {
        on_session!(self, session => session.upgrade(to, &self.log).await)
    }

    /// Takes back the last migration, or all after `to` (a version, a name, or `base` for all); their names.
    pub async fn downgrade(&mut self, to: Option<&str>) -> Result<Vec<String>, MigrateError> {
        on_session!(self, session => session.downgrade(to, &self.log).await)
    }

    /// Every migration that the program or the database knows, in order.
    pub async fn status(&mut self) -> Result<Vec<MigrationStatus>, MigrateError> {
        on_session!(self, session => session.status().await)
    }

    /// Takes the last migration back and applies it again; its name, if there is one.
    pub async fn redo(&mut self) -> Result<Vec<String>, MigrateError> {
        on_session!(self, session => session.redo(&self.log).await)
    }

    /// Drops every table and applies all migrations; their names. All data is lost.
    pub async fn reset(&mut self) -> Result<Vec<String>, MigrateError> {
        on_session!(self, session => session.reset(&self.log).await)
    }

    /// Adds the demo persons whose e-mail addresses are free; how many were added.
    pub async fn seed(&mut self, clock: &dyn Clock, ids: &dyn Ids) -> Result<usize, MigrateError> {
        on_session!(self, session => session.seed(clock, ids).await)
    }

    /// Where the database differs from the schema that the program was built for, a sentence each.
    pub async fn drift(&mut self) -> Result<Vec<String>, MigrateError> {
        let differences = on_session!(self, session => session.drift().await)?;
        Ok(differences.iter().map(ToString::to_string).collect())
    }

    /// By how much the server's clock is ahead of `clock` at least, the time that the question took left out; `None` where
    /// there is no server.
    pub async fn clock_skew(&mut self, clock: &dyn Clock) -> Result<Option<TimeDelta>, MigrateError> {
        on_session!(self, session => session.clock_skew(clock).await)
    }

    /// What an operator should change in the server's settings, a sentence each.
    pub async fn advice(&mut self) -> Result<Vec<String>, MigrateError> {
        on_session!(self, session => session.advice().await)
    }
}
