//! What the pools tell Prometheus: `plinth_db_connections`, `plinth_db_acquire_seconds`, `plinth_db_acquire_timeouts_total`.

use std::time::{Duration, Instant};

/// A pool's name, how many connections it has, and how many of them are idle.
pub(crate) type Size = (&'static str, u32, u32);

const INTERVAL: Duration = Duration::from_secs(5);

/// Sets the gauges every few seconds, until `sizes` says that there are no pools any more.
pub(crate) fn watch(sizes: impl Fn() -> Option<Vec<Size>> + Send + 'static) {
    metrics::describe_gauge!("plinth_db_connections", "Connections to the database, by pool and state.");
    metrics::describe_histogram!(
        "plinth_db_acquire_seconds",
        metrics::Unit::Seconds,
        "How long a statement waited for its connection."
    );
    metrics::describe_counter!(
        "plinth_db_acquire_timeouts_total",
        "Statements that got no connection in time."
    );
    tokio::spawn(async move {
        let mut tick = tokio::time::interval(INTERVAL);
        while let Some(pools) = sizes() {
            for (pool, connections, idle) in pools {
                let state =
                    |state| metrics::gauge!("plinth_db_connections", "pool" => pool, "state" => state);
                state("idle").set(idle);
                state("busy").set(connections.saturating_sub(idle));
            }
            tick.tick().await;
        }
    });
}

/// One acquisition from `pool`, and whether it succeeded.
pub(crate) fn acquired(pool: &'static str, started: Instant, succeeded: bool) {
    metrics::histogram!("plinth_db_acquire_seconds", "pool" => pool).record(started.elapsed());
    if !succeeded {
        metrics::counter!("plinth_db_acquire_timeouts_total", "pool" => pool).increment(1);
    }
}
