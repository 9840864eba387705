//! Opening: which backend, is it there, may we have it.

use crate::{DatabaseConfig, Kind, MigrateError, Migrator, postgres, sqlite};
use application::{
    BoxError, Doorbell, Error, Imports, PersonRepository, Probe, Schedules, TaskLedger, TaskRepository,
    TaskStatistics,
};
use chrono::{DateTime, Utc};
use std::{path::PathBuf, sync::Arc};

/// The database of a running service. Cheap to clone; all clones share the same connections.
#[derive(Clone)]
pub struct Database(Backend);

#[derive(Clone)]
enum Backend {
    Postgres(postgres::Db),
    Sqlite(sqlite::Db),
}

/// Why a database cannot be opened. Neither text nor source contains a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be used.
    #[error("the database URL {0}")]
    Url(String),
    /// The server cannot be reached, or refuses us.
    #[error("cannot connect to PostgreSQL: {0}")]
    Connect(String),
    /// The database cannot hold every text.
    #[error(
        "the database has the encoding {0} and cannot hold every text: make one WITH ENCODING 'UTF8' TEMPLATE template0"
    )]
    Encoding(String),
    /// The certificates to trust cannot be read.
    #[error("cannot read the certificates to trust: {0}")]
    Certificates(String),
    /// Another process serves from the same file.
    #[error(
        "{} is in use by another server process. SQLite serves one; to run several, set DATABASE_URL to a PostgreSQL \
         database (postgres://user:password@host/name)",
        .0.display()
    )]
    InUse(PathBuf),
    /// The file of the embedded database cannot be opened.
    #[error("cannot open the database file {}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: BoxError,
    },
    /// There is nothing to look at yet.
    #[error("there is no database file {} yet: a start of `plinth` makes it, as does `plinth db upgrade`", .0.display())]
    Absent(PathBuf),
    /// Its tables are not those that this program knows.
    #[error("the database is not up to date: run `plinth db upgrade`")]
    Pending,
    /// The migrations of the embedded database failed.
    #[error("cannot migrate the database")]
    Migrate(#[from] MigrateError),
}

impl Database {
    /// Connects for serving, or says within the connect time-out why that is impossible. The embedded database is made
    /// if need be, migrated, and locked against a second server process; PostgreSQL is left as it is, with a warning if
    /// migrations are pending.
    ///
    /// Needs a multi-threaded Tokio runtime.
    pub async fn open(
        config: &DatabaseConfig,
        doorbell: Arc<dyn Doorbell>,
        log: &slog::Logger,
    ) -> Result<Self, OpenError> {
        Ok(Self(match config.kind()? {
            Kind::Postgres => Backend::Postgres(postgres::open(config, doorbell, log).await?),
            Kind::Sqlite => Backend::Sqlite(sqlite::open(config, doorbell, log).await?),
        }))
    }

    /// For a short command, also beside a process that serves from the same embedded database: nothing is made, migrated or
    /// locked. Needs what [`Self::open`] needs.
    pub async fn visit(
        config: &DatabaseConfig,
        doorbell: Arc<dyn Doorbell>,
        log: &slog::Logger,
    ) -> Result<Self, OpenError> {
        let Some(mut migrator) = Migrator::open_existing(config, log).await? else {
            return Err(OpenError::Absent(sqlite::path(config)?));
        };
        if migrator.status().await?.iter().any(|migration| !migration.applied) {
            return Err(OpenError::Pending);
        }
        Ok(Self(match config.kind()? {
            Kind::Postgres => Backend::Postgres(postgres::open(config, doorbell, log).await?),
            Kind::Sqlite => Backend::Sqlite(sqlite::visit(config, doorbell, log)?),
        }))
    }

    /// What time it is for the database; `None` if that is the clock of this host.
    pub async fn now(&self) -> Result<Option<DateTime<Utc>>, Error> {
        match &self.0 {
            Backend::Postgres(db) => db.now().await,
            Backend::Sqlite(db) => db.now().await,
        }
    }

    /// Where persons are kept.
    pub fn persons(&self) -> Arc<dyn PersonRepository> {
        match &self.0 {
            Backend::Postgres(db) => db.persons(),
            Backend::Sqlite(db) => db.persons(),
        }
    }

    /// The tasks as workers see them.
    pub fn ledger(&self) -> Arc<dyn TaskLedger> {
        match &self.0 {
            Backend::Postgres(db) => db.ledger(),
            Backend::Sqlite(db) => db.ledger(),
        }
    }

    /// What people see of tasks.
    pub fn tasks(&self) -> Arc<dyn TaskRepository> {
        match &self.0 {
            Backend::Postgres(db) => db.tasks(),
            Backend::Sqlite(db) => db.tasks(),
        }
    }

    /// Figures of queues and processes.
    pub fn statistics(&self) -> Arc<dyn TaskStatistics> {
        match &self.0 {
            Backend::Postgres(db) => db.statistics(),
            Backend::Sqlite(db) => db.statistics(),
        }
    }

    /// How far schedules are.
    pub fn schedules(&self) -> Arc<dyn Schedules> {
        match &self.0 {
            Backend::Postgres(db) => db.schedules(),
            Backend::Sqlite(db) => db.schedules(),
        }
    }

    /// Where uploads wait for their import.
    pub fn imports(&self) -> Arc<dyn Imports> {
        match &self.0 {
            Backend::Postgres(db) => db.imports(),
            Backend::Sqlite(db) => db.imports(),
        }
    }

    /// `db` and `migrations`, both required, and `consistency`, which is not.
    pub fn probes(&self) -> Vec<Arc<dyn Probe>> {
        match &self.0 {
            Backend::Postgres(db) => db.probes(),
            Backend::Sqlite(db) => db.probes(),
        }
    }

    /// Lets go of the file, or of the server: waits for what is running, for a few seconds at most, and ends the
    /// connections. Afterwards every use is `Unavailable`.
    pub async fn close(&self) {
        match &self.0 {
            Backend::Postgres(db) => db.close().await,
            Backend::Sqlite(db) => db.close().await,
        }
    }
}

/// Whether the URL makes sense, without touching what it names.
pub(crate) fn understand(config: &DatabaseConfig) -> Result<(), OpenError> {
    match config.kind()? {
        Kind::Postgres => postgres::Target::parse(config).map(drop),
        Kind::Sqlite => sqlite::path(config).map(drop),
    }
}
