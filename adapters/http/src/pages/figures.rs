//! What the overview counts, asked for once however many look at it: counting a full queue is work for the database.

use super::hour::Hour;
use application::{Error, Minute, QueueDepth, Session, TaskStatistics};
use chrono::{DateTime, Utc};
use futures_util::try_join;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How long they are good for at least.
const FRESH: Duration = Duration::from_secs(1);
/// Asking may take a tenth of the time.
const SHARE: u32 = 10;

/// Counted at one instant.
pub(super) struct Figures {
    /// As of when.
    pub(super) now: DateTime<Utc>,
    pub(super) depths: Vec<QueueDepth>,
    pub(super) minutes: Vec<Minute>,
    pub(super) sessions: Vec<Session>,
}

/// The last figures, until they are too old.
pub(super) struct Counter {
    statistics: Arc<dyn TaskStatistics>,
    /// With the end of their time. Held while they are counted, so that whoever comes meanwhile waits for the same.
    last: Mutex<Option<(Instant, Arc<Figures>)>>,
}

impl Counter {
    pub(super) fn new(statistics: Arc<dyn TaskStatistics>) -> Self {
        Self { statistics, last: Mutex::default() }
    }

    /// As of `now`, or of a moment ago.
    pub(super) async fn figures(&self, now: DateTime<Utc>) -> Result<Arc<Figures>, Error> {
        let mut last = self.last.lock().await;
        let begin = Instant::now();
        if let Some((_, figures)) = last.as_ref().filter(|(end, _)| *end > begin) {
            return Ok(figures.clone());
        }
        let statistics = &self.statistics;
        let (depths, minutes, sessions) =
            try_join!(statistics.depths(now), statistics.minutes(Hour::begin(now)), statistics.sessions(),)?;
        let figures = Arc::new(Figures { now, depths, minutes, sessions });
        let end = begin + FRESH.max(begin.elapsed() * SHARE);
        *last = Some((end, figures.clone()));
        Ok(figures)
    }
}
