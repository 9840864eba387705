//! The beat: at each slot of each schedule it sees to it that there is a task.
//!
//! It keeps nothing that matters: how far a schedule is stands in the database, so that a slot that could not be fired is
//! fired later, by this beat or by another.

use super::{
    Fired, Firing, Schedules,
    plan::{Planned, ScheduleReport},
    session::Shown,
};
use crate::{
    Clock, Context, Error, Ids, RequestId, TaskController, TaskLedger, Then, chain,
    tasks::{metrics, registry::Registry, scheduler::new_task},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::{Invalid, Schedule, TaskStory};
use futures_util::future::join_all;
use slog::Logger;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The use cases of schedules. A beat runs it; other processes ask it.
pub struct BeatController {
    ports: BeatPorts,
    settings: BeatSettings,
    plan: Mutex<Arc<[Planned]>>,
    /// When the schedules of the plan were last said to be in force.
    said: Mutex<Option<DateTime<Utc>>>,
    progress: Mutex<BeatProgress>,
    log: Logger,
}

/// What it needs.
pub struct BeatPorts {
    /// How far each schedule is.
    pub schedules: Arc<dyn Schedules>,
    /// Where a beat shows that it lives.
    pub ledger: Arc<dyn TaskLedger>,
    /// For what is to run now.
    pub tasks: Arc<TaskController>,
    /// The kinds that may be scheduled.
    pub registry: Arc<Registry>,
    /// Says when a slot is due.
    pub clock: Arc<dyn Clock>,
    /// Of tasks and sessions.
    pub ids: Arc<dyn Ids>,
}

/// Whose beat it is, and how it shows that it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeatSettings {
    /// Name of the host, for people.
    pub host: String,
    /// Process id, for people.
    pub process: u32,
    /// How long it is taken to be alive after it has last said so.
    pub lease: Duration,
    /// How often it says so.
    pub renewal: Duration,
}

impl Default for BeatSettings {
    fn default() -> Self {
        let (lease, renewal) = (Duration::from_secs(60), Duration::from_secs(15));
        Self { host: "localhost".to_owned(), process: std::process::id(), lease, renewal }
    }
}

/// How a beat is doing: what its health is told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BeatProgress {
    /// When it last looked at every schedule, and nothing failed.
    pub looked_at: Option<DateTime<Utc>>,
    /// When it last scheduled the task of a slot.
    pub fired_at: Option<DateTime<Utc>>,
}

/// The longest time between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a beat says which schedules are in force.
const SAY: TimeDelta = TimeDelta::seconds(60);

impl BeatController {
    /// Over these ports. `Invalid` as for [`Self::set_schedules`].
    pub fn new(
        ports: BeatPorts,
        settings: BeatSettings,
        schedules: Vec<Schedule>,
        log: Logger,
    ) -> Result<Self, Invalid> {
        let plan = Mutex::new(Planned::all(&ports.registry, schedules)?);
        Ok(Self { ports, settings, plan, said: Mutex::default(), progress: Mutex::default(), log })
    }

