//! The gate before the handlers: so many at once, the rest in a bounded queue for a short while, each awaited no longer
//! than the deadline.
//!
//! A handler whose client has gone, or whose deadline has passed, goes on to its end: dropped in the middle of a
//! transaction it could hand an open one back to the pool. It keeps its permit until then, so that the number of handlers
//! at work is bounded whatever clients do, and the process waits for it when it stops.
//!
//! A handler runs in the task of its connection and gets one of its own only when that leaves it. Spawning each of them
//! from the start would promise the same and costs a tenth of a small request.

use super::{Answer, Response};
use crate::{
    config::{Limits, Timeouts},
    problem::{ApiError, Kind},
};
use futures_util::FutureExt;
use std::{
    any::Any,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::task::TaskTracker;

/// See the module.
pub(crate) struct Gate {
    permits: Arc<Semaphore>,
    /// Places to wait for a permit.
    queue: Semaphore,
    patience: Duration,
    tracker: TaskTracker,
    deadline: Duration,
}

/// Too much is under way, and has been for as long as anybody may wait.
pub(super) struct Full;

impl Gate {
    pub(crate) fn new(limits: &Limits, timeouts: &Timeouts) -> Self {
        let semaphore = |size: usize| Semaphore::new(size.min(Semaphore::MAX_PERMITS));
        Self {
            permits: Arc::new(semaphore(limits.in_flight)),
            queue: semaphore(limits.queued),
            patience: timeouts.queue,
            tracker: TaskTracker::new(),
            deadline: timeouts.handler,
        }
    }

    /// What `answer` makes answers, or 504 at the deadline, or 500 if the handler panics.
    pub(super) async fn pass(
        &self,
        answer: impl FnOnce() -> Answer + Send + 'static,
    ) -> Result<Result<Response, ApiError>, Full> {
        let permit = self.enter().await?;
        let work = self.tracker.track_future(async move {
            let _permit = permit;
            AssertUnwindSafe(async move { answer().await }).catch_unwind().await
        });
        Ok(match timeout(self.deadline, Work(Some(Box::pin(work)))).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => {
                Err(ApiError::internal().with_source(format!("panic: {}", message(panic.as_ref()))))
            }
            Err(_) => Err(ApiError::new(
                Kind::Deadline,
                "the work takes too long; it goes on, and may still take effect",
            )
            .with_source(format!("no answer within {:?}", self.deadline))),
        })
    }

    /// A permit now, or after a short wait. Refused at once, a crowd asks again at once, and its refusals cost more
    /// than its answers would.
    async fn enter(&self) -> Result<OwnedSemaphorePermit, Full> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _place = self.queue.try_acquire().map_err(|_| Full)?;
        let permit = timeout(self.patience, self.permits.clone().acquire_owned()).await;
        permit.ok().and_then(Result::ok).ok_or(Full)
    }

    /// Waits until no handler is at work. New ones can still come: stop accepting first.
    pub(crate) async fn drained(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// How many handlers are at work.
    pub(crate) fn at_work(&self) -> usize {
        self.tracker.len()
    }
}

type Caught = Result<Result<Response, ApiError>, Box<dyn Any + Send>>;

/// A handler at work. Dropped before its end, it goes on in a task of its own.
struct Work<F: Future<Output = Caught> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output = Caught> + Send + 'static> Future for Work<F> {
    type Output = Caught;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Caught> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let caught = ready!(work.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(caught)
    }
}

impl<F: Future<Output = Caught> + Send + 'static> Drop for Work<F> {
    fn drop(&mut self) {
        // Without a runtime the process is at its end, and what was not waited for ends with it.
        if let (Some(work), Ok(runtime)) = (self.0.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("of unknown type")
}
