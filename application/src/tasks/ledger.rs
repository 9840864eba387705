//! The ledger as workers see it: sessions, claims, and what becomes of claimed tasks.
//!
//! A worker's session is leased, not each task. Every write about a running task names the fence of its claim; if
//! that is no longer the stored one, or the task no longer runs, nothing is written and the answer says so.

use crate::{Claim, Error, Then};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{
    EndReason, Fault, Place, Priority, Progress, QueueName, SessionId, Standing, TaskEvent, TaskId, TaskState,
};
use std::time::Duration;

/// See the module. Each implementation is proven by the contract suite in `tests/functional/contract`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)] // must stand above async_trait
#[async_trait]
pub trait TaskLedger: Send + Sync {
    /// Begins a session.
    async fn open(&self, session: &NewSession) -> Result<(), Error>;

    /// Extends a session that is alive, over connections that nothing else can exhaust. A session that has expired or was
    /// closed never revives. Of `renewal.running`, those that somebody wants to end.
    async fn renew(&self, renewal: &Renewal) -> Result<Renewed, Error>;

    /// Ends a session in order; what it still holds is given back by whoever reclaims next, without a crash.
    async fn close(&self, id: SessionId, now: DateTime<Utc>) -> Result<(), Error>;

    /// Claims tasks that are due, by the order of the queues, then priority, due time and id, as long as the session is alive;
    /// never one that was lost with its worker before.
    async fn claim(&self, claiming: &Claiming) -> Result<Vec<Claimed>, Error>;

    /// Whether a task of `queues` is due that was lost with its worker before, and none such runs in its queue.
    async fn has_suspect(&self, queues: &[QueueName], now: DateTime<Utc>) -> Result<bool, Error>;

    /// Claims one such task, one in each queue at a time.
    async fn claim_suspect(&self, claiming: &Claiming) -> Result<Option<Claimed>, Error>;

    /// Says that a living session claims nothing else until it can claim such a task of `queues`: if one is due, and no other living
    /// session that serves its queue has said so. Whether it now counts as quiet. Of several that ask at the same instant more than
    /// one may.
    async fn go_quiet(
        &self,
        session: SessionId,
        queues: &[QueueName],
        now: DateTime<Utc>,
    ) -> Result<bool, Error>;

    /// Takes that back.
    async fn end_quiet(&self, session: SessionId) -> Result<(), Error>;

    /// The running tasks of a session. Asked for only when an answer was lost, for no index leads there: a claim that was
    /// committed and never heard of would be held for ever.
    async fn held(&self, session: SessionId) -> Result<Vec<Claim>, Error>;

    /// Commits the successes of tasks that nobody waits for and that schedule nothing, all in one transaction. For
    /// each, in order, whether its claim held.
    async fn finish(&self, finished: &[Finished], now: DateTime<Utc>) -> Result<Vec<bool>, Error>;

    /// Commits anything else that ends a claim, with its consequences for those that wait.
    async fn settle(&self, settlement: &Settlement) -> Result<Settled, Error>;

    /// Writes how far a running task is. `None` if the claim does not hold; else whether somebody wants it to end.
    async fn progress(&self, claim: Claim, progress: &Progress) -> Result<Option<bool>, Error>;

    /// Takes what dead and closed sessions hold: sessions that expired before `now`. A session's row is deleted once a `lease`
    /// has passed since then, for a claim that saw it alive may be committed late. Idempotent; at most `limit` tasks a call.
    async fn reclaim(&self, now: DateTime<Utc>, lease: Duration, limit: u32) -> Result<Reclaimed, Error>;
}

/// A session to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Whose.
    pub id: SessionId,
    /// What it does.
    pub role: Role,
    /// Name of the host, for people.
    pub host: String,
    /// Process id, for people.
    pub process: u32,
    /// A worker's, in their order.
    pub queues: Vec<QueueName>,
    /// How many tasks at once.
    pub concurrency: u32,
    /// Now.
    pub now: DateTime<Utc>,
    /// From now.
    pub lease: Duration,
}

/// What a session is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Runs tasks.
    Worker,
    /// Turns schedules into tasks.
    Beat,
}

