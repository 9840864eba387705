//! The section `tasks`.

use super::names::Queue;
use application::Retention;
use chrono::TimeDelta;
use domain::QueueName;
use humantime::format_duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use validator::{Validate, ValidationError};

/// Background tasks: who runs them, how many at once, and how long everything may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[validate(schema(function = durations_fit, skip_on_field_errors = false))]
#[validate(schema(function = backoff_fits, skip_on_field_errors = false))]
pub(crate) struct TasksConfig {
    /// `worker`: tasks run in worker processes, or in the one process that is everything. `eager`: a process with the API
    /// runs what a request has scheduled, retries included and without their delays, before it answers; for tests and
    /// development, refused in production.
    #[schemars(extend("x-development-only" = "eager"))]
    pub(crate) mode: Mode,
    /// From which queues a worker takes tasks, in this order. Empty: from all that its kinds of tasks name.
    #[schemars(with = "Vec<String>")]
    #[validate(custom(function = each_once))]
    pub(crate) queues: Vec<Queue>,
    /// How many tasks a worker runs at once.
    #[validate(range(min = 1, max = 1000))]
    pub(crate) concurrency: u32,
    /// How many of them may be from one queue; from a queue that is not named, all. An import holds its file and all rows of
    /// it in memory.
    #[schemars(with = "BTreeMap<String, u32>")]
    #[validate(custom(function = some_of_each))]
    pub(crate) queue_concurrency: BTreeMap<Queue, u32>,
    /// Unfinished tasks that a queue holds; what would be more is answered 429 with `Retry-After`. Counted each second, so
    /// a crowd may exceed it by what it sends in one.
    #[validate(range(min = 1, max = 1_000_000_000))]
    pub(crate) max_depth: u64,
    /// After how long without a sign of life a worker is taken for dead, and others run its tasks.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = some_time))]
    pub(crate) lease: Duration,
    /// How often a worker gives a sign of life; at most a third of `tasks.lease`, so that one may be missed.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = some_time))]
    pub(crate) renewal: Duration,
    /// How long before the end of its lease a worker that cannot renew it starts and finishes nothing any more; less than
    /// `tasks.lease` without `tasks.renewal`.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = some_time))]
    pub(crate) margin: Duration,
    /// How often a worker looks for tasks without having been told of any.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = up_to_a_minute))]
    pub(crate) poll: Duration,
    /// How often a worker looks for tasks of dead workers.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = up_to_a_minute))]
    pub(crate) reclaim: Duration,
    /// How long tasks under way may go on when the process is asked to stop; what is not done then is given back, and
    /// another worker runs it anew. Whatever supervises the process must wait longer than this.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = up_to_an_hour))]
    pub(crate) drain: Duration,
    /// How long after the end of its time a task that does not yield is counted as failed.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = some_time))]
    pub(crate) overdue_grace: Duration,
    /// How long a task may take to end by itself once it is cancelled; its handler is dropped then.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = up_to_an_hour))]
    pub(crate) cancel_grace: Duration,
    /// The longest delay of the first retry, doubled with each further one, instead of what the kind says (2s unless it
    /// says something else).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>", extend("format" = "duration"))]
    #[validate(custom(function = up_to_a_day))]
    pub(crate) backoff_base: Option<Duration>,
    /// The longest delay of any retry, instead of what the kind says (10m unless it says something else).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "Option<String>", extend("format" = "duration"))]
    #[validate(custom(function = up_to_a_day))]
    pub(crate) backoff_cap: Option<Duration>,
    /// How often the process looks whether a task has changed that somebody follows.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = up_to_a_minute))]
    pub(crate) watch_interval: Duration,
    /// Bytes of JSON that a task may answer; one that answers more has failed. Kinds may rely on 256 KiB.
    #[validate(range(min = 262_144, max = 16_777_216))]
    pub(crate) max_result_bytes: usize,
    /// How long tasks are kept once they have ended. The task `PRUNE_TASKS` deletes what is older.
    #[validate(nested)]
    pub(crate) retention: RetentionConfig,
}

/// Who runs tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Workers.
    Worker,
    /// The API, before it answers.
    Eager,
}

/// How long tasks are kept once they have ended. The task `PRUNE_TASKS` deletes what is older.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RetentionConfig {
    /// Those that succeeded or were cancelled.
    #[serde(with = "days")]
    #[schemars(with = "String")]
    #[validate(custom(function = up_to_ten_years))]
    pub(crate) succeeded: Duration,
    /// Those that failed.
    #[serde(with = "days")]
    #[schemars(with = "String")]
    #[validate(custom(function = up_to_ten_years))]
    pub(crate) failed: Duration,
}

