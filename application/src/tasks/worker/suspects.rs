//! Tasks that were lost with their worker: one of them may have been the reason, and then is so again. Such a *suspect* runs
//! with nothing beside it in its process.
//!
//! Whoever is empty takes one at once. Of those that are busy one *goes quiet*: it claims nothing more until it is empty. Which
//! one is said in the ledger; if everybody did so who sees a suspect, one loss would hold up all work until the longest
//! tasks have ended.

use super::{
    claims::beating,
    core::Core,
    session::Session,
    slots::{Entry, Slots},
};
use crate::{Claimed, Claiming, Error, faults::mutant};
use domain::{QueueName, SessionId};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// So long a quiet worker waits to be empty; then it goes on for as long, for another may be empty sooner. Twice as long after
/// each time in vain: where all tasks are long, nobody would be empty ever.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct Suspects {
    core: Arc<Core>,
    queues: Vec<QueueName>,
    state: State,
    quiet: Option<Quiet>,
    patience: Duration,
    /// Up to then it is the turn of others.
    pause: Instant,
}

/// What was seen last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    None,
    /// One is to be claimed once nothing runs any more.
    Due,
    /// One runs here.
    Runs,
}

/// Perhaps so in the ledger, too: as long as that is not known, it is to be taken back.
struct Quiet {
    /// With it this ends by itself.
    session: SessionId,
    since: Instant,
}

impl Suspects {
    pub(super) fn new(core: &Arc<Core>) -> Self {
        Self {
            core: core.clone(),
            queues: core.queues.iter().map(|(queue, _)| queue.clone()).collect(),
            state: State::None,
            quiet: None,
            patience: PATIENCE,
            pause: Instant::now(),
        }
    }

    /// Whether none is due, nor runs here, as far as anybody has looked.
    pub(super) fn are_none(&self) -> bool {
        self.state == State::None
    }

    /// Whether nothing else may be claimed now.
    pub(super) fn want_silence(&self) -> bool {
        match self.state {
            State::None => false,
            // What is left is to be committed, and then nothing runs.
            State::Due => self.quiet.is_some() || !is_busy(&self.core.slots),
            State::Runs => true,
        }
    }

    /// Whether one has run here to its end, so that it is time to look for the next one before anything else: otherwise each
    /// would wait for all that is claimed in between.
    pub(super) fn have_run(&self) -> bool {
        self.state == State::Runs && !is_busy(&self.core.slots)
    }

    /// Looks for some, and goes quiet or ceases to be.
    pub(super) async fn look(&mut self, session: &Session) -> Result<(), Error> {
        self.quiet.take_if(|quiet| quiet.session != session.id);
        self.state = self.seen().await?;
        match (self.state, &self.quiet) {
            (State::None, _) => {
                (self.patience, self.pause) = (PATIENCE, Instant::now());
                self.end_quiet().await
            }
            (State::Due, _) if !is_busy(&self.core.slots) => Ok(()),
            (State::Due, Some(quiet)) if quiet.since.elapsed() >= self.patience => self.give_in().await,
            (State::Due, None) if Instant::now() >= self.pause => self.go_quiet(session).await,
            _ => Ok(()),
        }
    }

    /// Nothing runs by itself beside a handler that was given up and goes on: such a worker leaves suspects to others.
    async fn seen(&self) -> Result<State, Error> {
        let core = &self.core;
        let entries = core.slots.entries();
        if self.state == State::Runs && entries.iter().any(|entry| !entry.has_ended()) {
            return Ok(State::Runs);
        }
        if entries.iter().any(|entry| entry.is_given_up()) {
            return Ok(State::None);
        }
        let due = beating(core, core.ledger.has_suspect(&self.queues, core.clock.now())).await?;
        Ok(if due { State::Due } else { State::None })
    }

    /// One, if one is due and nothing runs here.
    pub(super) async fn claim(&mut self, session: &Session) -> Result<Option<Claimed>, Error> {
        let core = &self.core;
        if self.state != State::Due || !core.slots.is_empty() {
            return Ok(None);
        }
        let queues = self.queues.iter().map(|queue| (queue.clone(), 1)).collect();
        let claiming = Claiming { session: session.id, queues, limit: 1, now: core.clock.now() };
        let claimed = beating(core, core.ledger.claim_suspect(&claiming)).await;
        let claimed = claimed.inspect_err(|_| core.doubt())?;
        // None: another worker was faster. Whether there are more is seen at the next poll.
        self.state = State::None;
        if let Some(claimed) = &claimed {
            self.state = State::Runs;
            slog::warn!(core.log, "a task that was lost with its worker runs by itself";
                "task_id" => %claimed.claim.id.0, "kind" => &claimed.kind, "crashes" => claimed.standing.crashes);
        }
        Ok(claimed)
    }

    async fn go_quiet(&mut self, session: &Session) -> Result<(), Error> {
        let core = &self.core;
        // Before the answer, which may be lost.
        self.quiet = Some(Quiet { session: session.id, since: Instant::now() });
        let alone = beating(core, core.ledger.go_quiet(session.id, &self.queues, core.clock.now())).await?;
        if alone || mutant("everybody_is_quiet") {
            slog::info!(core.log, "no task is claimed, until one that was lost with its worker can run by itself";
                "running" => core.slots.len());
        } else {
            self.quiet = None;
        }
        Ok(())
    }

    async fn give_in(&mut self) -> Result<(), Error> {
        self.end_quiet().await?;
        (self.pause, self.patience) = (Instant::now() + self.patience, 2 * self.patience);
        slog::info!(self.core.log, "tasks are claimed again, and one that was lost with its worker has to wait";
            "running" => self.core.slots.len());
        Ok(())
    }

    /// Takes back that it is quiet, if it is.
    pub(super) async fn end_quiet(&mut self) -> Result<(), Error> {
        if let Some(quiet) = &self.quiet {
            beating(&self.core, self.core.ledger.end_quiet(quiet.session)).await?;
            self.quiet = None;
        }
        Ok(())
    }
}

/// Whether a handler is at work.
fn is_busy(slots: &Slots) -> bool {
    slots.entries().iter().any(|entry: &Arc<Entry>| entry.is_at_work())
}
