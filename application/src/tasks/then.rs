//! What must follow a write: an argument of the write, so that both are committed or neither is.

use domain::{NewGroup, NewTask, TaskId};

/// Tasks to schedule, and the running task that the write completes. A repository writes it as the last step of its own
/// transaction, and rings the doorbell after the commit.
#[must_use = "nothing is scheduled or settled until a write is given this"]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Then {
    /// In order.
    pub tasks: Vec<NewTask>,
    /// Whose members and callbacks are among the tasks.
    pub groups: Vec<NewGroup>,
    /// If the write is the work of a running task.
    pub settle: Option<Settle>,
}

/// The right to write about a running task: whoever holds an older fence has lost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Which task.
    pub id: TaskId,
    /// As it was claimed.
    pub fence: i64,
}

/// The success of a running task. If the claim does not hold any more, the whole transaction is rolled back as `Stale`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settle {
    /// Of the running task.
    pub claim: Claim,
    /// What it answers: JSON.
    pub result: String,
    /// Now.
    pub at: chrono::DateTime<chrono::Utc>,
}

impl Then {
    /// Nothing follows.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Whether nothing follows.
    pub fn is_nothing(&self) -> bool {
        self.tasks.is_empty() && self.settle.is_none()
    }

    /// This, and `other` too. What `other` settles, if anything, wins: a write completes one task.
    pub fn and(mut self, other: Self) -> Self {
        self.tasks.extend(other.tasks);
        self.groups.extend(other.groups);
        self.settle = other.settle.or(self.settle);
        self
    }
}
