//! The connections that all reads share. PostgreSQL answers in order on each, so only short statements belong here.
//!
//! A lost connection shows in the answer to whatever was sent on it; the first reader that sees it has it replaced, and
//! the others wait for that one attempt. After a failure the slot refuses at once for a while (50 ms, doubling up to a
//! second), so that a server that is down is neither hammered nor waited for.

use super::{Conn, Read, Target, outage::Outage};
use crate::{DatabaseConfig, error};
use diesel::QueryResult;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::timeout;

pub(super) struct Shared {
    slots: Vec<Arc<Slot>>,
    next: AtomicUsize,
}

struct Slot {
    current: Mutex<Option<Arc<Conn>>>,
    breaker: tokio::sync::Mutex<Breaker>,
    target: Arc<Target>,
    statement_timeout: Duration,
    attempt_timeout: Duration,
    outage: Outage,
    log: slog::Logger,
}

#[derive(Default)]
struct Breaker {
    failures: u32,
    open_until: Option<(Instant, String)>,
}

impl Shared {
    /// So many connections, made on demand but for `first`.
    pub(super) fn new(
        size: u32,
        config: &DatabaseConfig,
        target: &Arc<Target>,
        first: Option<Conn>,
        log: &slog::Logger,
    ) -> Self {
        let slot = |conn: Option<Conn>| {
            Arc::new(Slot {
                current: Mutex::new(conn.map(Arc::new)),
                breaker: tokio::sync::Mutex::default(),
                target: Arc::clone(target),
                statement_timeout: config.read_timeout,
                attempt_timeout: config.connect_timeout.min(config.acquire_timeout),
                outage: Outage::default(),
                log: log.clone(),
            })
        };
        let others = (1..size).map(|_| slot(None));
        Self { slots: std::iter::once(slot(first)).chain(others).collect(), next: AtomicUsize::new(0) }
    }

    /// The next connection in turn.
    pub(super) async fn get(&self) -> QueryResult<Read> {
        self.connection(self.next.fetch_add(1, Ordering::Relaxed) % self.slots.len()).await
    }

    /// A new connection in the place of `lost`, unless somebody else has replaced it already.
    pub(super) async fn replace(&self, lost: &Read) -> QueryResult<Read> {
        self.discard(lost);
        self.connection(lost.slot).await
    }

    /// Nobody gets this connection any more; those that wait for an answer on it keep it until then.
    pub(super) fn discard(&self, lost: &Read) {
        if let Some(slot) = self.slots.get(lost.slot) {
            slot.swap(|current| current.take_if(|conn| Arc::ptr_eq(conn, &lost.conn)));
        }
    }

    /// How many are connected, for the metrics.
    pub(super) fn connected(&self) -> u32 {
        self.slots.iter().map(|slot| u32::from(slot.swap(|current| current.is_some()))).sum()
    }

    pub(super) fn close(&self) {
        for slot in &self.slots {
            slot.swap(Option::take);
        }
    }

    async fn connection(&self, index: usize) -> QueryResult<Read> {
        let slot = self.slots.get(index).ok_or_else(error::closed)?;
        let current = slot.swap(|current| current.clone());
        let conn = match current {
            Some(conn) => conn,
            // Spawned: whoever waits may lose patience, the attempt and what it teaches the breaker must not be lost.
            None => tokio::spawn(slot.clone().connect()).await.map_err(|_| error::closed())??,
        };
        Ok(Read { conn, slot: index })
    }
}

impl Slot {
    /// Connects, unless somebody just has, or just has failed.
    async fn connect(self: Arc<Self>) -> QueryResult<Arc<Conn>> {
        let mut breaker = self.breaker.lock().await;
        if let Some(conn) = self.swap(|current| current.clone()) {
            return Ok(conn);
        }
        if let Some((until, reason)) = &breaker.open_until
            && Instant::now() < *until
        {
            return Err(error::unreachable(reason.clone()));
        }
        let attempt = timeout(self.attempt_timeout, self.target.connect(self.statement_timeout, "")).await;
        let failed = match attempt {
            Ok(Ok(conn)) => {
                let conn = Arc::new(conn);
                self.swap(|current| *current = Some(conn.clone()));
                *breaker = Breaker::default();
                return Ok(conn);
            }
            Ok(Err(refused)) => refused.to_string(),
            Err(_) => "no answer from the server".to_owned(),
        };
        self.outage.tell(&self.log, "reads", &failed);
        breaker.fail(failed.clone());
        Err(error::unreachable(failed))
    }

    /// The lock is held for a few instructions and never across an await.
    fn swap<R>(&self, change: impl FnOnce(&mut Option<Arc<Conn>>) -> R) -> R {
        change(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Breaker {
    fn fail(&mut self, reason: String) {
        let pause = Duration::from_millis(50 << self.failures.min(4)).min(Duration::from_secs(1));
        self.failures += 1;
        self.open_until = Some((Instant::now() + pause, reason));
    }
}