    /// These schedules from now on. `Invalid` if the kind of one is not registered, its payload is not one of its kind, or two
    /// have the same name; nothing has changed then. The fields are such as `schedules.nightly.kind`.
    pub fn set_schedules(&self, schedules: Vec<Schedule>) -> Result<(), Invalid> {
        let plan = Planned::all(&self.ports.registry, schedules)?;
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Fires whatever is due, at the next slot or a second later at the latest, until `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut shown = Shown::new(&self.ports, &self.settings);
        let mut complaints = Complaints::default();
        while !stop.is_cancelled() {
            let ticked = self.tick(self.ports.clock.now()).await;
            let pause = ticked.as_ref().map_or(PAUSE, |_| self.until_next());
            let renewed = shown.renew(self.progress().fired_at).await;
            for error in [ticked.err(), renewed.err()].into_iter().flatten() {
                complaints.tell(&self.log, &error);
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Err(error) = shown.close().await {
            complaints.tell(&self.log, &error); // it is shown until its lease has ended
        }
    }

    /// Fires whatever is due at `now`: how many tasks were scheduled. An error is the first one; each schedule has had its
    /// turn, and what failed is due still.
    pub async fn tick(&self, now: DateTime<Utc>) -> Result<u32, Error> {
        let plan = self.plan();
        let looks = join_all(plan.iter().map(|planned| self.look(planned, now))).await;
        // Afterwards: a look has to see how it was before.
        let said = self.say(&plan, now).await;
        let scheduled = looks.into_iter().sum::<Result<u32, Error>>()?;
        said?;
        self.proceed(|progress| progress.looked_at = Some(now));
        Ok(scheduled)
    }

    /// How it is doing.
    pub fn progress(&self) -> BeatProgress {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Each of the schedules, in their order.
    pub async fn statuses(&self) -> Result<Vec<ScheduleReport>, Error> {
        let known = self.ports.schedules.list().await?;
        let now = self.ports.clock.now();
        Ok(self.plan().iter().map(|planned| planned.report(&known, now)).collect())
    }

    /// Schedules the task of a schedule besides its slots, whatever its overlap policy says. `NotFound`.
    pub async fn run_now(&self, ctx: &Context, name: &str) -> Result<TaskStory, Error> {
        let plan = self.plan();
        let found = plan.iter().find(|planned| planned.schedule.name.as_str() == name);
        let signature = found.ok_or_else(|| Error::not_found("schedule", name))?.signature.clone();
        let task = new_task(ctx, self.ports.ids.as_ref(), self.ports.clock.now(), signature);
        self.ports.tasks.schedule_one(ctx, &Then { tasks: vec![task], ..Then::default() }).await
    }

    /// If it is time: which schedules are in force.
    async fn say(&self, plan: &[Planned], now: DateTime<Utc>) -> Result<(), Error> {
        let said = *self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_some_and(|said| (now - said).abs() < SAY) {
            return Ok(());
        }
        let names: Vec<_> = plan.iter().map(|planned| planned.schedule.name.clone()).collect();
        self.ports.schedules.seen(&names, now).await?;
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }

    async fn look(&self, planned: &Planned, now: DateTime<Utc>) -> Result<u32, Error> {
        if planned.next().is_some_and(|next| next > now) {
            return Ok(0);
        }
        let fired = self.fire_due(planned, now).await;
        if fired.is_err() {
            let name = planned.schedule.name.as_str();
            metrics::fired(name, "failed");
            metrics::lag(name, planned.next().unwrap_or(now), now);
        }
        fired
    }

    async fn fire_due(&self, planned: &Planned, now: DateTime<Utc>) -> Result<u32, Error> {
        let Planned { schedule, .. } = planned;
        let last = self.ports.schedules.last(&schedule.name, &schedule.timing, planned.since(now)).await?;
        let mut scheduled = 0;
        for slot in schedule.due(last, now) {
            scheduled += u32::from(self.fire(planned, slot, now).await? == Fired::Scheduled);
        }
        planned.set_next(schedule.timing.next(last.max(now)));
        Ok(scheduled)
    }

    async fn fire(&self, planned: &Planned, slot: DateTime<Utc>, now: DateTime<Utc>) -> Result<Fired, Error> {
        let Planned { schedule, signature, .. } = planned;
        let name = schedule.name.as_str();
        let ids = self.ports.ids.as_ref();
        let cause = format!("schedule:{name}:{}", slot.to_rfc3339_opts(SecondsFormat::Secs, true));
        let request_id = RequestId::parse(&cause).unwrap_or_else(|| ids.next(now).into());
        let ctx = Context { request_id, log: self.log.clone() };
        let task = new_task(&ctx, ids, now, signature.clone());
        let id = task.id;
        let firing = Firing {
            schedule: schedule.name.clone(),
            timing: schedule.timing.clone(),
            slot,
            overlap: schedule.overlap,
            task,
        };
        let fired = self.ports.schedules.fire(&firing).await?;
        match fired {
            Fired::Scheduled => {
                metrics::fired(name, "scheduled");
                metrics::lag(name, slot, now);
                self.proceed(|progress| progress.fired_at = Some(now));
                slog::info!(self.log, "schedule fired"; "schedule" => name, "slot" => %slot, "task_id" => %id.0);
            }
            Fired::Taken => metrics::fired(name, "taken"),
            Fired::Overlapped => {
                metrics::fired(name, "overlapped");
                slog::info!(self.log, "slot left out, an earlier task is unfinished";
                    "schedule" => name, "slot" => %slot);
            }
        }
        Ok(fired)
    }

    fn until_next(&self) -> Duration {
        let now = self.ports.clock.now();
        let left = |planned: &Planned| (planned.next()? - now).to_std().ok();
        // What is due already was not when the last look began.
        let waits = self.plan().iter().map(|planned| left(planned).unwrap_or_default()).min();
        waits.map_or(PAUSE, |wait| wait.min(PAUSE))
    }

    fn plan(&self) -> Arc<[Planned]> {
        Arc::clone(&self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn proceed(&self, change: impl FnOnce(&mut BeatProgress)) {
        change(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// One line in ten seconds: while the database is gone, each look fails.
#[derive(Default)]
struct Complaints {
    last: Option<Instant>,
}

impl Complaints {
    const QUIET: Duration = Duration::from_secs(10);

    fn tell(&mut self, log: &Logger, error: &Error) {
        if self.last.is_some_and(|last| last.elapsed() < Self::QUIET) {
            return;
        }
        self.last = Some(Instant::now());
        match error {
            Error::Unavailable { .. } => slog::warn!(log, "the beat has to wait"; "error" => chain(error)),
            _ => slog::error!(log, "the beat fails"; "error" => chain(error)),
        }
    }
}

#[cfg(test)]
mod tests;
