//! From a kind and its payload to what is written: one task, a chain, a group. No I/O: the ledger is reached through the
//! `then` of a write, or through `TaskController::schedule`.

use super::handler::TaskKind;
use crate::{Clock, Context, Error, Ids, Then};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{NewGroup, NewTask, Place, Priority, QueueName, TaskId, UniqueKey};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// How long one run may take at most.
pub(super) const LONGEST_RUN: Duration = Duration::from_secs(24 * 3600);

/// A task that could be scheduled: its kind, its payload, and how they are to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub(crate) id: Option<TaskId>,
    pub(crate) kind: String,
    pub(crate) queue: QueueName,
    pub(crate) priority: Priority,
    pub(crate) max_retries: u32,
    pub(crate) timeout: Duration,
    pub(crate) payload: String,
    pub(crate) due: Due,
    pub(crate) unique_key: Option<UniqueKey>,
}

impl Signature {
    /// Of `task`, as its kind has it. `Internal` if the payload cannot be written as JSON, is larger than 64 KiB, or the
    /// kind names an impossible queue: defects, since payloads are ids and small values.
    pub fn of<T: TaskKind>(task: &T) -> Result<Self, Error> {
        const WHAT: &str = "cannot schedule a task";
        let payload = serde_json::to_string(task).map_err(|error| Error::internal(WHAT, error))?;
        if payload.len() > NewTask::MAX_PAYLOAD {
            let message = format!(
                "the payload of {} has {} bytes, the most are {}",
                T::NAME,
                payload.len(),
                NewTask::MAX_PAYLOAD
            );
            return Err(Error::internal(WHAT, message));
        }
        let queue = QueueName::parse(T::QUEUE)
            .map_err(|v| Error::internal(WHAT, format!("the queue of {} {}", T::NAME, v.message)))?;
        Ok(Self {
            id: None,
            kind: T::NAME.to_owned(),
            queue,
            priority: T::PRIORITY,
            max_retries: T::MAX_RETRIES,
            timeout: T::TIMEOUT.min(LONGEST_RUN),
            payload,
            due: Due::After(TimeDelta::zero()),
            unique_key: None,
        })
    }

    /// Under an id that is known before: a new UUIDv7, since ids sort by time. Else one is chosen.
    #[must_use]
    pub fn with_id(self, id: TaskId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Not before `delay` has passed.
    #[must_use]
    pub fn after(self, delay: TimeDelta) -> Self {
        Self { due: Due::After(delay), ..self }
    }

    /// Not before `instant`; at once, if that has passed.
    #[must_use]
    pub fn at(self, instant: DateTime<Utc>) -> Self {
        Self { due: Due::At(instant), ..self }
    }

    /// Before which others of its queue.
    #[must_use]
    pub fn with_priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// Only one unfinished task of the kind may have `key`: see [`NewTask::unique_key`]. Not for links and members.
    #[must_use]
    pub fn unique(self, key: UniqueKey) -> Self {
        Self { unique_key: Some(key), ..self }
    }
}

/// From when on a task may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// It was scheduled.
    After(TimeDelta),
    At(DateTime<Utc>),
}

/// Makes tasks out of signatures.
pub struct Scheduler {
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    backlog: Arc<dyn Backlog>,
}

/// Knows how full the queues are, as of a moment ago.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Backlog: Send + Sync {
    /// `TooMany` if `queue` is full.
    fn admit(&self, queue: &QueueName) -> Result<(), Error>;
}

impl Scheduler {
    /// Over these ports.
    pub fn new(clock: Arc<dyn Clock>, ids: Arc<dyn Ids>, backlog: Arc<dyn Backlog>) -> Self {
        Self { clock, ids, backlog }
    }

    /// One task. `TooMany` if its queue is full.
    pub fn schedule_task(&self, ctx: &Context, task: Signature) -> Result<Then, Error> {
        self.backlog.admit(&task.queue)?;
        let tasks = vec![new_task(ctx, self.ids.as_ref(), self.clock.now(), task)];
        Ok(Then { tasks, ..Then::default() })
    }

    /// Tasks that run one after the other, each once the one before has succeeded; the rest is cancelled when one fails.
    /// `TooMany` if one of their queues is full.
    pub fn schedule_chain(&self, ctx: &Context, links: Vec<Signature>) -> Result<Then, Error> {
        Ok(chained(self.side_by_side(ctx, links)?))
    }

    /// Tasks that run side by side, and `callback` once all have succeeded: at once, if there are no members. It is cancelled
    /// when one fails; the others run on. `TooMany` if one of their queues is full.
    pub fn schedule_group(
        &self,
        ctx: &Context,
        members: Vec<Signature>,
        callback: Signature,
    ) -> Result<Then, Error> {
        if members.is_empty() {
            return self.schedule_task(ctx, callback);
        }
        let tasks = self.side_by_side(ctx, members.into_iter().chain([callback]).collect())?;
        Ok(grouped(self.ids.next(self.clock.now()), tasks))
    }

    fn side_by_side(&self, ctx: &Context, signatures: Vec<Signature>) -> Result<Vec<NewTask>, Error> {
        let now = self.clock.now();
        let admitted = |task: Signature| {
            self.backlog.admit(&task.queue)?;
            Ok(new_task(ctx, self.ids.as_ref(), now, task))
        };
        signatures.into_iter().map(admitted).collect()
    }
}

/// Links, in their order.
pub(crate) fn chained(mut tasks: Vec<NewTask>) -> Then {
    let length = u32::try_from(tasks.len()).unwrap_or(u32::MAX);
    if let Some(chain) = tasks.first().map(|first| first.id) {
        for (position, task) in (0..).zip(&mut tasks) {
            task.place = Place::Link { chain, position, length };
            task.unique_key = None;
        }
    }
    Then { tasks, ..Then::default() }
}

/// Members, and last their callback.
pub(crate) fn grouped(group: Uuid, mut tasks: Vec<NewTask>) -> Then {
    let size = u32::try_from(tasks.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let mut groups = Vec::new();
    for task in &mut tasks {
        task.place = Place::Member { group };
        task.unique_key = None;
    }
    if let Some(callback) = tasks.last_mut() {
        callback.place = Place::Callback { group };
        groups.push(NewGroup { id: group, size, callback: callback.id });
    }
    Then { tasks, groups, settle: None }
}

/// The task, due when its signature says.
pub(crate) fn new_task(ctx: &Context, ids: &dyn Ids, now: DateTime<Utc>, task: Signature) -> NewTask {
    NewTask {
        id: task.id.unwrap_or_else(|| TaskId(ids.next(now))),
        kind: task.kind,
        queue: task.queue,
        priority: task.priority,
        max_retries: task.max_retries,
        timeout: task.timeout,
        payload: task.payload,
        due_at: match task.due {
            Due::After(delay) => now + delay,
            Due::At(instant) => instant.max(now),
        },
        unique_key: task.unique_key,
        place: Place::Alone,
        request_id: ctx.request_id.as_str().to_owned(),
        parent: None,
        created_at: now,
    }
}
