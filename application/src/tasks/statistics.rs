//! What the dashboard and the metrics show of queues and processes.

use crate::{Error, Minute, Role};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{QueueName, SessionId};

/// See the module. Each implementation is proven by the contract suite in `tests/functional/contract`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)] // must stand above async_trait
#[async_trait]
pub trait TaskStatistics: Send + Sync {
    /// Of every queue that has unfinished tasks.
    async fn depths(&self, now: DateTime<Utc>) -> Result<Vec<QueueDepth>, Error>;

    /// What was counted since `since`, by queue and minute.
    async fn minutes(&self, since: DateTime<Utc>) -> Result<Vec<Minute>, Error>;

    /// Every session that has a row, oldest first.
    async fn sessions(&self) -> Result<Vec<SessionStatus>, Error>;
}

/// How full a queue is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueDepth {
    /// Which.
    pub queue: QueueName,
    /// Due or not, waiting for a worker.
    pub queued: u64,
    /// Claimed.
    pub running: u64,
    /// For others.
    pub waiting: u64,
    /// Since when the oldest task that is due has been due.
    pub oldest_due: Option<DateTime<Utc>>,
}

/// A process that works, or has lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStatus {
    /// Which.
    pub id: SessionId,
    /// What it does.
    pub role: Role,
    /// Where.
    pub host: String,
    /// By which process id.
    pub process: u32,
    /// A worker's.
    pub queues: Vec<QueueName>,
    /// How many tasks at once.
    pub concurrency: u32,
    /// How many tasks it held when it last renewed.
    pub running: u32,
    /// Since when.
    pub started_at: DateTime<Utc>,
    /// When it last said that it lives.
    pub renewed_at: DateTime<Utc>,
    /// Until when it is taken to be alive.
    pub expires_at: DateTime<Utc>,
    /// When it ended in order.
    pub closed_at: Option<DateTime<Utc>>,
    /// When it last claimed a task.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When it last finished a task, or fired a schedule.
    pub finished_at: Option<DateTime<Utc>>,
}
