//! Background tasks: list, inspect, cancel, retry, and scheduling them.
//!
//! What runs them is in `tasks/worker.rs`; what they may become is in `domain/src/task/state.rs`.

pub(crate) mod doorbell;
pub(crate) mod gauge;
pub(crate) mod handler;
pub(crate) mod ledger;
pub(crate) mod metrics;
pub(crate) mod registry;
pub(crate) mod scheduler;
pub(crate) mod settings;
pub(crate) mod statistics;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod then;
pub(crate) mod watch;
pub(crate) mod worker;

use crate::{Clock, Context, Error, Then};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Page, Task, TaskId, TaskQuery, TaskState, TaskStory};
use std::sync::Arc;

/// What people see of tasks, and what they may do to them. Each implementation is proven by the contract suite in
/// `tests/functional/contract`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)] // must stand above async_trait
#[async_trait]
pub trait TaskRepository: Send + Sync {
    /// Writes what is in `then`. The ids are those of `then.tasks`, in their order; where a unique key was taken, the id of
    /// the task that has it.
    async fn schedule(&self, then: &Then) -> Result<Vec<TaskId>, Error>;

    /// The page that `query` describes, newest first.
    async fn list(&self, query: &TaskQuery) -> Result<Page<Task, TaskId>, Error>;

    /// The stories of those of `ids` that there are, in any order.
    async fn stories(&self, ids: &[TaskId]) -> Result<Vec<TaskStory>, Error>;

    /// Cancels a task that nobody runs and all that wait for it, or asks its worker to end it. `Conflict` on `state` if
    /// it has ended; `NotFound`.
    async fn cancel(&self, id: TaskId, now: DateTime<Utc>) -> Result<Cancellation, Error>;

    /// Gives a failed or cancelled task a new budget of attempts, due at once, and brings those that were cancelled because of
    /// it back to waiting, unless something else that they wait for has failed or was cancelled. `Conflict` on `state` if
    /// it is neither, or if what it waits for has not succeeded: the message names what to retry. `NotFound`.
    async fn retry(&self, id: TaskId, now: DateTime<Utc>) -> Result<(), Error>;

    /// Deletes at most `limit` tasks that have expired, oldest first: a chain or a group as a whole, by its last end and the
    /// longest retention among its tasks; one that is larger than `limit`, by itself. How many tasks were deleted: 0 when
    /// there is nothing left to do. What belongs to them goes too: faults, groups, fires of schedules.
    async fn prune(&self, expired: &Expiry, limit: u32) -> Result<u32, Error>;
}

/// What has ended, and how.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancellation {
    /// It is cancelled.
    Done,
    /// It runs; its worker is to end it.
    Requested,
}

/// Which tasks may go: those of each state that ended before its instant. A state that is absent stays for ever.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expiry {
    /// Terminal states and instants.
    pub before: Vec<(TaskState, DateTime<Utc>)>,
}

/// How long tasks are kept once they have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Those that succeeded or were cancelled.
    pub succeeded: TimeDelta,
    /// Those that failed.
    pub failed: TimeDelta,
}

impl Retention {
    /// 7 days, and 90 for what failed.
    pub const DEFAULT: Self = Self { succeeded: TimeDelta::days(7), failed: TimeDelta::days(90) };

    /// What has expired at `now`.
    pub fn expired(&self, now: DateTime<Utc>) -> Expiry {
        let (succeeded, failed) = (now - self.succeeded, now - self.failed);
        Expiry {
            before: vec![
                (TaskState::Succeeded, succeeded),
                (TaskState::Cancelled, succeeded),
                (TaskState::Failed, failed),
            ],
        }
    }
}

/// The use cases.
pub struct TaskController {
    tasks: Arc<dyn TaskRepository>,
    doorbell: Arc<dyn crate::Doorbell>,
    clock: Arc<dyn Clock>,
}

impl TaskController {
    /// Over these ports.
    pub fn new(
        tasks: Arc<dyn TaskRepository>,
        doorbell: Arc<dyn crate::Doorbell>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { tasks, doorbell, clock }
    }

    /// Schedules what is in `then`, where there is nothing else to write. The stories of its tasks, in their order; where a
    /// unique key was taken, of the task that has it.
    pub async fn schedule(&self, ctx: &Context, then: &Then) -> Result<Vec<TaskStory>, Error> {
        let ids = self.tasks.schedule(then).await?;
        let mut stories = self.tasks.stories(&ids).await?;
        stories.sort_by_key(|story| ids.iter().position(|id| *id == story.task.id));
        for story in &stories {
            slog::info!(ctx.log, "task scheduled"; "task_id" => %story.task.id.0, "kind" => &story.task.kind);
        }
        Ok(stories)
    }

    /// The same for one task.
    pub async fn schedule_one(&self, ctx: &Context, then: &Then) -> Result<TaskStory, Error> {
        let story = self.schedule(ctx, then).await?.into_iter().next();
        story.ok_or_else(|| Error::internal("cannot schedule a task", "it is not there"))
    }

    /// The page that `query` describes.
    pub async fn list(&self, _ctx: &Context, query: &TaskQuery) -> Result<Page<Task, TaskId>, Error> {
        self.tasks.list(query).await
    }

    /// `NotFound` if there is none, or none any more.
    pub async fn get(&self, _ctx: &Context, id: TaskId) -> Result<TaskStory, Error> {
        self.story(id).await
    }

    /// As it is afterwards: cancelled, or still running and asked to end. `Conflict` on `state` if it has ended already.
    pub async fn cancel(&self, ctx: &Context, id: TaskId) -> Result<TaskStory, Error> {
        match self.tasks.cancel(id, self.clock.now()).await? {
            Cancellation::Done => slog::info!(ctx.log, "task cancelled"; "task_id" => %id.0),
            Cancellation::Requested => {
                self.doorbell.cancel(id);
                slog::info!(ctx.log, "task is to be cancelled"; "task_id" => %id.0);
            }
        }
        self.story(id).await
    }

    /// As it is afterwards: queued. `Conflict` on `state`: see [`TaskRepository::retry`].
    pub async fn retry(&self, ctx: &Context, id: TaskId) -> Result<TaskStory, Error> {
        self.tasks.retry(id, self.clock.now()).await?;
        slog::info!(ctx.log, "task retried"; "task_id" => %id.0);
        self.story(id).await
    }

    async fn story(&self, id: TaskId) -> Result<TaskStory, Error> {
        let found = self.tasks.stories(&[id]).await?.pop();
        found.ok_or_else(|| Error::not_found("task", id.0))
    }
}
