//! A pool that serves in the order of asking.
//!
//! bb8 wakes the first that waits when a connection comes back, but whoever asks in that moment may be faster: under load
//! some wait until their time-out while others are served again and again. A semaphore in front of it knows its queue.

use crate::metrics;
use bb8::ManageConnection;
use std::{
    ops::{Deref, DerefMut},
    time::{Duration, Instant},
};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// Whose connections, where there are several pools: none can use up those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The use cases'.
    Common,
    /// Those by which a worker claims and finishes.
    Worker,
    /// Those that keep a worker's session alive, and take what dead ones hold.
    Lease,
    /// Those for reads that may take long.
    Scan,
    /// The one that is asked whether all is well.
    Health,
}

pub(crate) struct Pool<M: ManageConnection> {
    name: &'static str,
    connections: bb8::Pool<M>,
    turns: Semaphore,
    patience: Duration,
}

/// A connection, given back when dropped.
pub(crate) struct Lease<'a, M: ManageConnection> {
    // Dropped first: a turn is worth a connection that is there.
    connection: bb8::PooledConnection<'a, M>,
    _turn: SemaphorePermit<'a>,
}

impl<M: ManageConnection> Pool<M> {
    /// At most `size` connections, made on demand; `name` is for the metrics.
    pub(crate) fn new(
        name: &'static str,
        size: u32,
        patience: Duration,
        builder: bb8::Builder<M>,
        manager: M,
    ) -> Self {
        metrics::register(name);
        let connections = builder.max_size(size).connection_timeout(patience).build_unchecked(manager);
        Self { name, connections, turns: Semaphore::new(size as usize), patience }
    }

    /// A connection, unless there is none in time.
    pub(crate) async fn get(&self) -> Option<Lease<'_, M>> {
        let started = Instant::now();
        let lease = async {
            let turn = self.turns.acquire().await.ok()?;
            Some(Lease { connection: self.connections.get().await.ok()?, _turn: turn })
        };
        let lease = timeout(self.patience, lease).await.ok().flatten();
        metrics::acquired(self.name, started, lease.is_some());
        lease
    }

    /// How many connections are idle and how many are busy.
    pub(crate) fn connections(&self) -> [metrics::Connections; 2] {
        let state = self.connections.state();
        let busy = state.connections.saturating_sub(state.idle_connections);
        [(self.name, "idle", state.idle_connections), (self.name, "busy", busy)]
    }

    /// Waits until all connections are back, for a few seconds at most, and lets nobody have one any more.
    pub(crate) async fn close(&self) {
        let all = self.connections.config().max_size;
        let _given_up = timeout(Duration::from_secs(5), self.turns.acquire_many(all)).await;
        self.turns.close();
    }
}

impl<M: ManageConnection> Deref for Lease<'_, M> {
    type Target = M::Connection;
    fn deref(&self) -> &M::Connection {
        &self.connection
    }
}

impl<M: ManageConnection> DerefMut for Lease<'_, M> {
    fn deref_mut(&mut self) -> &mut M::Connection {
        &mut self.connection
    }
}
