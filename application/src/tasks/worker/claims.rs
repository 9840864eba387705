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
    suspects::Suspects,
};
use crate::{Claimed, Error, Hint, tasks::metrics};
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
    suspects: Suspects,
}

impl Claims {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        Self {
            queues: core.queues.iter().map(|(queue, _)| queue.clone()).collect(),
            appetite: Appetite::new(&core.queues),
            poll: Instant::now(),
            due: true,
            suspects: Suspects::new(core),
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
            let free = !self.suspects.want_silence() && core.slots.has_room();
            tokio::select! {
                () = stop.cancelled() => {}
                () = freed => {}
                _ = session.changed() => {}
                () = sleep_until(self.poll) => {}
                hint = bell.next(free) => self.heed(hint),
            }
        }
        self.leave().await;
    }

    /// Claims until nothing is due and nothing runs; not so if `stop` has come first.
    pub(super) async fn until_idle(mut self, stop: &CancellationToken) -> Result<bool, Error> {
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
            if idle && self.suspects.are_none() {
                return Ok(true);
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
        self.leave().await;
        Ok(false)
    }

    /// Others need not wait until what runs here has ended and the session is closed.
    async fn leave(&mut self) {
        if let Err(error) = self.suspects.end_quiet().await {
            self.core.reach.failed("say that another may run lost tasks", &error);
        }
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
            self.suspects.look(session).await?;
        }
        if self.suspects.have_run() {
            self.suspects.look(session).await?;
        }
        if let Some(suspect) = self.suspects.claim(session).await? {
            return Ok(self.start(session, vec![suspect]));
        }
        if self.suspects.want_silence() { Ok(0) } else { self.claim(session).await }
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
