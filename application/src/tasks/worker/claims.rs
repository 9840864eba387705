//! The claim loop: takes as many tasks as there are free slots, and starts them at once.
//!
//! While claims come back full it claims again as soon as slots are free, beside whatever is being committed; otherwise it
//! waits for a hint or a poll. Nothing is claimed ahead: what this worker cannot start now is another's to take.

use super::{
    appetite::Appetite,
    core::{Core, locked},
    doubt, run,
    session::Session,
    slots::Cohort,
};
use crate::{Claimed, Claiming, Error, Hint, tasks::metrics};
use domain::QueueName;
use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// See the module.
pub(super) struct Claims {
    core: Arc<Core>,
    queues: Vec<QueueName>,
    appetite: Appetite,
    poll: Instant,
    /// It is time to look for everything that no hint tells of.
    due: bool,
    suspect: Suspect,
}

/// A task that was lost with its worker may have been the reason, and then is so again: it runs with nothing beside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Suspect {
    None,
    /// One is due; it is claimed once nothing runs any more.
    Due,
    Runs,
}

impl Claims {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        Self {
            queues: core.queues.iter().map(|(queue, _)| queue.clone()).collect(),
            appetite: Appetite::new(&core.queues),
            poll: Instant::now(),
            due: true,
            suspect: Suspect::None,
            core: core.clone(),
        }
    }

    /// Claims until `stop`.
    pub(super) async fn until_stopped(mut self, stop: &CancellationToken) {
        let core = self.core.clone();
        let mut bell = core.doorbell.listen(&self.queues);
        while !stop.is_cancelled() {
            // Before looking: what is freed or opened between the two would otherwise be seen late.
            let (freed, mut session) = (core.slots.freed(), core.session.subscribe());
            if self.turn().await.is_ok_and(|claimed| claimed > 0) {
                continue;
            }
            let free = self.suspect == Suspect::None && core.slots.has_room();
            tokio::select! {
                () = stop.cancelled() => {}
                () = freed => {}
                _ = session.changed() => {}
                () = sleep_until(self.poll) => {}
                hint = bell.next(free) => self.heed(hint),
            }
        }
    }

    /// Claims until nothing is due and nothing runs.
    pub(super) async fn until_idle(mut self, stop: &CancellationToken) -> Result<(), Error> {
        let (core, begun) = (self.core.clone(), Instant::now());
        while !stop.is_cancelled() {
            let (freed, mut session) = (core.slots.freed(), core.session.subscribe());
            // Whatever has ended by now has freed whom it frees.
            let idle = core.slots.is_empty() && core.trusted_session().is_some();
            self.due = true;
            let claimed = self.turn().await?;
            if claimed > 0 {
                continue;
            }
            if idle && self.suspect == Suspect::None {
                return Ok(());
            }
            if core.trusted_session().is_none() && core.reach.was_away_within(begun.elapsed()) {
                return Err(Error::unavailable("the ledger", "no session can be opened"));
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = freed => {}
                _ = session.changed() => {}
                () = sleep(core.settings.poll) => {}
            }
        }
        Err(Error::internal("cannot run tasks", "a part of the worker has ended"))
    }

    /// One look at the ledger, if there is anything to look for; how many tasks were started.
    async fn turn(&mut self) -> Result<usize, Error> {
        self.core.pulse.tick();
        if self.poll <= Instant::now() {
            self.poll = Instant::now() + self.core.about(self.core.settings.poll);
            self.due = true;
        }
        let Some(session) = self.core.trusted_session() else { return Ok(0) };
        let looked = self.look(&session).await;
        if let Err(error) = &looked {
            self.core.reach.failed("claim tasks", error);
            self.appetite.spoil();
        }
        looked
    }

    async fn look(&mut self, session: &Arc<Session>) -> Result<usize, Error> {
        if std::mem::take(&mut self.due) {
            self.appetite.whet();
            beating(&self.core, doubt::dispel(&self.core, session)).await?;
            self.suspect = self.suspicion().await?;
        }
        if self.suspect == Suspect::Runs && self.core.slots.entries().iter().all(|entry| entry.has_ended()) {
            // The next one before anything else: otherwise each would wait for all that is claimed in between.
            self.suspect = Suspect::None;
            self.suspect = self.suspicion().await?;
        }
        if self.suspect == Suspect::Due && self.core.slots.is_empty() {
            let started = self.claim_suspect(session).await?;
            if started > 0 {
                return Ok(started);
            }
        }
        if self.suspect == Suspect::None { self.claim(session).await } else { Ok(0) }
    }

    async fn claim(&mut self, session: &Arc<Session>) -> Result<usize, Error> {
        let core = self.core.clone();
        let Some(claiming) = self.appetite.claiming(&core.slots, session.id, core.clock.now()) else {
            return Ok(0);
        };
        let claimed = beating(&core, core.ledger.claim(&claiming)).await;
        let claimed = claimed.inspect_err(|_| core.doubt())?;
        core.reach.succeeded();
        self.appetite.learn(&claiming, &claimed);
        Ok(self.start(session, claimed))
    }

    async fn claim_suspect(&mut self, session: &Arc<Session>) -> Result<usize, Error> {
        let core = self.core.clone();
        let queues = self.queues.iter().map(|queue| (queue.clone(), 1)).collect();
        let claiming = Claiming { session: session.id, queues, limit: 1, now: core.clock.now() };
        let claimed = beating(&core, core.ledger.claim_suspect(&claiming)).await;
        let claimed = claimed.inspect_err(|_| core.doubt())?;
        self.suspect = Suspect::None;
        if let Some(claimed) = &claimed {
            self.suspect = Suspect::Runs;
            slog::warn!(core.log, "a task that was lost with its worker runs by itself";
                "task_id" => %claimed.claim.id.0, "kind" => &claimed.kind, "crashes" => claimed.standing.crashes);
        }
        Ok(self.start(session, claimed.into_iter().collect()))
    }

    /// Nothing runs by itself beside a handler that was given up and goes on: such a worker leaves suspects to others.
    async fn suspicion(&self) -> Result<Suspect, Error> {
        let core = &self.core;
        if self.suspect == Suspect::Runs {
            return Ok(Suspect::Runs);
        }
        if core.slots.entries().iter().any(|entry| entry.is_given_up()) {
            return Ok(Suspect::None);
        }
        let due = beating(core, core.ledger.has_suspect(&self.queues, core.clock.now())).await?;
        Ok(if due { Suspect::Due } else { Suspect::None })
    }

    /// Starts what was claimed, unless the answer has come too late.
    fn start(&self, session: &Arc<Session>, claimed: Vec<Claimed>) -> usize {
        let (core, number) = (&self.core, claimed.len());
        if number == 0 || !session.is_trusted() {
            return 0;
        }
        locked(&core.vitals).claimed_at = Some(core.clock.now());
        core.begun.fetch_add(u64::try_from(number).unwrap_or(u64::MAX), Ordering::Relaxed);
        let cohort = Arc::new(Cohort::new(number));
        for claimed in claimed {
            let seat = run::seat(core, claimed, session, &cohort);
            let entry = seat.entry();
            metrics::begun(&entry.claimed.queue, &entry.claimed.kind, entry.waited());
            tokio::spawn(run::run(core.clone(), seat));
        }
        number
    }

    /// Hints are not believed, but looked after: whether a task is to end is what the answer to a renewal says.
    fn heed(&mut self, hint: Hint) {
        match hint {
            Hint::Work(queue) => self.appetite.whet_for(&queue),
            Hint::Cancel(id) if self.core.slots.entries().iter().any(|entry| entry.id() == id) => {
                self.core.renew.notify_one();
            }
            Hint::Cancel(_) => {}
        }
    }
}

/// What is waited for. The pulse goes on meanwhile: to wait for the ledger, or for handlers, is no sign of death. A claim
/// that has begun is never dropped half-way, for what it claims would be held and not run.
pub(super) async fn beating<T>(core: &Core, answer: impl Future<Output = T>) -> T {
    let mut answer = pin!(answer);
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            () = sleep(core.settings.poll) => core.pulse.tick(),
        }
    }
}
