//! The worker: claims tasks, runs their handlers, and commits how they end.
//!
//! It consists of parts that run side by side and share a `Core`. In reading order: `claims` takes tasks, as `appetite`
//! says where there may be some, and as `suspects` says those that were lost with their worker; `run` runs one, with its
//! panics `caught` and its `progress` carried; `verdict` decides what is to be written about its end; `ends` and `finisher`
//! write it. `keeper` keeps the `session` under which all that may happen, `overdue` supervises handlers that do not yield,
//! while an `alarm` keeps the runtime awake beside them, `reclaim` takes what dead workers hold, and `doubt` gives back
//! what this one holds unawares. `slots` are the runs under way; `tally` counts how they end; `reach` tells the log whether
//! the ledger answers.

mod alarm;
mod appetite;
mod caught;
mod claims;
mod core;
mod doubt;
mod ends;
mod finisher;
mod keeper;
mod overdue;
mod progress;
pub(super) mod reach;
mod reclaim;
mod run;
mod session;
mod slots;
mod suspects;
mod tally;
mod verdict;

use self::{
    alarm::Alarm,
    claims::Claims,
    core::{Core, locked},
};
use super::{registry::Registry, settings::WorkerSettings};
use crate::{Chance, Clock, Doorbell, Error, Ids, TaskLedger};
use chrono::{DateTime, Utc};
use domain::SessionId;
use slog::Logger;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{sync::Mutex, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long it may take to give back what is left, and as long to close the session, when the worker has to stop.
const GIVE_BACK: Duration = Duration::from_millis(800);

/// See the module.
pub struct Worker {
    core: Arc<Core>,
    /// One life at a time.
    turn: Arc<Mutex<()>>,
}

/// What it needs.
pub struct WorkerPorts {
    /// Whose tasks it runs.
    pub ledger: Arc<dyn TaskLedger>,
    /// Tells of tasks that have come, and of those that are to end.
    pub doorbell: Arc<dyn Doorbell>,
    /// The kinds that it knows.
    pub registry: Arc<Registry>,
    /// Says what is due, and how long its lease lasts.
    pub clock: Arc<dyn Clock>,
    /// Of sessions, and of tasks that tasks schedule.
    pub ids: Arc<dyn Ids>,
    /// For delays that are not all alike.
    pub chance: Arc<dyn Chance>,
}

/// How a worker is doing, for health checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerProgress {
    /// When it last opened or renewed a session.
    pub renewed_at: Option<DateTime<Utc>>,
    /// When it last claimed a task.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When it last finished one.
    pub finished_at: Option<DateTime<Utc>>,
    /// How many tasks it holds.
    pub running: usize,
    /// Its session, unless it has none.
    pub session: Option<SessionId>,
}

impl Worker {
    /// Over these ports.
    pub fn new(ports: WorkerPorts, settings: WorkerSettings, log: Logger) -> Self {
        Self { core: Arc::new(Core::new(ports, settings, log)), turn: Arc::default() }
    }

