//! A background task: what the ledger knows of one, and what may be said of a new one.
//!
//! Its life cycle is in `task/state.rs`; the use cases are in `application/src/tasks.rs`.

mod name;
mod new;
mod query;
mod retry;
mod state;

pub use name::{Priority, QueueName, UniqueKey};
pub use new::{NewGroup, NewTask};
pub use query::{TaskFilter, TaskQuery};
pub use retry::RetryPolicy;
pub use state::{IllegalTransition, MAX_CRASHES, Standing, TaskEvent, TaskState};

use crate::{Version, text, words::words};
use chrono::{DateTime, Utc};
use std::time::Duration;
use uuid::Uuid;

/// The identity of a task, a UUIDv7 (RFC 9562, section 5.7). Whatever a handler does elsewhere, it uses this as
/// the idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub Uuid);

/// One life of one worker or beat process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub Uuid);

/// A task as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// Whose this is.
    pub id: TaskId,
    /// The name of its kind, such as `ADD_ONE_YEAR`.
    pub kind: String,
    /// Where it waits for a worker.
    pub queue: QueueName,
    /// Before which others of its queue.
    pub priority: Priority,
    /// Its state, and the counters that decide its next one.
    pub standing: Standing,
    /// +1 on each claim and each reclaim, never lowered: a write about a running task names the fence of its claim.
    pub fence: i64,
    /// +1 on each change that can be seen.
    pub version: Version,
    /// Its place among others.
    pub place: Place,
    /// What its kind is told: JSON, at most [`NewTask::MAX_PAYLOAD`] bytes.
    pub payload: String,
    /// What it has answered: JSON, once it has succeeded.
    pub result: Option<String>,
    /// How far it says it is.
    pub progress: Option<Progress>,
    /// Why it has failed or was cancelled.
    pub reason: Option<EndReason>,
    /// How long one run may take.
    pub timeout: Duration,
    /// The request, or other task's request, that it comes from.
    pub request_id: String,
    /// The task whose handler has scheduled it.
    pub parent: Option<TaskId>,
    /// Not before then.
    pub due_at: DateTime<Utc>,
    /// When it was scheduled.
    pub created_at: DateTime<Utc>,
    /// When its last run began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it reached a terminal state.
    pub finished_at: Option<DateTime<Utc>>,
}

/// The place of a task among others. A member of a group is no chain, and a link is no group: what must be nested is
/// scheduled by a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// By itself.
    Alone,
    /// Runs once the link before it has succeeded.
    Link {
        /// The id that all links share, that of the first.
        chain: TaskId,
        /// From 0.
        position: u32,
        /// How many links there are.
        length: u32,
    },
    /// One of several that run side by side.
    Member {
        /// The id that all members share.
        group: Uuid,
    },
    /// Runs once all members have succeeded.
    Callback {
        /// The members'.
        group: Uuid,
    },
}

impl Place {
    /// Whether the task waits for others at first.
    pub fn waits(self) -> bool {
        matches!(self, Self::Link { position: 1.., .. } | Self::Callback { .. })
    }

    /// Whether others wait for the task.
    pub fn is_awaited(self) -> bool {
        match self {
            Self::Link { position, length, .. } => position + 1 < length,
            Self::Member { .. } => true,
            Self::Alone | Self::Callback { .. } => false,
        }
    }
}

/// How far a task says it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    fraction: f64,
    note: String,
}

impl Progress {
    /// In characters.
    pub const MAX_NOTE: usize = 200;

    /// `fraction` is brought into 0 to 1, `note` into one line of at most 200 characters: progress is a courtesy, and no
    /// reason to fail.
    pub fn new(fraction: f64, note: &str) -> Self {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        Self { fraction, note: text::squeezed(note, Self::MAX_NOTE) }
    }

    /// 0 to 1.
    pub fn fraction(&self) -> f64 {
        self.fraction
    }
    /// One line, perhaps empty.
    pub fn note(&self) -> &str {
        &self.note
    }
}

/// What went wrong in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable and machine-readable.
    pub code: FaultCode,
    /// For a person: at most [`Fault::MAX_MESSAGE`] bytes.
    pub message: String,
}

impl Fault {
    /// In bytes.
    pub const MAX_MESSAGE: usize = 4096;
    /// How many are kept of one task, the last ones.
    pub const KEPT: usize = 10;

    /// `message` is cut to its limit; NUL, which PostgreSQL cannot store, is dropped.
    pub fn new(code: FaultCode, message: &str) -> Self {
        let mut message = message.replace('\0', "");
        message.truncate(message.floor_char_boundary(Self::MAX_MESSAGE));
        Self { code, message }
    }
}

/// A fault as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFault {
    /// Of which run, from 1; of a crash, the run that it ended.
    pub attempt: u32,
    /// When it was noticed.
    pub at: DateTime<Utc>,
    /// What it was.
    pub fault: Fault,
}

words! {
    /// How a run failed.
    pub enum FaultCode {
        /// The handler answered an error that a retry may heal.
        Error = "error",
        /// The handler panicked.
        Panic = "panic",
        /// The run took longer than its kind allows.
        Timeout = "timeout",
        /// The handler says that no retry can help.
        Unrecoverable = "unrecoverable",
        /// The payload is not one of its kind.
        Undecodable = "undecodable",
        /// No worker has known the kind for a day.
        UnknownKind = "unknown_kind",
        /// The result is too large to be kept.
        ResultTooLarge = "result_too_large",
        /// The process that ran it was lost.
        WorkerLost = "worker_lost",
    }
}

words! {
    /// Why a task has ended without success.
    pub enum EndReason {
        /// Its last retry failed.
        RetriesUsedUp = "retries_used_up",
        /// No retry could have helped.
        Unrecoverable = "unrecoverable",
        /// It was lost with its worker three times.
        WorkerLost = "worker_lost",
        /// No worker has known its kind for a day.
        UnknownKind = "unknown_kind",
        /// Somebody has cancelled it.
        Cancelled = "cancelled",
        /// What it waited for has failed or was cancelled.
        PredecessorEnded = "predecessor_ended",
    }
}

/// A task with everything that a page about it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskStory {
    /// Itself.
    pub task: Task,
    /// The links of its chain, or the members and the callback of its group, in order, itself among them; empty if it is
    /// alone.
    pub links: Vec<TaskLink>,
    /// Its last faults, oldest first.
    pub faults: Vec<TaskFault>,
}

/// One of the tasks that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskLink {
    /// Which.
    pub id: TaskId,
    /// Of which kind.
    pub kind: String,
    /// In which state.
    pub state: TaskState,
    /// How far.
    pub progress: Option<Progress>,
    /// Of its row.
    pub version: Version,
}

impl TaskStory {
    /// Grows with each change of the task, and of the links that it waits for: without any, its version. Whoever follows a task
    /// is told of what that is about, and not of members that run beside it.
    pub fn revision(&self) -> i64 {
        let waits = !matches!(self.task.place, Place::Member { .. });
        let before = self.links.iter().take_while(|link| waits && link.id != self.task.id);
        self.task.version.number() + before.map(|link| link.version.number()).sum::<i64>()
    }

    /// Grows with each change of anything that a page about the task shows.
    pub fn total_version(&self) -> i64 {
        let others = self.links.iter().filter(|link| link.id != self.task.id);
        self.task.version.number() + others.map(|link| link.version.number()).sum::<i64>()
    }
}

#[cfg(test)]
mod tests;
