//! Waiting for what nothing announces, such as a session that the database ends.

use std::time::{Duration, Instant};

/// Asks until `holds` answers yes, at most for `limit`; how long it took.
pub async fn within(limit: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    started.elapsed()
}
