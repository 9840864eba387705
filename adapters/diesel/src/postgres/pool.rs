//! Pools of connections for writes.

use super::{Conn, Target, outage::Outage};
use crate::{
    DatabaseConfig, OpenError, error, metrics,
    pool::{Lease, Pool},
};
use diesel::QueryResult;
use diesel_async::pooled_connection::PoolableConnection;
use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// A pool, and why its last attempt to connect failed, if it did.
pub(super) struct Writers {
    pool: Pool<Manager>,
    last_failure: Arc<Mutex<Option<String>>>,
}

impl Writers {
    /// At most `size` connections, made on demand: `Database::open` has just shown that they can be. Each begins with
    /// `session`, and gives a statement so much time.
    pub(super) fn new(
        name: &'static str,
        size: u32,
        (session, statement_timeout): (&'static str, Duration),
        config: &DatabaseConfig,
        target: &Arc<Target>,
        log: &slog::Logger,
    ) -> Self {
        let last_failure = Arc::default();
        let manager = Manager {
            target: Arc::clone(target),
            name,
            session,
            statement_timeout,
            last_failure: Arc::clone(&last_failure),
            outage: Outage::default(),
            log: log.clone(),
        };
        Self {
            pool: Pool::new(name, size, config.acquire_timeout, bb8::Pool::builder(), manager),
            last_failure,
        }
    }

    /// A connection, within the acquire time-out.
    pub(super) async fn get(&self) -> QueryResult<Lease<'_, Manager>> {
        self.pool.get().await.ok_or_else(|| {
            let failure = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
            failure.map_or_else(error::exhausted, error::unreachable)
        })
    }

    /// See [`Pool::connections`].
    pub(super) fn connections(&self) -> [metrics::Connections; 2] {
        self.pool.connections()
    }

    /// See [`Pool::close`].
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Makes and judges connections.
pub(crate) struct Manager {
    target: Arc<Target>,
    name: &'static str,
    session: &'static str,
    statement_timeout: Duration,
    last_failure: Arc<Mutex<Option<String>>>,
    outage: Outage,
    log: slog::Logger,
}

/// A connection that can be given up.
pub(crate) struct Pooled {
    conn: Conn,
    given_up: bool,
}

impl Pooled {
    /// Closed instead of handed back: an answer may still arrive on it.
    pub(crate) fn give_up(&mut self) {
        self.given_up = true;
    }
}

impl bb8::ManageConnection for Manager {
    type Connection = Pooled;
    type Error = OpenError;

    async fn connect(&self) -> Result<Pooled, OpenError> {
        let made = self.target.connect(self.statement_timeout, self.session).await;
        let failure = made.as_ref().err().map(ToString::to_string);
        if let Some(reason) = &failure {
            self.outage.tell(&self.log, self.name, reason);
        }
        *self.last_failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        Ok(Pooled { conn: made?, given_up: false })
    }

    /// At check-out. Asking the server would double the cost of a short write; a connection that has been closed
    /// meanwhile is known without asking.
    async fn is_valid(&self, conn: &mut Pooled) -> Result<(), OpenError> {
        let closed = || OpenError::Connect("the connection was closed".to_owned());
        if self.has_broken(conn) { Err(closed()) } else { Ok(()) }
    }

    /// At check-in. A transaction that was left open counts as broken: its future was dropped.
    fn has_broken(&self, conn: &mut Pooled) -> bool {
        conn.given_up || conn.conn.is_broken()
    }
}

impl Deref for Pooled {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}
