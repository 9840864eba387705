//! Schedules: the beat turns slots that are due into tasks.
//!
//! Any number of beats may run: a slot and its task are written in one transaction, under a key that only one can have.

mod beat;
mod plan;
mod session;

pub use beat::{BeatController, BeatPorts, BeatProgress, BeatSettings};
pub use plan::ScheduleReport;

use crate::Error;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{NewTask, Overlap, ScheduleName, TaskId, Timing};

/// What is known of schedules. Each implementation is proven by the contract suite in `tests/functional/contract`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)] // must stand above async_trait
#[async_trait]
pub trait Schedules: Send + Sync {
    /// The last slot of the schedule that was dealt with. It begins anew, at `since` unless it is beyond that, when it is
    /// seen for the first time, when its timing was another one, and when it was out of force: others were last
    /// [seen](Self::seen) by more than [`UNSEEN`] after it. A schedule that nobody saw because no beat was there goes on
    /// where it was.
    async fn last(
        &self,
        name: &ScheduleName,
        timing: &Timing,
        since: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, Error>;

    /// These schedules, all that a beat has, are in force at `now`. Of those that are not known yet nothing is noted.
    async fn seen(&self, names: &[ScheduleName], now: DateTime<Utc>) -> Result<(), Error>;

    /// Writes the slot and its task, unless somebody has dealt with the slot, or with a later one, or the policy forbids it;
    /// in one transaction, one beat after the other.
    async fn fire(&self, firing: &Firing) -> Result<Fired, Error>;

    /// Every schedule that was ever seen, by name.
    async fn list(&self) -> Result<Vec<ScheduleStatus>, Error>;
}

/// How much later others may have been seen than a schedule that is in force: a beat says so each minute.
pub const UNSEEN: TimeDelta = TimeDelta::minutes(3);

/// A slot that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// Of this schedule.
    pub schedule: ScheduleName,
    /// As it is in force.
    pub timing: Timing,
    /// When.
    pub slot: DateTime<Utc>,
    /// While an earlier one is unfinished.
    pub overlap: Overlap,
    /// What is to run.
    pub task: NewTask,
}

/// What became of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fired {
    /// Its task is scheduled.
    Scheduled,
    /// Another beat was faster.
    Taken,
    /// The task of an earlier slot is unfinished, and the policy says to leave this one out.
    Overlapped,
}

/// A schedule as the beats know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleStatus {
    /// Which.
    pub name: ScheduleName,
    /// The last slot that was dealt with.
    pub last_slot: DateTime<Utc>,
    /// The task of the last slot that fired, if it is still kept.
    pub last_task: Option<TaskId>,
}
