//! What only PostgreSQL can say. Reads share a few pipelined connections (`shared.rs`), writes check one out of a pool
//! (`pool.rs`); `target.rs` and `tls.rs` make connections.

mod admin;
mod outage;
mod pipelined;
mod pool;
mod shared;
mod target;
mod tasks;
mod tls;

#[path = "../migrator/session.rs"]
mod migrations;
#[path = "../repositories/mod.rs"]
mod repositories;

pub(crate) use migrations::Session;
pub(crate) use target::Target;

use crate::{
    DatabaseConfig, OpenError, error, metrics,
    pool::{Lane, Lease},
};
use application::Doorbell;
use diesel::{QueryResult, result::DatabaseErrorInformation};
use diesel_async::AsyncPgConnection;
use pipelined::Read;
use pool::Writers;
use shared::Shared;
use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::timeout;

pub(crate) type Backend = diesel::pg::Pg;
pub(crate) type Conn = AsyncPgConnection;
pub(crate) type Write<'a> = Lease<'a, pool::Manager>;

/// How many reads that may take long run at once, whoever asks for them.
const SCANS: u32 = 2;

/// The connections of a service, and which of them this clone takes.
#[derive(Clone)]
pub(crate) struct Db {
    inner: Arc<Inner>,
    lane: Lane,
}

struct Inner {
    shared: Shared,
    health: Shared,
    writers: Writers,
    workers: Writers,
    lease: Writers,
    scans: Writers,
    doorbell: Arc<dyn Doorbell>,
    log: slog::Logger,
    closed: AtomicBool,
    /// How long an answer may take before the connection is given up: the server's own limit and a second for the way.
    read_patience: Duration,
    write_patience: Duration,
}

/// Runs a read on a shared connection; if that turns out to be lost, once more on a new one.
macro_rules! read {
    ($db:expr, $conn:ident => $query:expr) => {
        match $db.read().await {
            Ok(mut $conn) => {
                let used = $conn.clone();
                match $db.await_read(&used, $query).await {
                    Err(error) if $crate::error::is_lost(&error) => match $db.read_anew(&used).await {
                        Ok(mut $conn) => $db.await_read(&$conn.clone(), $query).await,
                        Err(error) => Err(error),
                    },
                    result => result,
                }
            }
            Err(error) => Err(error),
        }
    };
}
pub(crate) use read;

/// Runs a write on a connection of the pool. It is not repeated: nobody knows how far a lost one came.
macro_rules! write {
    ($db:expr, $conn:ident => $query:expr) => {
        match $db.write().await {
            Ok(mut $conn) => {
                let result = tokio::time::timeout($db.write_patience(), $query).await;
                let result = result.unwrap_or_else(|_| Err($crate::error::no_answer()));
                if result.as_ref().is_err_and($crate::error::is_over) {
                    $conn.give_up();
                }
                result
            }
            Err(error) => Err(error),
        }
    };
}
pub(crate) use write;

/// Runs a read that may take long on a connection of its own: on a shared one others would wait behind it, and those of the
/// pool are for writes.
macro_rules! scan {
    ($db:expr, $conn:ident => $query:expr) => {{
        let scans = $db.on($crate::pool::Lane::Scan);
        $crate::postgres::write!(scans, $conn => $query)
    }};
}
pub(crate) use scan;

/// Inserts rows, a vector of them, in one statement.
macro_rules! insert_many {
    ($conn:expr, $table:expr, $rows:expr $(, $on_conflict:ident)?) => {
        diesel_async::RunQueryDsl::execute(diesel::insert_into($table).values($rows)$(.$on_conflict())?, $conn)
            .await
            .map(drop)
    };
}
pub(crate) use insert_many;

/// The rows of a query, locked until the transaction ends; waits for whoever has them.
macro_rules! for_update {
    ($query:expr) => {
        $query.for_update()
    };
}
pub(crate) use for_update;

/// As [`for_update!`], without those that somebody else has.
macro_rules! skip_locked {
    ($query:expr) => {
        $query.for_update().skip_locked()
    };
}
pub(crate) use skip_locked;

/// Runs `$work` in one transaction on a connection of the pool; an error rolls it back. Not repeated, as for [`write!`].
macro_rules! transaction {
    ($db:expr, $conn:ident => $work:expr) => {
        match $db.write().await {
            Ok(mut lease) => {
                let work =
                    diesel_async::AsyncConnection::transaction(&mut **lease, async |$conn| $work.await);
                let result = tokio::time::timeout($db.write_patience(), work).await;
                let result = result.unwrap_or_else(|_| Err($crate::error::no_answer().into()));
                if result.as_ref().is_err_and($crate::error::Undone::is_over) {
                    lease.give_up();
                }
                result
            }
            Err(error) => Err($crate::error::Undone::from(error)),
        }
    };
}
pub(crate) use transaction;

