//! The section `schedules`: names that the user gives, each with what is to be done and when.

use domain::{FieldError, Invalid, Schedule, ScheduleName, Timing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Tasks that the beat schedules by itself, by name (`a-z 0-9 _ -`). What is configured for a shipped one goes over it key
/// by key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Schedules(BTreeMap<String, ScheduleConfig>);

/// One schedule. In a variable its name is in capitals, with `_` for `-`. Shipped is `prune-tasks`, which deletes ended
/// tasks once `tasks.retention` is over, each day at 03:17 UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScheduleConfig {
    /// Whether it is in force.
    #[schemars(extend("x-reloadable" = true))]
    pub(crate) enabled: bool,
    /// At which times: minute, hour, day of the month, month, day of the week, such as `30 4 * * mon-fri`; a sixth field in
    /// front is for seconds.
    #[schemars(extend("x-reloadable" = true, "x-required" = true))]
    pub(crate) cron: String,
    /// Where these times are meant: a name of the IANA time zone database, such as `Europe/Berlin`.
    #[schemars(extend("x-reloadable" = true))]
    pub(crate) time_zone: String,
    /// The kind of the task, such as `ADD_ONE_YEAR`.
    #[schemars(extend("x-reloadable" = true, "x-required" = true))]
    pub(crate) kind: String,
    /// What the task is told.
    #[schemars(extend("x-reloadable" = true))]
    pub(crate) payload: Value,
    /// What becomes of slots that passed more than a minute ago, because no beat was there: `run_once` has the last of
    /// them fire, `skip` none, `catch_up` the last hundred.
    #[schemars(extend("x-reloadable" = true))]
    pub(crate) misfire: Misfire,
    /// What becomes of a slot while the task of an earlier one is unfinished: `allow` has it fire, `skip` leaves it out,
    /// `queue_one` has it fire unless one waits already.
    #[schemars(extend("x-reloadable" = true))]
    pub(crate) overlap: Overlap,
}

/// What becomes of slots that nobody was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Misfire {
    RunOnce,
    Skip,
    CatchUp,
}

/// What becomes of a slot while the task of an earlier one is unfinished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Overlap {
    Allow,
    Skip,
    QueueOne,
}

/// What is wrong with a schedule: of which, with which of its keys or with its name, and how.
pub(super) type Wrong = (String, Option<&'static str>, String);

impl Default for Schedules {
    fn default() -> Self {
        let prune = ScheduleConfig {
            cron: "17 3 * * *".to_owned(),
            kind: "PRUNE_TASKS".to_owned(),
            overlap: Overlap::Skip,
            ..ScheduleConfig::default()
        };
        Self(BTreeMap::from([("prune-tasks".to_owned(), prune)]))
    }
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            cron: String::new(),
            time_zone: "UTC".to_owned(),
            kind: String::new(),
            payload: json!({}),
            misfire: Misfire::RunOnce,
            overlap: Overlap::Allow,
        }
    }
}

impl Schedules {
    /// All of them, whether in force or not.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Those in force.
    pub(crate) fn enabled(&self) -> Vec<Schedule> {
        let enabled = self.0.iter().filter(|(_, schedule)| schedule.enabled);
        enabled.filter_map(|(name, schedule)| schedule.named(name)).collect()
    }

    /// Every value that is wrong by itself.
    pub(super) fn wrong(&self) -> Vec<Wrong> {
        self.0.iter().flat_map(|(name, schedule)| schedule.wrong(name)).collect()
    }

    /// Every kind and payload that `check` refuses.
    pub(super) fn impossible(&self, check: impl Fn(&str, &str) -> Result<(), Invalid>) -> Vec<Wrong> {
        let refused = self.0.iter().filter_map(|(name, schedule)| {
            let refused = check(&schedule.kind, &schedule.payload.to_string()).err()?;
            Some((name, schedule, refused))
        });
        let wrong = refused.flat_map(|(name, schedule, refused)| {
            let wrong = |error: &FieldError| match error.field.as_str() {
                "kind" => ("kind", format!("{}, not {:?}", error.violation.message, schedule.kind)),
                _ => ("payload", format!("is not one of {}: {}", schedule.kind, error.violation.message)),
            };
            let named = |(key, message)| (name.clone(), Some(key), message);
            refused.errors().iter().map(wrong).map(named).collect::<Vec<_>>()
        });
        wrong.collect()
    }

    /// Every value that is missing.
    pub(super) fn missing(&self) -> Vec<Wrong> {
        let keys = self.0.iter().flat_map(|(name, schedule)| {
            [(name, "cron", schedule.cron.is_empty()), (name, "kind", schedule.kind.is_empty())]
        });
        let missing = keys.filter(|(.., missing)| *missing);
        missing.map(|(name, key, _)| (name.clone(), Some(key), "is missing".to_owned())).collect()
    }
}

impl ScheduleConfig {
    /// `None` only if it is wrong.
    fn named(&self, name: &str) -> Option<Schedule> {
        Some(Schedule {
            name: ScheduleName::parse(name).ok()?,
            timing: Timing::parse(&self.cron, &self.time_zone).ok()?,
            misfire: self.misfire.into(),
            overlap: self.overlap.into(),
            kind: self.kind.clone(),
            payload: self.payload.to_string(),
        })
    }

    fn wrong(&self, name: &str) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if let Err(violation) = ScheduleName::parse(name) {
            wrong.push((
                name.to_owned(),
                None,
                format!("is the name of a schedule, which {}", violation.message),
            ));
        }
        if let Err(violation) = Timing::parse("* * * * *", &self.time_zone) {
            let message = format!("{}, not {:?}", violation.message, self.time_zone);
            wrong.push((name.to_owned(), Some("time_zone"), message));
        }
        if self.cron.is_empty() {
            return wrong;
        }
        let complaint = match Timing::parse(&self.cron, "UTC") {
            Err(violation) => violation.message,
            Ok(timing) if timing.next(chrono::DateTime::UNIX_EPOCH).is_none() => {
                "must be a time that comes".to_owned()
            }
            Ok(_) => return wrong,
        };
        wrong.push((name.to_owned(), Some("cron"), format!("{complaint}, not {:?}", self.cron)));
        wrong
    }
}

impl From<Misfire> for domain::Misfire {
    fn from(misfire: Misfire) -> Self {
        match misfire {
            Misfire::RunOnce => Self::RunOnce,
            Misfire::Skip => Self::Skip,
            Misfire::CatchUp => Self::CatchUp,
        }
    }
}

impl From<Overlap> for domain::Overlap {
    fn from(overlap: Overlap) -> Self {
        match overlap {
            Overlap::Allow => Self::Allow,
            Overlap::Skip => Self::Skip,
            Overlap::QueueOne => Self::QueueOne,
        }
    }
}
