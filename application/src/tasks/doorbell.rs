//! Hints: "look now". The ledger is the truth; any hint may be lost, and whoever listens looks by itself every second.

use async_trait::async_trait;
use domain::{QueueName, TaskId};

/// Wakes workers. Each implementation is proven by the contract suite in `tests/functional/contract`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)] // must stand above async_trait
#[async_trait]
pub trait Doorbell: Send + Sync {
    /// Something is due in `queue`: one listener wakes up, if any is free. Never waits and never fails.
    fn ring(&self, queue: &QueueName);

    /// `task` is to end: every listener is told. Never waits and never fails.
    fn cancel(&self, task: TaskId);

    /// From now on hears the hints for `queues`.
    fn listen(&self, queues: &[QueueName]) -> Box<dyn Bell>;

    /// Whether hints can pass.
    fn state(&self) -> DoorbellState;
}

/// The listening side.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)] // must stand above async_trait
#[async_trait]
pub trait Bell: Send {
    /// The next hint. `free`: whether the listener can take work; while it cannot, hints about queues are left to others.
    /// Dropping the future loses nothing. It may wake up for nothing, and never ends by itself when hints cannot pass.
    async fn next(&mut self, free: bool) -> Hint;
}

/// What a listener hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Something is due in this queue.
    Work(QueueName),
    /// This task is to end.
    Cancel(TaskId),
}

/// Whether hints can pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoorbellState {
    /// Within this process.
    Local,
    /// Through a server that answers.
    Connected,
    /// The server cannot be reached; workers find their tasks by themselves, a little later.
    Disconnected,
}
