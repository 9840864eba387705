//! What there is to know of a task, line by line.

use crate::pages::{
    rows,
    words::{Moment, capitalized, duration, short},
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{MAX_CRASHES, Task, TaskState};
use serde::Serialize;

/// A label and what stands beside it.
#[derive(Debug, Serialize)]
pub(super) struct Fact {
    label: &'static str,
    text: String,
    moment: Option<Moment>,
    /// Below `/mon/tasks`.
    link: Option<String>,
}

/// In the order in which they are shown.
pub(super) fn facts(task: &Task, now: DateTime<Utc>) -> Vec<Fact> {
    let queue = task.queue.as_str();
    let mut facts = vec![
        linked("Queue", queue, format!("/list?queue={queue}")),
        fact("Priority", task.priority.as_str()),
        fact("Attempts", capitalized(&rows::runs(task))),
        moment("Scheduled", task.created_at, now),
    ];
    if task.standing.state != TaskState::Waiting {
        facts.push(moment("Due", task.due_at, now));
    }
    facts.extend(task.started_at.map(|at| moment("Started", at, now)));
    facts.extend(waited(task).map(|time| fact("Waited for a worker", duration(time))));
    facts.extend(task.finished_at.map(|at| moment("Ended", at, now)));
    facts.extend(rows::took(task).map(|time| fact("Took", duration(time))));
    let timeout = TimeDelta::from_std(task.timeout).unwrap_or(TimeDelta::MAX);
    facts.push(fact("Time-out of a run", duration(timeout)));
    if task.standing.crashes > 0 {
        facts.push(fact("Lost with its worker", format!("{} of {MAX_CRASHES} times", task.standing.crashes)));
    }
    facts.push(linked("Request", &task.request_id, format!("/list?request_id={}", task.request_id)));
    facts
        .extend(task.parent.map(|parent| linked("Scheduled by", &short(parent.0), format!("/{}", parent.0))));
    facts.push(fact("Version, fence", format!("{}, {}", task.version.number(), task.fence)));
    facts
}

/// Of the last run; a task that was retried is due anew.
fn waited(task: &Task) -> Option<TimeDelta> {
    Some(task.started_at? - task.due_at).filter(|time| *time >= TimeDelta::zero())
}

fn fact(label: &'static str, text: impl Into<String>) -> Fact {
    Fact { label, text: text.into(), moment: None, link: None }
}

fn linked(label: &'static str, text: &str, link: String) -> Fact {
    Fact { link: Some(link), ..fact(label, text) }
}

fn moment(label: &'static str, at: DateTime<Utc>, now: DateTime<Utc>) -> Fact {
    Fact { moment: Some(Moment::new(at, now)), ..fact(label, "") }
}
