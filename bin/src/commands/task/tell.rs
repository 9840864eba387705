//! Tasks as text, for people.

use chrono::{DateTime, SecondsFormat, Utc};
use domain::{EndReason, Place, Task, TaskState, TaskStory};
use std::fmt::Write;

/// A line for each task under a line of titles.
pub(super) fn table(tasks: &[Task]) -> String {
    const TITLES: [&str; 7] = ["ID", "STATE", "KIND", "QUEUE", "RUN", "CREATED", "NOTE"];
    let row = |task: &Task| {
        [
            task.id.0.to_string(),
            task.standing.state.as_str().to_owned(),
            task.kind.clone(),
            task.queue.as_str().to_owned(),
            runs(task),
            time(task.created_at),
            note(task),
        ]
    };
    let rows: Vec<[String; 7]> =
        std::iter::once(TITLES.map(str::to_owned)).chain(tasks.iter().map(row)).collect();
    aligned(&rows)
}

/// Columns as wide as their widest cell.
pub(in crate::commands) fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A task in few words.
pub(super) fn line(task: &Task) -> String {
    format!("{}  {}  {}  {}", task.id.0, task.standing.state.as_str(), task.kind, note(task))
        .trim_end()
        .to_owned()
}

/// Everything that is known of a task.
pub(super) fn story(story: &TaskStory) -> String {
    let task = &story.task;
    let mut out = String::new();
    let mut fact = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "{name:<12} {value}");
        }
    };
    fact("id", task.id.0.to_string());
    fact("kind", task.kind.clone());
    fact("state", state(task));
    fact("queue", format!("{}, priority {}", task.queue.as_str(), task.priority.as_str()));
    fact("run", format!("{}, each up to {}", runs(task), humantime::format_duration(task.timeout)));
    fact(
        "crashes",
        Some(task.standing.crashes).filter(|crashes| *crashes > 0).map(|c| c.to_string()).unwrap_or_default(),
    );
    fact("progress", progress(task));
    fact("payload", task.payload.clone());
    fact("result", task.result.clone().unwrap_or_default());
    fact("request", task.request_id.clone());
    fact("parent", task.parent.map(|parent| parent.0.to_string()).unwrap_or_default());
    fact("created", time(task.created_at));
    fact("due", if task.standing.state == TaskState::Queued { time(task.due_at) } else { String::new() });
    fact("started", task.started_at.map(time).unwrap_or_default());
    fact("finished", task.finished_at.map(time).unwrap_or_default());
    for link in &story.links {
        let here = if link.id == task.id { "  <- this one" } else { "" };
        let line = format!("{}  {:<9}  {}{here}", link.id.0, link.state.as_str(), link.kind);
        let _ = writeln!(out, "{:<12} {line}", place(task.place));
    }
    for fault in &story.faults {
        let (at, code) = (time(fault.at), fault.fault.code.as_str());
        let _ = writeln!(out, "{:<12} {at}  run {}  {code}: {}", "error", fault.attempt, fault.fault.message);
    }
    out.trim_end().to_owned()
}

/// What is new since `last`.
pub(super) fn change(last: Option<&TaskStory>, story: &TaskStory) -> String {
    let task = &story.task;
    let known = last.map_or(0, |last| last.faults.last().map_or(0, |fault| fault.attempt));
    let mut out = String::new();
    for fault in story.faults.iter().filter(|fault| fault.attempt > known) {
        let _ = writeln!(
            out,
            "run {} failed, {}: {}",
            fault.attempt,
            fault.fault.code.as_str(),
            fault.fault.message
        );
    }
    if last.is_none() {
        let _ = writeln!(out, "{}  {}", task.id.0, task.kind);
    }
    let more = match task.standing.state {
        TaskState::Running => format!("run {}  {}", task.standing.attempt, progress(task)),
        TaskState::Queued if task.standing.attempt > 0 => format!("again at {}", time(task.due_at)),
        TaskState::Succeeded => task.result.clone().unwrap_or_default(),
        _ => String::new(),
    };
    let _ = write!(out, "{:<9}  {more}", state(task));
    out.trim_end().to_owned()
}

fn state(task: &Task) -> String {
    let state = task.standing.state;
    match task.reason {
        Some(reason) if state.is_terminal() && reason.as_str() != state.as_str() => {
            format!("{} ({})", state.as_str(), reason.as_str())
        }
        _ if task.standing.cancel_requested && !state.is_terminal() => {
            format!("{} (to be cancelled)", state.as_str())
        }
        _ => state.as_str().to_owned(),
    }
}

/// Runs begun of those that there may be.
fn runs(task: &Task) -> String {
    format!("{}/{}", task.standing.attempt, task.standing.max_retries.saturating_add(1))
}

fn note(task: &Task) -> String {
    match (task.standing.state, task.reason) {
        (TaskState::Running, _) => progress(task),
        (TaskState::Cancelled, Some(EndReason::Cancelled)) => String::new(),
        (TaskState::Failed | TaskState::Cancelled, Some(reason)) => reason.as_str().to_owned(),
        _ => String::new(),
    }
}

fn progress(task: &Task) -> String {
    let shown = |progress: &domain::Progress| {
        format!("{:.0} %  {}", progress.fraction() * 100.0, progress.note()).trim_end().to_owned()
    };
    task.progress.as_ref().map(shown).unwrap_or_default()
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Alone => "",
        Place::Link { .. } => "chain",
        Place::Member { .. } | Place::Callback { .. } => "group",
    }
}

/// To the second, in UTC.
pub(in crate::commands) fn time(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}
