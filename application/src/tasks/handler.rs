//! What a kind of task is: a struct that is its payload, and a function that does the work.
//!
//! A further kind is one file in `application/src/kinds` and one line of registration in `bin/src/wire.rs`.

use super::scheduler::{Signature, chained, grouped, new_task};
use crate::{BoxError, Claim, Clock, Context, Error, Ids, Settle, Then};
use chrono::{DateTime, Utc};
use domain::{NewTask, Priority, Progress, RetryPolicy, TaskId};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A kind of task. The value is the payload: ids and small values, at most 64 KiB as JSON; the handler loads what it
/// needs, works, and saves. It may run more than once (at least once, never twice at the same time while leases hold), so
/// its effects must bear that: see `docs/tasks.md`.
pub trait TaskKind: Serialize + DeserializeOwned + Send + Sync + Sized + 'static {
    /// In capitals, such as `ADD_ONE_YEAR`. Stored with each task: renaming a kind leaves its tasks behind.
    const NAME: &'static str;
    /// Where its tasks wait.
    const QUEUE: &'static str = "default";
    /// Before which others of the queue.
    const PRIORITY: Priority = Priority::Normal;
    /// How often an error is retried: 1 run and so many more.
    const MAX_RETRIES: u32 = 3;
    /// When.
    const RETRY: RetryPolicy = RetryPolicy::DEFAULT;
    /// How long one run may take; at most 24 h.
    const TIMEOUT: Duration = Duration::from_secs(300);

    /// What the handler needs: controllers and ports.
    type Services: Send + Sync + 'static;
    /// What it answers, kept with the task.
    type Output: Serialize + Send;

    /// The work. Ends soon after `ctx.cancelled()`.
    fn run(
        self,
        ctx: TaskContext<Self::Services>,
    ) -> impl Future<Output = Result<Self::Output, TaskError>> + Send;
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// Trying again may help: after the backoff of the kind, as often as it says.
    #[error("{0}")]
    Retry(#[source] BoxError),
    /// The same, and not before this time has passed: what a far side asks for with `Retry-After`.
    #[error("{1}")]
    RetryAfter(Duration, #[source] BoxError),
    /// Trying again cannot help.
    #[error("{0}")]
    Unrecoverable(#[source] BoxError),
}

impl TaskError {
    /// Trying again may help.
    pub fn retry(source: impl Into<BoxError>) -> Self {
        Self::Retry(source.into())
    }

    /// Trying again may help, once `delay` has passed.
    pub fn retry_after(delay: Duration, source: impl Into<BoxError>) -> Self {
        Self::RetryAfter(delay, source.into())
    }

    /// Trying again cannot help.
    pub fn unrecoverable(source: impl Into<BoxError>) -> Self {
        Self::Unrecoverable(source.into())
    }
}

/// What is missing or refused stays so; everything else may pass.
impl From<Error> for TaskError {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound { .. } | Error::Conflict { .. } => Self::Unrecoverable(error.into()),
            Error::TooMany { retry_after, .. } => Self::RetryAfter(retry_after, error.into()),
            Error::Stale { .. } | Error::Unavailable { .. } | Error::Internal { .. } => {
                Self::Retry(error.into())
            }
        }
    }
}

/// One run, as its handler sees it.
pub struct TaskContext<S> {
    /// What the kind needs.
    pub services: Arc<S>,
    pub(crate) run: Arc<Run>,
}

/// What the handler and its worker share.
pub(crate) struct Run {
    pub(crate) claim: Claim,
    pub(crate) attempt: u32,
    pub(crate) context: Context,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) cancel: CancellationToken,
    /// The last one wins; the worker writes it, twice a second at most.
    pub(crate) progress: watch::Sender<Option<Progress>>,
    pub(crate) max_result_bytes: usize,
    pub(crate) scheduled: Mutex<Then>,
    /// Whether a write of the handler's own may have committed the success of the task.
    pub(crate) settled: AtomicBool,
    /// How large a result was that was too large to be settled.
    pub(crate) oversize: OnceLock<usize>,
}

impl<S> TaskContext<S> {
    /// The task: also the idempotency key of whatever it does elsewhere.
    pub fn task_id(&self) -> TaskId {
        self.run.claim.id
    }

    /// What every write about this run names; its fence tells this run from any earlier one.
    pub fn claim(&self) -> Claim {
        self.run.claim
    }

    /// The number of this run, from 1.
    pub fn attempt(&self) -> u32 {
        self.run.attempt
    }

    /// For use cases: the request id of the cause, and a logger that says the task's id in every line.
    pub fn context(&self) -> &Context {
        &self.run.context
    }

    /// The logger of [`Self::context`].
    pub fn log(&self) -> &slog::Logger {
        &self.run.context.log
    }

    /// The instant.
    pub fn now(&self) -> DateTime<Utc> {
        self.run.clock.now()
    }

    /// Says how far the work is, 0 to 1, and what it is at. Written at most twice a second, the last one wins.
    pub fn progress(&self, fraction: f64, note: &str) {
        self.run.progress.send_replace(Some(Progress::new(fraction, note)));
    }

