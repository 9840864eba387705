//! What happened to a task, from its beginning to its end, and what is to come.

use crate::pages::{
    labels,
    rows::{runs, took},
    words::{Moment, capitalized, duration},
};
use chrono::{DateTime, Utc};
use domain::{Task, TaskFault, TaskState, TaskStory};
use serde::Serialize;

/// One step of the story.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    /// `done`, `good`, `bad`, `now` or `next`.
    tone: &'static str,
    title: String,
    moment: Option<Moment>,
    /// What went wrong, as the handler has put it.
    message: Option<String>,
}

/// In the order in which they happened.
pub(super) fn events(story: &TaskStory, now: DateTime<Utc>) -> Vec<Event> {
    let task = &story.task;
    let mut past: Vec<(DateTime<Utc>, Event)> = vec![(task.created_at, plain("done", "Scheduled"))];
    past.extend(story.faults.iter().map(|fault| (fault.at, of_fault(fault))));
    past.extend(started(task).map(|at| (at, plain("done", format!("{} started", capitalized(&runs(task)))))));
    past.sort_by_key(|(at, _)| *at); // stable: at the same instant, as above
    let past = past.into_iter().map(|(at, event)| Event { moment: Some(Moment::new(at, now)), ..event });
    past.chain(latest(task, now)).collect()
}

/// The last run, unless the task has been retried since.
fn started(task: &Task) -> Option<DateTime<Utc>> {
    task.started_at.filter(|_| task.standing.attempt > 0)
}

fn of_fault(TaskFault { attempt, fault, .. }: &TaskFault) -> Event {
    let title = format!("{} in run {attempt}", labels::fault(fault.code));
    Event { message: Some(fault.message.clone()).filter(|text| !text.is_empty()), ..plain("bad", title) }
}

/// The end, or what is to come.
fn latest(task: &Task, now: DateTime<Utc>) -> Option<Event> {
    let at = |at: Option<DateTime<Utc>>, event| Event { moment: Moment::maybe(at, now), ..event };
    let reason = task.reason.map_or("", labels::reason);
    Some(match task.standing.state {
        TaskState::Waiting => plain("next", "Waits for others"),
        TaskState::Queued => {
            at(Some(task.due_at), plain("next", format!("Run {} due", task.standing.attempt + 1)))
        }
        TaskState::Running if task.standing.cancel_requested => plain("now", "Asked to end"),
        TaskState::Running => plain("now", "Runs"),
        TaskState::Succeeded => {
            let title = took(task)
                .map_or("Succeeded".to_owned(), |took| format!("Succeeded after {}", duration(took)));
            at(task.finished_at, plain("good", title))
        }
        TaskState::Failed => at(task.finished_at, plain("bad", format!("Failed: {reason}"))),
        TaskState::Cancelled => at(task.finished_at, plain("done", format!("Cancelled: {reason}"))),
    })
}

fn plain(tone: &'static str, title: impl Into<String>) -> Event {
    Event { tone, title: title.into(), moment: None, message: None }
}