/// Connects once, so that a wrong address or password shows at start.
pub(crate) async fn open(
    config: &DatabaseConfig,
    doorbell: Arc<dyn Doorbell>,
    log: &slog::Logger,
) -> Result<Db, OpenError> {
    let target = Arc::new(Target::parse(config)?);
    let mut first = target.connect(config.read_timeout, "").await?;
    warn_if_pending(&mut first, log).await;
    let writers = |name, size, session| {
        Writers::new(name, size, (session, config.statement_timeout), config, &target, log)
    };
    let inner = Arc::new(Inner {
        shared: Shared::new(config.shared_connections, config, &target, Some(first), log),
        health: Shared::new(1, config, &target, None, log),
        writers: writers("writers", config.pool_size, ""),
        workers: writers("workers", config.worker_pool_size, tasks::PLANS),
        // One renews, the other reclaims.
        lease: writers("lease", 2, tasks::PLANS),
        scans: Writers::new("scans", SCANS, ("", config.read_timeout), config, &target, log),
        doorbell,
        log: log.clone(),
        closed: AtomicBool::new(false),
        read_patience: config.read_timeout + Duration::from_secs(1),
        write_patience: config.statement_timeout + Duration::from_secs(1),
    });
    let watched = Arc::downgrade(&inner);
    metrics::watch(move || {
        let inner = watched.upgrade()?;
        let shared =
            [("shared", "open", inner.shared.connected()), ("health", "open", inner.health.connected())];
        let pools = [&inner.writers, &inner.workers, &inner.lease, &inner.scans].map(Writers::connections);
        Some(shared.into_iter().chain(pools.into_iter().flatten()).collect())
    });
    Ok(Db { inner, lane: Lane::Common })
}

/// A service may be started before the upgrade: it is not ready then, and becomes so by itself.
async fn warn_if_pending(conn: &mut Conn, log: &slog::Logger) {
    match migrations::applied(conn).await {
        Ok(applied) => match migrations::plan(&applied).pending.len() {
            0 => {}
            pending => {
                slog::warn!(log, "the database is not up to date: run `plinth db upgrade`"; "pending" => pending);
            }
        },
        Err(error) => slog::warn!(log, "cannot tell whether migrations are pending"; "error" => %error),
    }
}

impl Db {
    /// The same service on other connections.
    pub(crate) fn on(&self, lane: Lane) -> Self {
        Self { inner: Arc::clone(&self.inner), lane }
    }

    /// Whom to tell of tasks.
    pub(crate) fn doorbell(&self) -> &dyn Doorbell {
        self.inner.doorbell.as_ref()
    }

    /// For what no caller is told.
    pub(crate) fn log(&self) -> &slog::Logger {
        &self.inner.log
    }

    /// A shared connection. Use [`read!`].
    pub(crate) async fn read(&self) -> QueryResult<Read> {
        self.check_open()?;
        self.shared().get().await
    }

    /// A new connection in the place of one that is lost.
    pub(crate) async fn read_anew(&self, lost: &Read) -> QueryResult<Read> {
        self.shared().replace(lost).await
    }

    /// The result of a query on `conn`, which is given up if there is none in time: those behind it would wait too.
    pub(crate) async fn await_read<T>(
        &self,
        conn: &Read,
        query: impl Future<Output = QueryResult<T>>,
    ) -> QueryResult<T> {
        timeout(self.inner.read_patience, query).await.unwrap_or_else(|_| {
            self.shared().discard(conn);
            Err(error::no_answer())
        })
    }

    /// A connection of the pool, within the acquire time-out. Use [`write!`].
    pub(crate) async fn write(&self) -> QueryResult<Write<'_>> {
        self.check_open()?;
        match self.lane {
            Lane::Common | Lane::Health => self.inner.writers.get().await,
            Lane::Worker => self.inner.workers.get().await,
            Lane::Lease => self.inner.lease.get().await,
            Lane::Scan => self.inner.scans.get().await,
        }
    }

    pub(crate) fn write_patience(&self) -> Duration {
        self.inner.write_patience
    }

    /// See `Database::close`.
    pub(crate) async fn close(&self) {
        self.inner.closed.store(true, Ordering::Relaxed);
        let Inner { writers, workers, lease, scans, .. } = &*self.inner;
        tokio::join!(writers.close(), workers.close(), lease.close(), scans.close());
        self.inner.shared.close();
        self.inner.health.close();
    }

    fn shared(&self) -> &Shared {
        if self.lane == Lane::Health { &self.inner.health } else { &self.inner.shared }
    }

    fn check_open(&self) -> QueryResult<()> {
        if self.inner.closed.load(Ordering::Relaxed) { Err(error::closed()) } else { Ok(()) }
    }
}

/// The name of the constraint that a statement violated.
pub(crate) fn violated(info: &dyn DatabaseErrorInformation) -> Option<Cow<'_, str>> {
    info.constraint_name().map(Cow::Borrowed)
}