    /// Ends once somebody wants the task to end, its time is up, its lease is lost, or its worker has to stop. A handler that goes on
    /// is dropped at its next `.await`: ten seconds after a cancel, a second after the end of a drain, at once otherwise.
    pub async fn cancelled(&self) {
        self.run.cancel.cancelled().await;
    }

    /// Whether [`Self::cancelled`] has ended.
    pub fn is_cancelled(&self) -> bool {
        self.run.cancel.is_cancelled()
    }

    /// Schedules a further task with the success of this one: in the same transaction, or not at all.
    pub fn schedule_task(&self, task: Signature) -> TaskId {
        let task = self.child(task);
        let id = task.id;
        self.schedule(Then { tasks: vec![task], ..Then::default() });
        id
    }

    /// Schedules tasks that run one after the other, as [`Scheduler::schedule_chain`](crate::Scheduler::schedule_chain) does,
    /// with the success of this one. Their ids, in order.
    pub fn schedule_chain(&self, links: Vec<Signature>) -> Vec<TaskId> {
        self.schedule(chained(links.into_iter().map(|link| self.child(link)).collect()))
    }

    /// Schedules tasks that run side by side, and what follows them, as
    /// [`Scheduler::schedule_group`](crate::Scheduler::schedule_group) does, with the success of this one. Their ids, in order,
    /// the callback's last.
    pub fn schedule_group(&self, members: Vec<Signature>, callback: Signature) -> Vec<TaskId> {
        if members.is_empty() {
            return vec![self.schedule_task(callback)];
        }
        let tasks = members.into_iter().chain([callback]).map(|task| self.child(task));
        self.schedule(grouped(self.run.ids.next(self.now()), tasks.collect()))
    }

    fn child(&self, task: Signature) -> NewTask {
        let Run { claim, context, ids, .. } = &*self.run;
        NewTask { parent: Some(claim.id), ..new_task(context, ids.as_ref(), self.now(), task) }
    }

    fn schedule(&self, then: Then) -> Vec<TaskId> {
        let ids = then.tasks.iter().map(|task| task.id).collect();
        let mut scheduled = self.run.scheduled.lock().unwrap_or_else(PoisonError::into_inner);
        *scheduled = std::mem::take(&mut *scheduled).and(then);
        ids
    }

    /// For the one write that is the work of this task: it commits the success of the task, with `output` and what was
    /// scheduled, in its own transaction, so that its effects happen exactly once. The handler then answers the same output.
    /// If that is too large, the task fails by the error, which is not tried again.
    pub fn settle(&self, output: &impl Serialize) -> Result<Then, Error> {
        const WHAT: &str = "cannot write the result of a task";
        let result = serde_json::to_string(output).map_err(|error| Error::internal(WHAT, error))?;
        let (bytes, most) = (result.len(), self.run.max_result_bytes);
        if bytes > most {
            let _first = self.run.oversize.set(bytes);
            return Err(Error::internal(WHAT, format!("it has {bytes} bytes, the most are {most}")));
        }
        self.run.settled.store(true, Ordering::Release);
        let scheduled = self.run.scheduled.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let settle = Settle { claim: self.run.claim, result, at: self.now() };
        Ok(Then { settle: Some(settle), ..scheduled })
    }
}

#[cfg(any(test, feature = "mocks"))]
impl<S> TaskContext<S> {
    /// The first run of a task, by a worker that is not there: for the tests of kinds. The Unix epoch has just begun.
    pub fn for_test(services: Arc<S>) -> Self {
        let (mut clock, mut ids) = (crate::MockClock::new(), crate::MockIds::new());
        clock.expect_now().return_const(DateTime::UNIX_EPOCH);
        let mut last = 1000;
        ids.expect_next().returning(move |_| {
            last += 1;
            uuid::Uuid::from_u128(last)
        });
        let context = Context {
            request_id: uuid::Uuid::from_u128(1).into(),
            log: slog::Logger::root(slog::Discard, slog::o!()),
        };
        let run = Run {
            claim: Claim { id: TaskId(uuid::Uuid::from_u128(1)), fence: 1 },
            attempt: 1,
            context,
            clock: Arc::new(clock),
            ids: Arc::new(ids),
            cancel: CancellationToken::new(),
            progress: watch::Sender::new(None),
            max_result_bytes: 256 * 1024,
            scheduled: Mutex::default(),
            settled: AtomicBool::new(false),
            oversize: OnceLock::new(),
        };
        Self { services, run: Arc::new(run) }
    }

    /// Somebody wants the task to end.
    pub fn cancel_for_test(&self) {
        self.run.cancel.cancel();
    }

    /// What the handler has scheduled, in order.
    pub fn scheduled(&self) -> Vec<NewTask> {
        self.run.scheduled.lock().unwrap_or_else(PoisonError::into_inner).tasks.clone()
    }

    /// How far the handler last said that it is.
    pub fn said(&self) -> Option<Progress> {
        self.run.progress.borrow().clone()
    }
}

/// The same run once more: a test keeps one, to look at what the handler has done with the other.
#[cfg(any(test, feature = "mocks"))]
impl<S> Clone for TaskContext<S> {
    fn clone(&self) -> Self {
        Self { services: self.services.clone(), run: self.run.clone() }
    }
}
