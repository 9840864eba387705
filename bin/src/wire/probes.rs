//! The health probes of a process. Worker and beat are asked for their progress: a process that is there and does nothing
//! is not well.

use super::{Core, Role};
use crate::config::Config;
use adapter_redis::Redis;
use application::{BeatController, Clock, Probe, Unwell, Worker};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// Every probe of `/health` and `/mon/checks/{name}`. A further one is a line here.
pub(super) fn probes(
    core: &Core,
    config: &Config,
    role: Role,
    worker: Option<&Arc<Worker>>,
) -> Vec<Arc<dyn Probe>> {
    let mut probes = core.database.probes();
    probes.extend(core.redis.as_ref().map(Redis::probe));
    let patience = config.tasks.lease.saturating_sub(config.tasks.margin);
    let patience = TimeDelta::from_std(patience).unwrap_or(TimeDelta::MAX);
    probes.extend(worker.map(|worker| -> Arc<dyn Probe> {
        // Requests are answered without it.
        let required = !role.serves();
        Arc::new(WorkerProbe { worker: worker.clone(), clock: core.clock.clone(), patience, required })
    }));
    if role.beats(config) {
        probes.push(Arc::new(BeatProbe {
            beat: core.beat.clone(),
            clock: core.clock.clone(),
            required: !role.serves(),
        }));
    }
    probes
}

/// A beat looks each second; from then on its slots are late.
const BEAT_PATIENCE: TimeDelta = TimeDelta::seconds(30);

/// Whether the worker renews its session: without one it starts and finishes nothing.
struct WorkerProbe {
    worker: Arc<Worker>,
    clock: Arc<dyn Clock>,
    patience: TimeDelta,
    required: bool,
}

/// Whether the beat looks for slots.
struct BeatProbe {
    beat: Arc<BeatController>,
    clock: Arc<dyn Clock>,
    required: bool,
}

#[async_trait]
impl Probe for WorkerProbe {
    fn name(&self) -> &'static str {
        "tasks"
    }

    fn required(&self) -> bool {
        self.required
    }

    async fn check(&self) -> Result<String, Unwell> {
        let (progress, now) = (self.worker.progress(), self.clock.now());
        let Some(renewed) = progress.renewed_at else {
            return Err(Unwell::new("the worker has no session"));
        };
        if now - renewed > self.patience {
            return Err(Unwell::new(format!(
                "the worker has not renewed its session for {}",
                ago(renewed, now)
            )));
        }
        let last = |what: &str, at: Option<DateTime<Utc>>| {
            at.map_or_else(|| format!("{what} nothing yet"), |at| format!("{what} {} ago", ago(at, now)))
        };
        let (claimed, finished) =
            (last("claimed", progress.claimed_at), last("finished", progress.finished_at));
        Ok(format!("running {}; renewed {} ago, {claimed}, {finished}", progress.running, ago(renewed, now)))
    }
}

#[async_trait]
impl Probe for BeatProbe {
    fn name(&self) -> &'static str {
        "beat"
    }

    fn required(&self) -> bool {
        self.required
    }

    async fn check(&self) -> Result<String, Unwell> {
        let (progress, now) = (self.beat.progress(), self.clock.now());
        let Some(looked) = progress.looked_at else {
            return Err(Unwell::new("the beat has not looked at its schedules yet"));
        };
        if now - looked > BEAT_PATIENCE {
            let silence = ago(looked, now);
            return Err(Unwell::new(format!("the beat has not looked at its schedules for {silence}")));
        }
        let fired = progress
            .fired_at
            .map_or_else(|| "fired nothing yet".to_owned(), |fired| format!("fired {} ago", ago(fired, now)));
        Ok(format!("looked {} ago, {fired}", ago(looked, now)))
    }
}

/// In whole seconds: how long since `at`.
fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} s", (now - at).num_seconds().max(0))
}
