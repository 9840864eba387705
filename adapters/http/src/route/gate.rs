//! The gate before the handlers: so many at once, each in a task of its own, each awaited no longer than the deadline.
//!
//! A handler whose client has gone, or whose deadline has passed, goes on to its end: dropped in the middle of a
//! transaction it could hand an open one back to the pool. It keeps its permit until then, so that the number of handlers
//! at work is bounded whatever clients do, and the process waits for it when it stops.

use super::{Answer, Response};
use crate::problem::{ApiError, Kind};
use std::{any::Any, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};
use tokio_util::task::TaskTracker;

/// See the module.
pub(crate) struct Gate {
    permits: Arc<Semaphore>,
    tracker: TaskTracker,
    deadline: Duration,
}

/// Too much is under way.
pub(super) struct Full;

impl Gate {
    pub(crate) fn new(in_flight: usize, deadline: Duration) -> Self {
        let permits = Arc::new(Semaphore::new(in_flight.min(Semaphore::MAX_PERMITS)));
        Self { permits, tracker: TaskTracker::new(), deadline }
    }

    /// What `answer` makes answers, or 504 at the deadline, or 500 if the handler panics.
    pub(super) async fn pass(
        &self,
        answer: impl FnOnce() -> Answer + Send + 'static,
    ) -> Result<Result<Response, ApiError>, Full> {
        let permit = self.permits.clone().try_acquire_owned().map_err(|_| Full)?;
        let task = self.tracker.spawn(async move {
            let _permit = permit;
            answer().await
        });
        Ok(match timeout(self.deadline, task).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(match error.try_into_panic() {
                Ok(panic) => ApiError::internal().with_source(format!("panic: {}", message(panic.as_ref()))),
                Err(_) => ApiError::unavailable("the service is stopping"),
            }),
            Err(_) => Err(ApiError::new(
                Kind::Deadline,
                "the work takes too long; it goes on, and may still take effect",
            )
            .with_source(format!("no answer within {:?}", self.deadline))),
        })
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

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("of unknown type")
}
