//! What only SQLite can say. One connection writes, since SQLite has one writer at a time anyway; several read, each from
//! its own snapshot (write-ahead log). `file.rs` finds, makes and locks the file.

mod admin;
mod file;
mod tasks;

#[path = "../migrator/session.rs"]
mod migrations;
#[path = "../repositories/mod.rs"]
mod repositories;

pub(crate) use admin::scratch;
pub(crate) use file::path;
pub(crate) use migrations::Session;

use crate::{
    DatabaseConfig, OpenError, error, metrics,
    pool::{Lane, Lease, Pool},
};
use application::Doorbell;
use diesel::{
    QueryResult, SqliteConnection,
    result::{ConnectionError, DatabaseErrorInformation},
};
use diesel_async::{
    AsyncConnection, SimpleAsyncConnection,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig},
    sync_connection_wrapper::SyncConnectionWrapper,
};
use std::{
    borrow::Cow,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

pub(crate) type Backend = diesel::sqlite::Sqlite;
pub(crate) type Conn = SyncConnectionWrapper<SqliteConnection>;
pub(crate) type Write<'a> = Lease<'a, Manager>;
type Read<'a> = Lease<'a, Manager>;
type Manager = AsyncDieselConnectionManager<Conn>;

/// The connections of a service.
#[derive(Clone)]
pub(crate) struct Db(Arc<Inner>);

struct Inner {
    readers: Pool<Manager>,
    writer: Pool<Manager>,
    doorbell: Arc<dyn Doorbell>,
    log: slog::Logger,
    /// `None` once closed.
    right: Mutex<Option<Right>>,
}

/// Runs a read on a reader.
macro_rules! read {
    ($db:expr, $conn:ident => $query:expr) => {
        match $db.read().await {
            Ok(mut $conn) => $query.await,
            Err(error) => Err(error),
        }
    };
}
pub(crate) use read;

/// Runs a write on the writer.
macro_rules! write {
    ($db:expr, $conn:ident => $query:expr) => {
        match $db.write().await {
            Ok(mut $conn) => $query.await,
            Err(error) => Err(error),
        }
    };
}
pub(crate) use write;

/// Runs a read that may take long: as any other.
macro_rules! scan {
    ($db:expr, $conn:ident => $query:expr) => {
        $crate::sqlite::read!($db, $conn => $query)
    };
}
pub(crate) use scan;

/// Inserts rows, a vector of them, one by one: Diesel knows no other way here. All of them are one trip to the thread that
/// talks to SQLite.
macro_rules! insert_many {
    ($conn:expr, $table:expr, $rows:expr $(, $on_conflict:ident)?) => {{
        let rows = $rows;
        let insert = move |conn: &mut diesel::SqliteConnection| {
            for row in rows {
                diesel::RunQueryDsl::execute(diesel::insert_into($table).values(row)$(.$on_conflict())?, conn)?;
            }
            Ok(())
        };
        $conn.spawn_blocking(insert).await
    }};
}
pub(crate) use insert_many;

/// The rows of a query, locked until the transaction ends: it has the whole file.
macro_rules! for_update {
    ($query:expr) => {
        $query
    };
}
pub(crate) use for_update;

/// As [`for_update!`].
macro_rules! skip_locked {
    ($query:expr) => {
        $query
    };
}
pub(crate) use skip_locked;

/// Runs `$work` in one transaction on the writer; an error rolls it back. It takes the file for writing at its beginning: one
/// that has read before it writes would fail if somebody else had written meanwhile.
macro_rules! transaction {
    ($db:expr, $conn:ident => $work:expr) => {
        match $db.write().await {
            Ok(mut lease) => lease.immediate_transaction(async |$conn| $work.await).await,
            Err(error) => Err($crate::error::Undone::from(error)),
        }
    };
}
pub(crate) use transaction;

/// Makes, locks and migrates the file.
pub(crate) async fn open(
    config: &DatabaseConfig,
    doorbell: Arc<dyn Doorbell>,
    log: &slog::Logger,
) -> Result<Db, OpenError> {
    let path = path(config)?;
    file::make_folder(&path)?;
    let lock = file::Lock::take(&path)?;
    Session::open(config).await?.upgrade(None, log).await?;
    Ok(connect(config, &path, doorbell, log, Right::Serve { _lock: lock }))
}

/// Uses a file that somebody else may serve from.
pub(crate) fn visit(
    config: &DatabaseConfig,
    doorbell: Arc<dyn Doorbell>,
    log: &slog::Logger,
) -> Result<Db, OpenError> {
    Ok(connect(config, &path(config)?, doorbell, log, Right::Visit))
}

fn connect(
    config: &DatabaseConfig,
    path: &Path,
    doorbell: Arc<dyn Doorbell>,
    log: &slog::Logger,
    right: Right,
) -> Db {
    let pool = |name, size, role| {
        // A connection to a file does not break and does not age.
        let builder = bb8::Pool::builder().test_on_check_out(false).idle_timeout(None).max_lifetime(None);
        Pool::new(name, size, config.acquire_timeout, builder, manager(path, pragmas(config, role)))
    };
    let db = Db(Arc::new(Inner {
        readers: pool("readers", config.readers, Role::Reader),
        writer: pool("writers", 1, Role::Writer),
        doorbell,
        log: log.clone(),
        right: Mutex::new(Some(right)),
    }));
    let watched = Arc::downgrade(&db.0);
    metrics::watch(move || {
        let inner = watched.upgrade()?;
        Some([inner.readers.connections(), inner.writer.connections()].concat())
    });
    db
}

/// By which right this process uses the file.
enum Right {
    /// As the one that serves from it.
    Serve { _lock: file::Lock },
    /// For a short command.
    Visit,
}

impl Db {
    /// The same: whoever writes takes turns.
    pub(crate) fn on(&self, _lane: Lane) -> Self {
        self.clone()
    }

    /// Whom to tell of tasks.
    pub(crate) fn doorbell(&self) -> &dyn Doorbell {
        self.0.doorbell.as_ref()
    }

    /// For what no caller is told.
    pub(crate) fn log(&self) -> &slog::Logger {
        &self.0.log
    }

    /// A reader. Use [`read!`].
    pub(crate) async fn read(&self) -> QueryResult<Read<'_>> {
        self.acquire(&self.0.readers).await
    }

    /// The writer. Use [`write!`].
    pub(crate) async fn write(&self) -> QueryResult<Write<'_>> {
        self.acquire(&self.0.writer).await
    }

    /// See `Database::close`. What the log still holds is moved into the database, so that copying one file is a backup.
    pub(crate) async fn close(&self) {
        if let Ok(mut writer) = self.write().await {
            let _busy = writer.batch_execute("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE)").await;
        }
        self.0.readers.close().await;
        self.0.writer.close().await;
        self.right().take();
    }

    async fn acquire<'a>(&self, pool: &'a Pool<Manager>) -> QueryResult<Lease<'a, Manager>> {
        if self.right().is_none() {
            return Err(error::closed());
        }
        pool.get().await.ok_or_else(error::exhausted)
    }

    fn right(&self) -> std::sync::MutexGuard<'_, Option<Right>> {
        self.0.right.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name of the constraint that a statement violated, by the naming rule: SQLite says `UNIQUE constraint failed:
/// persons.email_key`, and of a CHECK its name.
pub(crate) fn violated(info: &dyn DatabaseErrorInformation) -> Option<Cow<'_, str>> {
    let (kind, what) = info.message().split_once(" constraint failed: ")?;
    match kind {
        "UNIQUE" => {
            let table = what.split_once('.')?.0;
            let columns: Vec<&str> = what.split(", ").filter_map(|c| Some(c.split_once('.')?.1)).collect();
            Some(Cow::Owned(format!("{table}_{}_key", columns.join("_"))))
        }
        "CHECK" => Some(Cow::Borrowed(what)),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Role {
    Reader,
    Writer,
}

fn pragmas(config: &DatabaseConfig, role: Role) -> String {
    let synchronous = match config.synchronous {
        crate::Synchronous::Full => "FULL",
        crate::Synchronous::Normal => "NORMAL",
    };
    // The wait for the lock comes first: switching to the log needs one.
    format!(
        "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
         PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA query_only = {};",
        config.lock_timeout.as_millis(),
        matches!(role, Role::Reader),
    )
}

fn manager(path: &Path, pragmas: String) -> Manager {
    let mut config = ManagerConfig::default();
    config.custom_setup = Box::new(move |path| {
        let (path, pragmas) = (path.to_owned(), pragmas.clone());
        Box::pin(async move {
            let mut conn = Conn::establish(&path).await?;
            conn.batch_execute(&pragmas).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(conn)
        })
    });
    AsyncDieselConnectionManager::new_with_config(path.to_string_lossy(), config)
}

#[cfg(test)]
mod tests;
