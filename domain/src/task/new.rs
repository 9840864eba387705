//! What is written when a task is scheduled.

use super::{Place, Priority, QueueName, Standing, TaskId, UniqueKey};
use chrono::{DateTime, Utc};
use std::time::Duration;
use uuid::Uuid;

/// A task to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// See [`super::Task`], here and below.
    pub id: TaskId,
    /// The name of its kind.
    pub kind: String,
    /// Where it waits.
    pub queue: QueueName,
    /// Before which others.
    pub priority: Priority,
    /// Runs after the first.
    pub max_retries: u32,
    /// Of one run.
    pub timeout: Duration,
    /// JSON.
    pub payload: String,
    /// Not before then.
    pub due_at: DateTime<Utc>,
    /// If an unfinished task of the kind has it already, that one is taken and this one is not written. Only for a task
    /// that is alone.
    pub unique_key: Option<UniqueKey>,
    /// Among others.
    pub place: Place,
    /// Where it comes from.
    pub request_id: String,
    /// The task that schedules it.
    pub parent: Option<TaskId>,
    /// Now.
    pub created_at: DateTime<Utc>,
}

impl NewTask {
    /// In bytes: arguments are ids and small values, the handler loads the rest.
    pub const MAX_PAYLOAD: usize = 64 * 1024;

    /// At first.
    pub fn standing(&self) -> Standing {
        Standing::new(self.place.waits(), self.max_retries)
    }
}

/// Tasks that run side by side, and one that runs once all have succeeded. Written before its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewGroup {
    /// What its members name.
    pub id: Uuid,
    /// How many members there are: at least 1.
    pub size: u32,
    /// Runs at the end.
    pub callback: TaskId,
}
