//! What the overview shows of tasks, asked for once however many look at it: counting a full queue is work for the database.

use super::hour::Hour;
use application::{Context, Error, Minute, QueueDepth, SessionStatus, TaskController, TaskStatistics};
use chrono::{DateTime, Utc};
use domain::{Limit, Task, TaskFilter, TaskQuery, TaskState};
use futures_util::try_join;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How long they are good for at least.
const FRESH: Duration = Duration::from_secs(1);
/// Asking may take a tenth of the time.
const SHARE: u32 = 10;

/// How many tasks are shown of those that run, and of those that failed.
const SHOWN: i64 = 8;

/// As of one instant.
pub(super) struct Figures {
    /// Which one.
    pub(super) now: DateTime<Utc>,
    pub(super) depths: Vec<QueueDepth>,
    pub(super) minutes: Vec<Minute>,
    pub(super) sessions: Vec<SessionStatus>,
    /// The newest.
    pub(super) running: Vec<Task>,
    /// The newest.
    pub(super) failed: Vec<Task>,
}

/// The last figures, until they are too old.
pub(super) struct Counter {
    statistics: Arc<dyn TaskStatistics>,
    tasks: Arc<TaskController>,
    /// With the end of their time. Held while they are counted, so that whoever comes meanwhile waits for the same.
    last: Mutex<Option<(Instant, Arc<Figures>)>>,
}

impl Counter {
    pub(super) fn new(statistics: Arc<dyn TaskStatistics>, tasks: Arc<TaskController>) -> Self {
        Self { statistics, tasks, last: Mutex::default() }
    }

    /// As of `now`, or of a moment ago.
    pub(super) async fn figures(&self, ctx: &Context, now: DateTime<Utc>) -> Result<Arc<Figures>, Error> {
        let mut last = self.last.lock().await;
        let begin = Instant::now();
        if let Some((_, figures)) = last.as_ref().filter(|(end, _)| *end > begin) {
            return Ok(figures.clone());
        }
        let statistics = &self.statistics;
        let (depths, minutes, sessions, running, failed) = try_join!(
            statistics.depths(now),
            statistics.minutes(Hour::begin(now)),
            statistics.sessions(),
            self.newest(ctx, TaskState::Running),
            self.newest(ctx, TaskState::Failed),
        )?;
        let figures = Arc::new(Figures { now, depths, minutes, sessions, running, failed });
        let end = begin + FRESH.max(begin.elapsed() * SHARE);
        *last = Some((end, figures.clone()));
        Ok(figures)
    }

    async fn newest(&self, ctx: &Context, state: TaskState) -> Result<Vec<Task>, Error> {
        let filter = TaskFilter { state: Some(state), ..TaskFilter::default() };
        let limit = Limit::new(SHOWN).unwrap_or_default();
        Ok(self.tasks.list(ctx, &TaskQuery { filter, limit, cursor: None }).await?.items)
    }
}
