//! Waiting for what nothing announces, such as a session that the database ends.

use std::time::{Duration, Instant};

/// Asks until `holds` answers yes, at most for `limit`, the last question included; how long it took.
pub async fn within(limit: Duration, what: &str, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let started = Instant::now();
    let asking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let held = tokio::time::timeout(limit, asking).await;
    assert!(held.is_ok(), "not within {limit:?}: {what}");
    started.elapsed()
}
