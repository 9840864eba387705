//! Which tasks to list. They are listed from the newest to the oldest, that is by id.

use super::{QueueName, TaskId, TaskState};
use crate::{Cursor, Limit};

/// Everything that decides a page of tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskQuery {
    /// Which.
    pub filter: TaskFilter,
    /// How many at most.
    pub limit: Limit,
    /// From where; `None` for the first page.
    pub cursor: Option<Cursor<TaskId>>,
}

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskFilter {
    /// In this state.
    pub state: Option<TaskState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// In this queue.
    pub queue: Option<QueueName>,
    /// Caused by the request of this id.
    pub request_id: Option<String>,
}
