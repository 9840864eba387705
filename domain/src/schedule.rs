//! A schedule: when a kind of task is to be scheduled by itself.
//!
//! Which slots fire is arithmetic over instants that come in; the beat that asks is in `application/src/schedules.rs`.

use crate::{Violation, words::words};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use croner::Cron;
use std::str::FromStr;

/// Tasks at times.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Among all schedules.
    pub name: ScheduleName,
    /// At which times.
    pub timing: Timing,
    /// What becomes of slots that nobody was there for.
    pub misfire: Misfire,
    /// What becomes of a slot while the task of an earlier one is unfinished.
    pub overlap: Overlap,
    /// The kind of the task.
    pub kind: String,
    /// Its payload: JSON.
    pub payload: String,
}

/// 1 to 50 of `a-z 0-9 _ -`, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleName(String);

impl ScheduleName {
    /// See the type: the same as for a queue.
    pub fn parse(raw: &str) -> Result<Self, Violation> {
        let name = crate::QueueName::parse(raw).map_err(|v| Violation::new("schedule", v.message))?;
        Ok(Self(name.as_str().to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

words! {
    /// What becomes of slots that are late by more than [`Schedule::GRACE`], because no beat was there.
    pub enum Misfire {
        /// The last of them fires.
        RunOnce = "run_once",
        /// None fires.
        Skip = "skip",
        /// The last [`Schedule::CATCH_UP`] of them fire.
        CatchUp = "catch_up",
    }
}

words! {
    /// What becomes of a slot while the task of an earlier one is unfinished.
    pub enum Overlap {
        /// It fires.
        Allow = "allow",
        /// It does not.
        Skip = "skip",
        /// It fires unless one waits already.
        QueueOne = "queue_one",
    }
}

/// A cron expression in a time zone: five fields, or six with seconds in front. Daylight saving as Vixie cron has it: a
/// fixed time that does not exist runs at the first instant after the gap, one that exists twice runs once; an expression
/// with `*` or steps in its time fields goes on by real time. Two are the same if they were given in the same words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    cron: Cron,
    zone: Tz,
}

impl Timing {
    /// `zone` is a name of the IANA time zone database, such as `Europe/Berlin`.
    pub fn parse(cron: &str, zone: &str) -> Result<Self, Violation> {
        let zone = Tz::from_str(zone).map_err(|_| {
            Violation::new(
                "time_zone",
                "must be a name of the IANA time zone database, such as Europe/Berlin",
            )
        })?;
        let cron = Cron::from_str(cron).map_err(|error| {
            let message =
                format!("must be a cron expression, such as `0 3 * * *` for three in the morning: {error}");
            Violation::new("cron", message)
        })?;
        Ok(Self { cron, zone })
    }

    /// The first slot after `after`; `None` if there is none in this era.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let found = self.cron.find_next_occurrence(&after.with_timezone(&self.zone), false);
        found.ok().map(|slot| slot.to_utc())
    }

    /// The last slot before `before`; `None` if there is none in this era.
    pub fn previous(&self, before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // The search looks at whole seconds, and steps off the one that it starts in.
        let second = (before + TimeDelta::nanoseconds(999_999_999)).trunc_subsecs(0);
        let found = self.cron.find_previous_occurrence(&second.with_timezone(&self.zone), false);
        found.ok().map(|slot| slot.to_utc()).filter(|slot| *slot < before)
    }

    /// As it was given.
    pub fn cron(&self) -> String {
        self.cron.pattern.to_string()
    }

    /// By its IANA name.
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }
}

impl Schedule {
    /// A slot is late if nobody has fired it for so long.
    pub const GRACE: TimeDelta = TimeDelta::seconds(60);
    /// How many late slots may fire at once.
    pub const CATCH_UP: usize = 100;

    /// The slots after `after` up to and including `now` that fire, in order, if `after` is the last slot dealt with.
    pub fn due(&self, after: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let slots = |after| {
            let next = move |slot: &DateTime<Utc>| self.timing.next(*slot).filter(|slot| *slot <= now);
            std::iter::successors(next(&after), next)
        };
        let punctual = slots(after.max(now - Self::GRACE - TimeDelta::microseconds(1)));
        self.late(after, now).into_iter().chain(punctual).collect()
    }

    /// Of the slots that are too late, those that fire all the same.
    fn late(&self, after: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let kept = match self.misfire {
            Misfire::Skip => return Vec::new(),
            Misfire::RunOnce => 1,
            Misfire::CatchUp => Self::CATCH_UP,
        };
        let previous = |before| self.timing.previous(before).filter(|slot| *slot > after);
        let last = previous(now - Self::GRACE);
        let mut late: Vec<_> = std::iter::successors(last, |slot| previous(*slot)).take(kept).collect();
        late.reverse();
        late
    }
}

#[cfg(test)]
mod tests;
