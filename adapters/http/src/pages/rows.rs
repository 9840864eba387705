//! A task in one line, as lists show it.

use super::{
    labels,
    words::{Moment, duration, percent, short},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Progress, Task, TaskState};
use serde::Serialize;

/// See the module.
#[derive(Debug, Serialize)]
pub(super) struct TaskRow {
    id: String,
    /// The end of it.
    short: String,
    kind: String,
    queue: String,
    state: &'static str,
    runs: String,
    progress: Option<Bar>,
    /// What happens, or has happened, at `moment`.
    verb: &'static str,
    moment: Option<Moment>,
    /// How long the last run took.
    took: Option<String>,
    /// Why it did not succeed.
    reason: Option<&'static str>,
    created: Moment,
}

/// How far a task is.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Bar {
    /// 0 to 1.
    value: f64,
    pub(super) percent: String,
    note: String,
}

impl TaskRow {
    pub(super) fn new(task: &Task, now: DateTime<Utc>) -> Self {
        let (verb, moment) = happening(task);
        Self {
            id: task.id.0.to_string(),
            short: short(task.id.0),
            kind: task.kind.clone(),
            queue: task.queue.as_str().to_owned(),
            state: task.standing.state.as_str(),
            runs: runs(task),
            progress: progress(task),
            verb,
            moment: Moment::maybe(moment, now),
            took: took(task).map(duration),
            reason: task.reason.map(labels::reason),
            created: Moment::new(task.created_at, now),
        }
    }
}

impl From<&Progress> for Bar {
    fn from(progress: &Progress) -> Self {
        let value = progress.fraction();
        Self { value, percent: percent(value, 1.0), note: progress.note().to_owned() }
    }
}

/// Of a task that runs: what an earlier run has said is no news.
pub(super) fn progress(task: &Task) -> Option<Bar> {
    let running = task.standing.state == TaskState::Running;
    task.progress.as_ref().filter(|_| running).map(Bar::from)
}

/// Such as `run 2 of 4`.
pub(super) fn runs(task: &Task) -> String {
    match task.standing.attempt {
        0 => "not run yet".to_owned(),
        attempt => format!("run {attempt} of {}", task.standing.max_retries.saturating_add(1)),
    }
}

/// How long the last run took, once the task has ended.
pub(super) fn took(task: &Task) -> Option<TimeDelta> {
    Some(task.finished_at? - task.started_at?)
}

fn happening(task: &Task) -> (&'static str, Option<DateTime<Utc>>) {
    match task.standing.state {
        TaskState::Waiting => ("waits for others", None),
        TaskState::Queued => ("due", Some(task.due_at)),
        TaskState::Running => ("started", task.started_at),
        TaskState::Succeeded | TaskState::Failed | TaskState::Cancelled => ("ended", task.finished_at),
    }
}
