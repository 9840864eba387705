//! The life cycle: six states, and the one function that says which event leads where. The chart in `docs/tasks.md` and
//! the CHECK constraints of the ledger say the same; tests compare them.

use crate::words::words;

/// How often a task may be lost with its worker before it is taken for the reason.
pub const MAX_CRASHES: u32 = 3;

words! {
    /// Where a task stands.
    pub enum TaskState {
        /// For the link before it, or for the members of its group.
        Waiting = "waiting",
        /// For a worker, or for its time.
        Queued = "queued",
        /// A worker has claimed it.
        Running = "running",
        /// Terminal.
        Succeeded = "succeeded",
        /// Terminal, until an operator retries.
        Failed = "failed",
        /// Terminal, until an operator retries.
        Cancelled = "cancelled",
    }
}

impl TaskState {
    /// Whether nothing more happens by itself.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// The state of a task and what decides its next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands.
    pub state: TaskState,
    /// Runs begun, without those that were given back.
    pub attempt: u32,
    /// Runs after the first that errors may use up.
    pub max_retries: u32,
    /// How often it was lost with its worker.
    pub crashes: u32,
    /// Whether somebody wants it to end.
    pub cancel_requested: bool,
}

words! {
    /// What happens to a task.
    pub enum TaskEvent {
        /// All that it waited for have succeeded.
        Freed = "freed",
        /// What it waited for has failed or was cancelled.
        Orphaned = "orphaned",
        /// A user wants it to end.
        Cancel = "cancel",
        /// A worker takes it.
        Claim = "claim",
        /// Its handler has done its work.
        Success = "success",
        /// An error that a retry may heal, a panic, or a time-out that the handler obeyed.
        Error = "error",
        /// A time-out that the handler did not obey.
        Overdue = "overdue",
        /// An error that no retry can heal.
        Fatal = "fatal",
        /// The handler has ended because it was asked to.
        Yield = "yield",
        /// Its worker gives it back.
        Release = "release",
        /// Its worker is lost.
        Reclaim = "reclaim",
        /// An operator wants it to run again.
        Retry = "retry",
        /// What it waited for is to run again.
        Rejoin = "rejoin",
    }
}

/// There is no such edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a task that is {} has no {}", .from.as_str(), .event.as_str())]
pub struct IllegalTransition {
    /// Where it stands.
    pub from: TaskState,
    /// What cannot happen there.
    pub event: TaskEvent,
}

impl Standing {
    /// Of a task that has just been scheduled.
    pub fn new(waits: bool, max_retries: u32) -> Self {
        let state = if waits { TaskState::Waiting } else { TaskState::Queued };
        Self { state, attempt: 0, max_retries, crashes: 0, cancel_requested: false }
    }

    /// Where `event` leads. The only place that decides it.
    pub fn transition(self, event: TaskEvent) -> Result<Self, IllegalTransition> {
        use TaskEvent as E;
        use TaskState::{Cancelled, Failed, Queued, Running, Succeeded, Waiting};
        let to = |state| Ok(Self { state, ..self });
        // Whatever would lead back to the queue ends a task that somebody wants to end.
        let again = |standing: Self| {
            let state = if self.cancel_requested { Cancelled } else { Queued };
            Ok(Self { state, ..standing })
        };
        let given_back = Self { attempt: self.attempt.saturating_sub(1), ..self };
        match (self.state, event) {
            (Waiting, E::Freed) => to(Queued),
            (Waiting, E::Orphaned) | (Waiting | Queued, E::Cancel) => to(Cancelled),
            (Queued, E::Claim) => Ok(Self { state: Running, attempt: self.attempt + 1, ..self }),
            (Running, E::Cancel) => Ok(Self { cancel_requested: true, ..self }),
            (Running, E::Success) => to(Succeeded),
            (Running, E::Error | E::Overdue) if self.attempt <= self.max_retries => again(self),
            (Running, E::Error | E::Overdue) if self.cancel_requested => to(Cancelled),
            (Running, E::Error | E::Overdue | E::Fatal) => to(Failed),
            (Running, E::Yield) if self.cancel_requested => to(Cancelled),
            (Running, E::Release) => again(given_back),
            (Running, E::Reclaim) => {
                let lost = Self { crashes: self.crashes + 1, ..given_back };
                if lost.crashes < MAX_CRASHES || self.cancel_requested {
                    again(lost)
                } else {
                    Ok(Self { state: Failed, ..lost })
                }
            }
            (Failed | Cancelled, E::Retry) => Ok(Self::new(false, self.max_retries)),
            (Cancelled, E::Rejoin) => Ok(Self::new(true, self.max_retries)),
            (from, event) => Err(IllegalTransition { from, event }),
        }
    }
}
