//! Which kinds of tasks this process knows: a name leads to the code that decodes and runs its payloads.

use super::{
    handler::{Run, TaskContext, TaskError, TaskKind},
    scheduler::{LONGEST_RUN, Signature},
};
use crate::{Error, chain};
use domain::{Invalid, Priority, QueueName, RetryPolicy, Violation};
use futures_util::{FutureExt, future::BoxFuture};
use std::{collections::BTreeMap, marker::PhantomData, sync::Arc, time::Duration};

/// See the module.
#[derive(Default)]
pub struct Registry {
    kinds: BTreeMap<&'static str, Arc<dyn Kind>>,
    queues: Vec<QueueName>,
}

impl Registry {
    /// No kinds yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// `K` too; its handlers are given `services`. Panics if there is one of this name already, or if its queue or its time-out
    /// is none: all kinds are registered when the process starts, and by the tests.
    #[must_use]
    pub fn with<K: TaskKind>(mut self, services: Arc<K::Services>) -> Self {
        let kind = Registered::<K> { services, payload: PhantomData };
        let same = self.kinds.insert(K::NAME, Arc::new(kind));
        assert!(same.is_none(), "two kinds are called {}", K::NAME);
        assert!(K::TIMEOUT <= LONGEST_RUN, "the time-out of {} is longer than a day", K::NAME);
        let queue = QueueName::parse(K::QUEUE);
        assert!(queue.is_ok(), "{} is in a queue that cannot be: {:?}", K::NAME, K::QUEUE);
        self.queues.extend(queue.ok().filter(|queue| !self.queues.contains(queue)));
        self
    }

    /// The kinds, in alphabetical order.
    pub fn kinds(&self) -> Vec<KindReport> {
        self.kinds.values().map(|kind| kind.report()).collect()
    }

    /// The names of the kinds, in alphabetical order.
    pub fn names(&self) -> Vec<&'static str> {
        self.kinds.keys().copied().collect()
    }

    /// The queues of the kinds, in the order in which they were registered.
    pub fn queues(&self) -> &[QueueName] {
        &self.queues
    }

    /// A task of the kind named `kind`, with a payload that comes from outside.
    pub fn signature(&self, kind: &str, payload: &str) -> Result<Signature, Invalid> {
        let Some(kind) = self.find(kind) else {
            let message = format!("must be one of {}", self.names().join(", "));
            return Err(Invalid::field("kind", Violation::new("unknown_kind", message)));
        };
        kind.signature(payload).map_err(|violation| Invalid::field("payload", violation))
    }

    pub(super) fn find(&self, kind: &str) -> Option<&Arc<dyn Kind>> {
        self.kinds.get(kind)
    }
}

/// What a kind of task is like, as its [`TaskKind`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KindReport {
    /// In capitals.
    pub name: &'static str,
    /// Where its tasks wait.
    pub queue: &'static str,
    /// Before which others of the queue.
    pub priority: Priority,
    /// How often an error is retried.
    pub max_retries: u32,
    /// How long one run may take.
    pub timeout: Duration,
}

/// A [`TaskKind`] whose types are forgotten.
pub(super) trait Kind: Send + Sync {
    fn retry(&self) -> RetryPolicy;

    fn report(&self) -> KindReport;

    /// Decodes `payload`; what then runs answers JSON.
    fn start(&self, payload: &str, run: Arc<Run>) -> Result<Handler, serde_json::Error>;

    fn signature(&self, payload: &str) -> Result<Signature, Violation>;
}

/// A handler at work.
pub(super) type Handler = BoxFuture<'static, Result<String, Failure>>;

/// What a [`TaskError`] comes down to. Its texts are made where a panic of the error's own code is caught.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) remedy: Remedy,
    /// For whoever looks at the task.
    pub(super) message: String,
    /// The same and all causes, for the log alone: causes may name hosts.
    pub(super) chain: String,
}

/// What may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    Retry,
    RetryAfter(Duration),
    Nothing,
}

struct Registered<K: TaskKind> {
    services: Arc<K::Services>,
    /// Kinds are made of bytes and never kept, so that `K` itself need not be shared between threads.
    payload: PhantomData<fn() -> K>,
}

impl<K: TaskKind> Kind for Registered<K> {
    fn retry(&self) -> RetryPolicy {
        K::RETRY
    }

    fn report(&self) -> KindReport {
        KindReport {
            name: K::NAME,
            queue: K::QUEUE,
            priority: K::PRIORITY,
            max_retries: K::MAX_RETRIES,
            timeout: K::TIMEOUT,
        }
    }

    fn start(&self, payload: &str, run: Arc<Run>) -> Result<Handler, serde_json::Error> {
        let task: K = serde_json::from_str(payload)?;
        let ctx = TaskContext { services: self.services.clone(), run };
        let handler = async move {
            let output = task.run(ctx).await.map_err(Failure::from)?;
            serde_json::to_string(&output).map_err(|error| TaskError::unrecoverable(error).into())
        };
        Ok(handler.boxed())
    }

    fn signature(&self, payload: &str) -> Result<Signature, Violation> {
        let wrong = |message: String| Violation::new("payload", message);
        let task: K = serde_json::from_str(payload).map_err(|error| wrong(error.to_string()))?;
        Signature::of(&task).map_err(|error| match error {
            Error::Internal { source, .. } => wrong(source.to_string()),
            other => wrong(other.to_string()),
        })
    }
}

impl From<TaskError> for Failure {
    fn from(error: TaskError) -> Self {
        let remedy = match &error {
            TaskError::Retry(_) => Remedy::Retry,
            TaskError::RetryAfter(delay, _) => Remedy::RetryAfter(*delay),
            TaskError::Unrecoverable(_) => Remedy::Nothing,
        };
        // Its own text is that of its source: the chain starts there.
        let (TaskError::Retry(source) | TaskError::RetryAfter(_, source) | TaskError::Unrecoverable(source)) =
            &error;
        Self { remedy, message: source.to_string(), chain: chain(source.as_ref()) }
    }
}

#[cfg(test)]
mod tests;
