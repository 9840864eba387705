//! The finisher: commits successes in groups, one group after the other, while the next one gathers.
//!
//! A group is whatever waits. To split what was claimed together into halves, so that the commit of one and the claim of the
//! other overlap, was measured to be slower: a statement costs the database as much as a dozen rows.

use super::{
    core::{Core, locked},
    ends,
    slots::{Entry, Seat},
    tally::Outcome,
};
use crate::{Error, Finished, Settlement};
use domain::TaskEvent;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::Notify, time::timeout_at};
use tokio_util::sync::CancellationToken;

/// A run that succeeded, and its slot.
pub(super) struct Success {
    pub(super) seat: Seat,
    pub(super) finished: Finished,
}

/// See the module.
pub(super) struct Finisher {
    /// Oldest first.
    waiting: Mutex<Vec<Success>>,
    /// Something waits, or a run has ended that something waited for.
    news: Notify,
    window: Duration,
}

impl Finisher {
    pub(super) fn new(window: Duration) -> Self {
        Self { waiting: Mutex::default(), news: Notify::new(), window }
    }

    /// To be committed soon after the next [`Self::look`].
    pub(super) fn push(&self, success: Success) {
        locked(&self.waiting).push(success);
    }

    /// A run has ended.
    pub(super) fn look(&self) {
        self.news.notify_one();
    }

    /// Commits until `closing`, and then what is left.
    pub(super) async fn run(core: Arc<Core>, closing: CancellationToken) {
        let this = &core.finisher;
        loop {
            let news = this.news.notified();
            if locked(&this.waiting).is_empty() {
                tokio::select! {
                    () = news => continue,
                    () = closing.cancelled() => return,
                }
            }
            let group = this.gather().await;
            commit(&core, group).await;
        }
    }

    /// What waits, once nothing that was claimed together with the first of it runs any more: runs that never wait all end
    /// at about the same time, and one commit serves them all. Not later than a window after the claim.
    async fn gather(&self) -> Vec<Success> {
        let first = locked(&self.waiting).first().map(|first| first.seat.entry().cohort.clone());
        if let Some(cohort) = first {
            let deadline = cohort.claimed + self.window;
            while cohort.is_running() {
                if timeout_at(deadline, self.news.notified()).await.is_err() {
                    break;
                }
            }
        }
        std::mem::take(&mut *locked(&self.waiting))
    }
}

/// Commits `group`, as long as its session is trusted. What could not be committed by then is dropped: the tasks are
/// another's, or will be.
async fn commit(core: &Arc<Core>, mut group: Vec<Success>) {
    loop {
        let (trusted, lost): (Vec<_>, Vec<_>) =
            group.into_iter().partition(|s| s.seat.entry().session.is_trusted());
        group = trusted;
        free(core, lost, |entry| ends::dropped(entry, "its session is lost"));
        if group.is_empty() {
            return;
        }
        let finished: Vec<Finished> = group.iter().map(|success| success.finished.clone()).collect();
        match core.ledger.finish(&finished, core.clock.now()).await {
            Ok(held) => return committed(core, group, &held),
            Err(error @ Error::Unavailable { .. }) => {
                core.reach.failed("finish tasks", &error);
                tokio::time::sleep(core.about(ends::PAUSE)).await;
            }
            // One of them is to blame: each is written by itself, and that one fails alone.
            Err(_) => {
                for Success { seat, finished } in group {
                    tokio::spawn(by_itself(core.clone(), seat, finished));
                }
                return;
            }
        }
    }
}

/// The answer to a group: whose claim held has succeeded.
fn committed(core: &Core, group: Vec<Success>, held: &[bool]) {
    core.reach.succeeded();
    let mut held = held.iter();
    free(core, group, |entry| {
        if held.next().is_some_and(|held| *held) {
            ends::report(core, entry, Outcome::Succeeded, None, None);
        } else {
            ends::dropped(entry, "its claim does not hold any more");
        }
    });
}

/// Looks at each run, and frees all slots.
fn free(core: &Core, group: Vec<Success>, mut look: impl FnMut(&Entry)) {
    let seats: Vec<Seat> = group.into_iter().map(|success| success.seat).collect();
    core.slots.free(seats.into_iter().inspect(|seat| look(seat.entry())));
}

async fn by_itself(core: Arc<Core>, seat: Seat, finished: Finished) {
    let Finished { claim, result } = finished;
    let settlement = Settlement::new(claim, TaskEvent::Success, core.clock.now());
    let settlement = Settlement { result: Some(result), ..settlement };
    ends::write_end(&core, seat.entry(), settlement, None).await;
}