impl Default for TasksConfig {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            mode: Mode::Worker,
            queues: Vec::new(),
            concurrency: 16,
            queue_concurrency: QueueName::parse("imports").map(|name| (Queue(name), 2)).into_iter().collect(),
            max_depth: 100_000,
            lease: seconds(60),
            renewal: seconds(15),
            margin: seconds(10),
            poll: seconds(1),
            reclaim: seconds(5),
            drain: seconds(25),
            overdue_grace: seconds(10),
            cancel_grace: seconds(10),
            backoff_base: None,
            backoff_cap: None,
            watch_interval: Duration::from_millis(500),
            max_result_bytes: 256 * 1024,
            retention: RetentionConfig::default(),
        }
    }
}

impl Default for RetentionConfig {
    fn default() -> Self {
        let Retention { succeeded, failed } = Retention::DEFAULT;
        let whole = |time: TimeDelta| time.to_std().unwrap_or_default();
        Self { succeeded: whole(succeeded), failed: whole(failed) }
    }
}

impl RetentionConfig {
    /// The same in the language of the use cases.
    pub(crate) fn retention(&self) -> Retention {
        let time = |time| TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX);
        Retention { succeeded: time(self.succeeded), failed: time(self.failed) }
    }
}

/// Durations that are meant in days: by `humantime` alone, 90 days would be `2months 29days 2h 52m 48s`.
mod days {
    use serde::{Deserializer, Serialize, Serializer};
    use std::time::Duration;

    const DAY: u64 = 24 * 3600;

    pub(super) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        match (time.as_secs() % DAY, time.subsec_nanos(), time.as_secs() / DAY) {
            (0, 0, days @ 1..) => format!("{days}days").serialize(serializer),
            _ => humantime_serde::serialize(time, serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        humantime_serde::deserialize(deserializer)
    }
}

/// What several durations have to keep together. The code names the key that it is about.
fn durations_fit(config: &TasksConfig) -> Result<(), ValidationError> {
    let TasksConfig { lease, renewal, margin, .. } = *config;
    let wrong = |key, message: String| Err(ValidationError::new(key).with_message(message.into()));
    if renewal.saturating_mul(3) > lease {
        let (third, found) = (format_duration(lease / 3), format_duration(renewal));
        let message = format!("must be at most a third of tasks.lease, {third}, not {found}");
        return wrong("renewal", message);
    }
    if margin >= lease.saturating_sub(renewal) {
        let (rest, found) = (format_duration(lease.saturating_sub(renewal)), format_duration(margin));
        let message = format!("must be less than tasks.lease without tasks.renewal, {rest}, not {found}");
        return wrong("margin", message);
    }
    Ok(())
}

fn backoff_fits(config: &TasksConfig) -> Result<(), ValidationError> {
    match (config.backoff_base, config.backoff_cap) {
        (Some(base), Some(cap)) if base > cap => {
            let (base, cap) = (format_duration(base), format_duration(cap));
            let message = format!("must be at most tasks.backoff_cap, {cap}, not {base}");
            Err(ValidationError::new("backoff_base").with_message(message.into()))
        }
        _ => Ok(()),
    }
}

fn each_once(queues: &[Queue]) -> Result<(), ValidationError> {
    let mut seen = BTreeSet::new();
    match queues.iter().find(|queue| !seen.insert(*queue)) {
        Some(_) => Err(ValidationError::new("once").with_message("must name each queue once".into())),
        None => Ok(()),
    }
}

fn some_of_each(limits: &BTreeMap<Queue, u32>) -> Result<(), ValidationError> {
    let message = "must have a whole number from 1 to 1000 for each queue";
    match limits.values().all(|limit| (1..=1000).contains(limit)) {
        true => Ok(()),
        false => Err(ValidationError::new("numbers").with_message(message.into())),
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

fn some_time(time: &Duration) -> Result<(), ValidationError> {
    between(*time, 100 * MILLISECOND, 3600 * SECOND, "must be from 100ms to 1h")
}

fn up_to_a_minute(time: &Duration) -> Result<(), ValidationError> {
    between(*time, 10 * MILLISECOND, 60 * SECOND, "must be from 10ms to 1m")
}

fn up_to_an_hour(time: &Duration) -> Result<(), ValidationError> {
    between(*time, Duration::ZERO, 3600 * SECOND, "must be from 0s to 1h")
}

fn up_to_a_day(time: &Duration) -> Result<(), ValidationError> {
    between(*time, MILLISECOND, 24 * 3600 * SECOND, "must be from 1ms to 1day")
}

fn up_to_ten_years(time: &Duration) -> Result<(), ValidationError> {
    between(*time, SECOND, 3650 * 24 * 3600 * SECOND, "must be from 1s to 3650days")
}

fn between(
    time: Duration,
    least: Duration,
    most: Duration,
    message: &'static str,
) -> Result<(), ValidationError> {
    match (least..=most).contains(&time) {
        true => Ok(()),
        false => Err(ValidationError::new("range").with_message(message.into())),
    }
}
