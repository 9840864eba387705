//! The schedules that are in force, each with a task that is known to be one.

use super::ScheduleStatus;
use crate::{Signature, tasks::registry::Registry};
use chrono::{DateTime, Utc};
use domain::{Invalid, Misfire, Overlap, Schedule, ScheduleName, TaskId, Violation};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A schedule whose task is known to be one.
pub(super) struct Planned {
    pub(super) schedule: Schedule,
    pub(super) signature: Signature,
    /// The first slot that nobody has dealt with, as far as this beat knows; `None` until it has asked.
    next: Mutex<Option<DateTime<Utc>>>,
    /// From when on this beat has had it.
    since: OnceLock<DateTime<Utc>>,
}

impl Planned {
    /// The plan of these schedules. `Invalid`: see [`super::BeatController::set_schedules`].
    pub(super) fn all(registry: &Registry, schedules: Vec<Schedule>) -> Result<Arc<[Self]>, Invalid> {
        let (mut invalid, mut planned) = (Invalid::default(), Vec::<Self>::new());
        for schedule in schedules {
            let field = format!("schedules.{}", schedule.name.as_str());
            if planned.iter().any(|other| other.schedule.name == schedule.name) {
                let twice = Violation::new("duplicate", "must be the name of one schedule alone");
                invalid.check::<()>(&field, Err(twice));
            }
            match registry.signature(&schedule.kind, &schedule.payload) {
                Ok(signature) => {
                    planned.push(Self { schedule, signature, next: Mutex::default(), since: OnceLock::new() })
                }
                Err(wrong) => {
                    for error in wrong.errors() {
                        invalid
                            .check::<()>(&format!("{field}.{}", error.field), Err(error.violation.clone()));
                    }
                }
            }
        }
        if invalid.is_empty() { Ok(planned.into()) } else { Err(invalid) }
    }

    /// When it was first asked, at some `now`.
    pub(super) fn since(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        *self.since.get_or_init(|| now)
    }

    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        *self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if there is none any more.
    pub(super) fn set_next(&self, next: Option<DateTime<Utc>>) {
        let next = next.unwrap_or(DateTime::<Utc>::MAX_UTC);
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
    }

    /// With what is `known` of it.
    pub(super) fn report(&self, known: &[ScheduleStatus], now: DateTime<Utc>) -> ScheduleReport {
        let Self { schedule, .. } = self;
        let status = known.iter().find(|status| status.name == schedule.name);
        ScheduleReport {
            name: schedule.name.clone(),
            cron: schedule.timing.cron(),
            zone: schedule.timing.zone(),
            kind: schedule.kind.clone(),
            misfire: schedule.misfire,
            overlap: schedule.overlap,
            last_slot: status.map(|status| status.last_slot),
            next: schedule.timing.next(now),
            last_task: status.and_then(|status| status.last_task),
        }
    }
}

/// A schedule and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleReport {
    /// See [`Schedule`], here and below.
    pub name: ScheduleName,
    /// As it was given.
    pub cron: String,
    /// Its IANA name.
    pub zone: &'static str,
    /// Of its tasks.
    pub kind: String,
    /// What becomes of slots that nobody was there for.
    pub misfire: Misfire,
    /// What becomes of a slot while the task of an earlier one is unfinished.
    pub overlap: Overlap,
    /// The last slot that was dealt with; `None` until a beat has seen the schedule, which then begins there.
    pub last_slot: Option<DateTime<Utc>>,
    /// The next one, if there is one.
    pub next: Option<DateTime<Utc>>,
    /// The task of the last slot that fired, if it is still kept.
    pub last_task: Option<TaskId>,
}
