//! `/mon/tasks/{id}`: the whole story of one task.

mod events;
mod facts;
mod steps;

use super::{
    Pages,
    frame::Page,
    json::indented,
    labels,
    rows::{self, Bar},
    task_id,
    words::{bytes, capitalized, duration},
};
use crate::{
    problem::ApiError,
    route::{Request, Response},
};
use chrono::{DateTime, Utc};
use domain::{Place, Task, TaskEvent, TaskState, TaskStory};
use events::Event;
use facts::Fact;
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;
use steps::Steps;

#[derive(Serialize)]
struct Story {
    id: String,
    kind: String,
    state: &'static str,
    /// The state and the reason for it in a sentence.
    summary: String,
    progress: Option<Bar>,
    can_cancel: bool,
    can_retry: bool,
    /// It runs, and somebody wants it to end.
    ending: bool,
    steps: Option<Steps>,
    facts: Vec<Fact>,
    events: Vec<Event>,
    payload: Json,
    result: Option<Json>,
}

/// A document to be read.
#[derive(Serialize)]
struct Json {
    text: String,
    size: String,
    /// Shown at once.
    short: bool,
}

/// The page.
pub(super) async fn story(pages: Arc<Pages>, request: Request) -> Result<Response, ApiError> {
    let Some(id) = task_id(&request) else { return pages.no_such_task(&request) };
    let now = pages.clock.now();
    let story = match pages.tasks.get(&request.context(), id).await {
        Ok(story) => story,
        Err(error) => return pages.failed(&request, error),
    };
    let page = Page {
        template: "story.html",
        status: StatusCode::OK,
        title: title(&story.task),
        place: "",
        // It can only be retried.
        every: if story.task.standing.state.is_terminal() { 10 } else { 2 },
        now,
    };
    pages.frame.answer(&request, page, &Story::new(&story, now))
}

impl Story {
    fn new(story: &TaskStory, now: DateTime<Utc>) -> Self {
        let task = &story.task;
        let standing = task.standing;
        let running = standing.state == TaskState::Running;
        Self {
            id: task.id.0.to_string(),
            kind: task.kind.clone(),
            state: standing.state.as_str(),
            summary: summary(task, now),
            progress: rows::progress(task),
            can_cancel: !standing.cancel_requested && standing.transition(TaskEvent::Cancel).is_ok(),
            can_retry: standing.transition(TaskEvent::Retry).is_ok(),
            ending: running && standing.cancel_requested,
            steps: Steps::new(story),
            facts: facts::facts(task, now),
            events: events::events(story, now),
            payload: Json::new(&task.payload),
            result: task.result.as_deref().map(Json::new),
        }
    }
}

impl Json {
    /// In lines.
    const SHORT: usize = 30;

    fn new(json: &str) -> Self {
        let text = indented(json);
        Self {
            size: bytes(json.len()),
            short: text.lines().count() <= Self::SHORT && text.len() < 4096,
            text,
        }
    }
}

fn title(task: &Task) -> String {
    let state = capitalized(task.standing.state.as_str());
    match rows::progress(task) {
        Some(bar) => format!("{state} {} · {}", bar.percent, task.kind),
        None => format!("{state} · {}", task.kind),
    }
}

fn summary(task: &Task, now: DateTime<Utc>) -> String {
    let runs = rows::runs(task);
    let reason = task.reason.map_or("", labels::reason);
    match task.standing.state {
        TaskState::Waiting if matches!(task.place, Place::Callback { .. }) => {
            "Waits until every member of its group has succeeded.".to_owned()
        }
        TaskState::Waiting => "Waits until the task before it has succeeded.".to_owned(),
        TaskState::Queued if task.due_at > now => format!("Due in {}; {runs}.", duration(task.due_at - now)),
        TaskState::Queued => format!("Due for {}, waits for a worker; {runs}.", duration(now - task.due_at)),
        TaskState::Running => running(task, now),
        TaskState::Succeeded => {
            format!("Took {}; {runs}.", rows::took(task).map_or_else(String::new, duration))
        }
        TaskState::Failed | TaskState::Cancelled => format!("{}; {runs}.", capitalized(reason)),
    }
}

fn running(task: &Task, now: DateTime<Utc>) -> String {
    let Some(started) = task.started_at else { return String::new() };
    let end = started + task.timeout;
    let left = if end > now {
        format!("its time is up in {}", duration(end - now))
    } else {
        "its time is up".to_owned()
    };
    format!("{} for {}; {left}.", capitalized(&rows::runs(task)), duration(now - started))
}
