//! What the pools tell Prometheus: `plinth_db_connections`, `plinth_db_acquire_seconds`, `plinth_db_acquire_timeouts_total`.

use std::time::{Duration, Instant};

/// A pool's name, a state, and how many of its connections are in that state.
pub(crate) type Connections = (&'static str, &'static str, u32);

const INTERVAL: Duration = Duration::from_secs(5);

/// Sets the gauges every few seconds, until `connections` says that there are no pools any more.
pub(crate) fn watch(connections: impl Fn() -> Option<Vec<Connections>> + Send + 'static) {
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
        while let Some(connections) = connections() {
            for (pool, state, number) in connections {
                metrics::gauge!("plinth_db_connections", "pool" => pool, "state" => state).set(number);
            }
            tick.tick().await;
        }
    });
}

/// A pool's counters are there from the start: an alert on a rise does not see a first value that comes out of nowhere.
pub(crate) fn register(pool: &'static str) {
    metrics::counter!("plinth_db_acquire_timeouts_total", "pool" => pool).absolute(0);
    let _shown = metrics::histogram!("plinth_db_acquire_seconds", "pool" => pool);
}

/// One acquisition from `pool`, and whether it succeeded.
pub(crate) fn acquired(pool: &'static str, started: Instant, succeeded: bool) {
    metrics::histogram!("plinth_db_acquire_seconds", "pool" => pool).record(started.elapsed());
    if !succeeded {
        metrics::counter!("plinth_db_acquire_timeouts_total", "pool" => pool).increment(1);
    }
}