    /// Works until `stop`. Then it claims nothing more, lets what runs end for a while, gives back the rest and closes its
    /// session. Ends by itself only if a part of it has panicked: whoever supervises the process had better start anew.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let (core, _turn) = (&self.core, self.turn.lock().await);
        let queues: Vec<&str> = core.queues.iter().map(|(queue, _)| queue.as_str()).collect();
        slog::info!(core.log, "working"; "queues" => queues.join(", "), "concurrency" => core.settings.concurrency);
        let life = Life::begin(core, &stop);
        Claims::new(core).until_stopped(&life.stop).await;
        slog::info!(core.log, "stopping"; "running" => core.slots.len());
        life.end().await;
        slog::info!(core.log, "stopped"; "running" => core.slots.len());
    }

    /// Works until nothing is due and nothing runs; how many runs that took.
    pub async fn drain(&self) -> Result<u64, Error> {
        Ok(self.drain_unless(CancellationToken::new()).await?.unwrap_or_default())
    }

    /// The same; `None` if `stop` has come first, and it has ended as [`Self::run`] does.
    pub async fn drain_unless(&self, stop: CancellationToken) -> Result<Option<u64>, Error> {
        let (core, turn) = (self.core.clone(), self.turn.clone().lock_owned().await);
        // A task of its own: whoever waits for it may give up, and what runs is to be ended in order all the same.
        let drained = tokio::spawn(async move {
            let _turn = turn;
            let before = core.begun.load(Ordering::Relaxed);
            let life = Life::begin(&core, &stop);
            let idle = Claims::new(&core).until_idle(&life.stop).await;
            life.end().await;
            match idle? {
                true => Ok(Some(core.begun.load(Ordering::Relaxed) - before)),
                false if stop.is_cancelled() => Ok(None),
                false => Err(Error::internal("cannot run tasks", "a part of the worker has ended")),
            }
        });
        drained.await.unwrap_or_else(|panic| Err(Error::internal("cannot run tasks", panic)))
    }

    /// How it is doing.
    pub fn progress(&self) -> WorkerProgress {
        let vitals = *locked(&self.core.vitals);
        WorkerProgress {
            renewed_at: vitals.renewed_at,
            claimed_at: vitals.claimed_at,
            finished_at: vitals.finished_at,
            running: self.core.slots.len(),
            session: self.core.session.borrow().as_ref().map(|session| session.id),
        }
    }
}

/// The parts at work beside the claim loop.
struct Life {
    core: Arc<Core>,
    /// Fires when the worker is to stop, and when one of the parts has ended before its time.
    stop: CancellationToken,
    /// Tells the parts to end.
    closing: CancellationToken,
    parts: JoinSet<()>,
    _alarm: Alarm,
}

impl Life {
    fn begin(core: &Arc<Core>, stop: &CancellationToken) -> Self {
        core.stopping.store(false, Ordering::Release);
        let (stop, closing) = (stop.child_token(), CancellationToken::new());
        let _alarm = Alarm::set(&core.log);
        let mut life = Self { core: core.clone(), stop, closing, parts: JoinSet::new(), _alarm };
        life.add(keeper::run(core.clone(), life.closing.clone()));
        life.add(finisher::Finisher::run(core.clone(), life.closing.clone()));
        life.add(overdue::run(core.clone(), life.closing.clone()));
        life.add(reclaim::run(core.clone(), life.closing.clone()));
        life
    }

    fn add(&mut self, part: impl Future<Output = ()> + Send + 'static) {
        let end_of_worker = self.stop.clone().drop_guard();
        self.parts.spawn(async move {
            let _end_of_worker = end_of_worker;
            part.await;
        });
    }

    /// In order: what runs ends, then the parts.
    async fn end(mut self) {
        // The session is kept until all is given back, however long that takes.
        claims::beating(&self.core, self.stop_handlers()).await;
        self.closing.cancel();
        let ended = async {
            while let Some(part) = self.parts.join_next().await {
                if let Err(panic) = part {
                    slog::crit!(self.core.log, "a part of the worker has panicked"; "error" => %panic);
                }
            }
        };
        if timeout(GIVE_BACK, ended).await.is_err() {
            slog::warn!(
                self.core.log,
                "not all parts of the worker have ended; its session may be left to expire"
            );
            // Aborting them would drop their statements half-way.
            self.parts.detach_all();
        }
    }

    /// Lets what runs end by itself; then asks it to; then drops and gives back what has not ended.
    async fn stop_handlers(&self) {
        let (core, all) = (&self.core, |_: &slots::Entry| true);
        if timeout(core.settings.drain, core.slots.free_of(all)).await.is_ok() {
            return;
        }
        slog::info!(core.log, "what still runs is given back"; "running" => core.slots.len());
        core.stopping.store(true, Ordering::Release);
        core.slots.entries().iter().for_each(|entry| entry.run.cancel.cancel());
        if timeout(keeper::YIELD, core.slots.free_of(all)).await.is_ok() {
            return;
        }
        let session = core.session.borrow().clone();
        session.inspect(|session| session.halt());
        if timeout(GIVE_BACK, core.slots.free_of(all)).await.is_err() {
            slog::warn!(core.log, "some handlers do not yield"; "running" => core.slots.len());
        }
    }
}

#[cfg(test)]
mod tests;