/// A session tells that it lives, and what it has done since it last did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Which.
    pub id: SessionId,
    /// Now.
    pub now: DateTime<Utc>,
    /// From now.
    pub lease: Duration,
    /// What it holds.
    pub running: Vec<TaskId>,
    /// When it last claimed a task.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When it last finished a task, or fired a schedule.
    pub finished_at: Option<DateTime<Utc>>,
    /// Ends of runs by queue and minute, to be added to the figures of the last hour.
    pub minutes: Vec<Minute>,
}

/// What happened in one queue in one minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minute {
    /// Where.
    pub queue: QueueName,
    /// Its beginning.
    pub minute: DateTime<Utc>,
    /// Tasks that succeeded.
    pub succeeded: u64,
    /// Tasks that failed for good.
    pub failed: u64,
    /// Runs that are retried.
    pub retried: u64,
    /// From due to start, over all runs, in microseconds.
    pub waited_us: u64,
    /// From start to end, over all runs, in microseconds.
    pub ran_us: u64,
}

/// The answer to a renewal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Renewed {
    /// Whether the session lives on. If not: start and finish nothing, and take a new session.
    pub alive: bool,
    /// Which of its tasks are to end.
    pub cancelled: Vec<TaskId>,
}

/// What a worker can take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claiming {
    /// On whose behalf.
    pub session: SessionId,
    /// From where, in this order, and how many of each at most.
    pub queues: Vec<(QueueName, u32)>,
    /// How many altogether.
    pub limit: u32,
    /// Now.
    pub now: DateTime<Utc>,
}

/// A task in the hands of a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// To be named in every write about it.
    pub claim: Claim,
    /// See [`domain::Task`], here and below.
    pub kind: String,
    /// Where it waited.
    pub queue: QueueName,
    /// Before which others.
    pub priority: Priority,
    /// Running; its attempt is the number of this run.
    pub standing: Standing,
    /// Among others.
    pub place: Place,
    /// JSON.
    pub payload: String,
    /// Of this run.
    pub timeout: Duration,
    /// Where it comes from.
    pub request_id: String,
    /// When it could have run first.
    pub due_at: DateTime<Utc>,
    /// When it was scheduled.
    pub created_at: DateTime<Utc>,
}

/// The success of a task by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Which.
    pub claim: Claim,
    /// JSON.
    pub result: String,
}

/// The end of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which.
    pub claim: Claim,
    /// `Success`, `Error`, `Overdue`, `Fatal`, `Yield` or `Release`.
    pub event: TaskEvent,
    /// Of a success: JSON.
    pub result: Option<String>,
    /// What went wrong, if anything did.
    pub fault: Option<Fault>,
    /// Why it ends, if it then fails; otherwise that follows from the event.
    pub reason: Option<EndReason>,
    /// When it is due again, if it goes back to the queue.
    pub due_at: DateTime<Utc>,
    /// What the handler has scheduled: written only with a success.
    pub then: Then,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Settlement {
    /// Of `claim` by `event` at `now`, due at once; nothing else is known of it.
    pub fn new(claim: Claim, event: TaskEvent, now: DateTime<Utc>) -> Self {
        let (result, fault, reason, then) = (None, None, None, Then::nothing());
        Self { claim, event, result, fault, reason, due_at: now, then, now }
    }
}

/// The answer to a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It stands here now.
    As(TaskState),
    /// It had succeeded already by this very claim: the handler has settled it with its own write.
    Already,
    /// The claim does not hold any more. Nothing was written.
    Stale,
}

/// What was taken from dead and closed sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reclaimed {
    /// Tasks whose worker is lost: back in the queue.
    pub requeued: u32,
    /// Tasks whose worker has closed its session: back in the queue.
    pub released: u32,
    /// Tasks that were lost too often.
    pub failed: Vec<Lost>,
    /// Tasks that were to end anyway.
    pub cancelled: u32,
    /// Sessions whose rows are gone.
    pub sessions: u32,
}

/// A task that has failed because its workers were lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Which.
    pub id: TaskId,
    /// Of which kind.
    pub kind: String,
    /// Where it waited.
    pub queue: QueueName,
}
