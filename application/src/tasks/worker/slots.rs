//! The slots of a worker, and the runs that are in them.
//!
//! A slot is taken from the claim until the end is committed, or dropped, and the handler is gone: so a worker never holds
//! more tasks than it has slots, whatever becomes of it.

use super::{core::locked, session::Session};
use crate::{Claim, Claimed, tasks::handler::Run};
use chrono::{DateTime, Utc};
use domain::{QueueName, TaskId};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

/// All slots.
pub(super) struct Slots {
    size: usize,
    taken: Mutex<HashMap<Claim, Arc<Entry>>>,
    freed: Notify,
}

impl Slots {
    pub(super) fn new(size: u32) -> Self {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        Self { size, taken: Mutex::default(), freed: Notify::new() }
    }

    /// Takes one. More than there are cannot be claimed, so that there is one.
    pub(super) fn take(self: &Arc<Self>, entry: Arc<Entry>) -> Seat {
        locked(&self.taken).insert(entry.claimed.claim, entry.clone());
        Seat { slots: self.clone(), entry, taken: true }
    }

    /// Frees several at one blow: who waits for free slots is to find them all, and not to claim the first by itself.
    pub(super) fn free(&self, seats: impl IntoIterator<Item = Seat>) {
        let mut taken = locked(&self.taken);
        for mut seat in seats {
            seat.taken = false;
            taken.remove(&seat.entry.claimed.claim);
        }
        drop(taken);
        self.freed.notify_waiters();
    }

    /// Ends at the next time slots are freed after this call.
    pub(super) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// How many are free, altogether and beside what runs of each of `queues`.
    pub(super) fn room(&self, queues: &[(QueueName, u32)]) -> (u32, Vec<u32>) {
        let taken = locked(&self.taken);
        let free = u32::try_from(self.size.saturating_sub(taken.len())).unwrap_or(u32::MAX);
        let room = queues.iter().map(|(queue, cap)| {
            let running = taken.values().filter(|entry| entry.claimed.queue == *queue).count();
            cap.saturating_sub(u32::try_from(running).unwrap_or(u32::MAX)).min(free)
        });
        (free, room.collect())
    }

    pub(super) fn len(&self) -> usize {
        locked(&self.taken).len()
    }

    pub(super) fn has_room(&self) -> bool {
        self.len() < self.size
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn holds(&self, claim: Claim) -> bool {
        locked(&self.taken).contains_key(&claim)
    }

    /// Everything that runs, or whose end is being written.
    pub(super) fn entries(&self) -> Vec<Arc<Entry>> {
        locked(&self.taken).values().cloned().collect()
    }

    /// Ends once no slot is taken by an entry like `this`.
    pub(super) async fn free_of(&self, this: impl Fn(&Entry) -> bool) {
        loop {
            let freed = self.freed();
            if !locked(&self.taken).values().any(|entry| this(entry)) {
                return;
            }
            freed.await;
        }
    }
}

/// A slot that is taken; dropping it frees the slot.
pub(super) struct Seat {
    slots: Arc<Slots>,
    entry: Arc<Entry>,
    taken: bool,
}

impl Seat {
    pub(super) fn entry(&self) -> &Arc<Entry> {
        &self.entry
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.taken {
            locked(&self.slots.taken).remove(&self.entry.claimed.claim);
            self.slots.freed.notify_waiters();
        }
    }
}

/// One run, for those who look after it: `Run` is the half that its handler shares, `Seat` the right to its slot.
pub(super) struct Entry {
    pub(super) claimed: Claimed,
    /// Under which it was claimed.
    pub(super) session: Arc<Session>,
    /// What its handler sees.
    pub(super) run: Arc<Run>,
    pub(super) cohort: Arc<Cohort>,
    pub(super) started: Instant,
    pub(super) started_at: DateTime<Utc>,
    pub(super) cancelled: AtomicBool,
    pub(super) given_up: AtomicBool,
    /// How long it took, once it has ended or was given up.
    pub(super) ended: OnceLock<Duration>,
}

impl Entry {
    pub(super) fn id(&self) -> TaskId {
        self.claimed.claim.id
    }

    /// When its time is up.
    pub(super) fn deadline(&self) -> Instant {
        self.started + self.claimed.timeout
    }

    /// Somebody wants the task to end: the ledger says so.
    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        self.run.cancel.cancel();
    }

    /// Whether somebody wants the task to end.
    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// The right to write how the run has ended: for whoever asks first, its own end or who supervises it.
    pub(super) fn end(&self) -> bool {
        self.ended.set(self.started.elapsed()).is_ok()
    }

    /// Whether somebody has that right already.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// The task goes on without the handler, which has not ended.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
    }

    /// Whether the task goes on without the handler.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// Whether its handler may still do something.
    pub(super) fn is_at_work(&self) -> bool {
        !self.has_ended() || self.is_given_up()
    }

    /// How long it took, up to now unless it has ended.
    pub(super) fn ran(&self) -> Duration {
        self.ended.get().copied().unwrap_or_else(|| self.started.elapsed())
    }

    /// From the time it was due to its start.
    pub(super) fn waited(&self) -> Duration {
        (self.started_at - self.claimed.due_at).to_std().unwrap_or_default()
    }
}

/// What was claimed together. As it may also end together, it is finished together.
pub(super) struct Cohort {
    pub(super) claimed: Instant,
    running: AtomicU32,
}

impl Cohort {
    pub(super) fn new(size: usize) -> Self {
        let running = AtomicU32::new(u32::try_from(size).unwrap_or(u32::MAX));
        Self { claimed: Instant::now(), running }
    }

    /// One of it has ended.
    pub(super) fn leave(&self) {
        self.running.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether any of it still runs.
    pub(super) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire) > 0
    }
}

#[cfg(test)]
mod tests;
