//! How full the queues are: sampled, shown as metrics, and a reason to refuse further tasks.

use super::{metrics, scheduler::Backlog, statistics::TaskStatistics, worker::reach::Reach};
use crate::{Clock, Error};
use domain::QueueName;
use slog::Logger;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often the queues are counted, unless that takes long.
const INTERVAL: Duration = Duration::from_secs(1);

/// Counting may take one part of the time in so many.
const SHARE: u32 = 10;

/// See the module.
pub struct QueueGauge {
    statistics: Arc<dyn TaskStatistics>,
    clock: Arc<dyn Clock>,
    limit: u64,
    reach: Reach,
    unfinished: RwLock<BTreeMap<QueueName, u64>>,
}

impl QueueGauge {
    /// How many unfinished tasks a queue may have, unless somebody says otherwise.
    pub const LIMIT: u64 = 100_000;

    /// Refuses tasks for queues that have `limit` unfinished ones. Before the first sample nothing is refused.
    pub fn new(statistics: Arc<dyn TaskStatistics>, clock: Arc<dyn Clock>, limit: u64, log: Logger) -> Self {
        Self { statistics, clock, limit, reach: Reach::new(log), unfinished: RwLock::default() }
    }

    /// Counts again and again until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut shown = BTreeSet::new();
        loop {
            let started = Instant::now();
            self.sample(&mut shown).await;
            let pause = INTERVAL.max(started.elapsed() * (SHARE - 1));
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// While the database cannot count, the last count stands: a queue that was full is not empty because nobody can look.
    async fn sample(&self, shown: &mut BTreeSet<QueueName>) {
        let now = self.clock.now();
        let depths = match self.statistics.depths(now).await {
            Ok(depths) => depths,
            Err(error) => {
                return self.reach.failed("count the queues: metrics and limits stand still", &error);
            }
        };
        self.reach.succeeded();
        metrics::depths(&depths, shown, now);
        shown.extend(depths.iter().map(|depth| depth.queue.clone()));
        let unfinished = depths.into_iter().map(|d| (d.queue, d.queued + d.running + d.waiting)).collect();
        *self.unfinished.write().unwrap_or_else(PoisonError::into_inner) = unfinished;
    }
}

impl Backlog for QueueGauge {
    fn admit(&self, queue: &QueueName) -> Result<(), Error> {
        let unfinished = self.unfinished.read().unwrap_or_else(PoisonError::into_inner);
        let depth = unfinished.get(queue).copied().unwrap_or_default();
        if depth < self.limit {
            return Ok(());
        }
        // The fuller it is, the longer it takes until there is room: 1 s at the limit, 5 s at twice the limit.
        let excess = (depth - self.limit).saturating_mul(4) / self.limit.max(1);
        let retry_after = Duration::from_secs(1 + excess.min(4));
        Err(Error::TooMany { what: format!("the queue {} is full", queue.as_str()), retry_after })
    }
}

#[cfg(test)]
mod tests;
