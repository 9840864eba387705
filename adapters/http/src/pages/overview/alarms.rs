//! What an operator should know before anything else, and what to do about it.

use super::processes::{Life, is_working, life};
use crate::pages::{
    figures::Figures,
    words::{duration, plural},
};
use application::{QueueDepth, Role, ScheduleReport};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

/// One thing.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Alarm {
    /// `good`, `warning` or `bad`.
    tone: &'static str,
    title: String,
    text: String,
    /// What would help.
    command: Option<String>,
}

/// A task that is due is claimed within a second or so, unless workers are too few.
const LATE: TimeDelta = TimeDelta::minutes(1);

/// Whether a task that has been due since `due` waits for too long.
pub(super) fn is_late(due: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - due > LATE
}

/// The worst first; one that says so if all is well.
pub(super) fn alarms(figures: &Figures, schedules: &[ScheduleReport]) -> Vec<Alarm> {
    let mut alarms: Vec<Alarm> = figures.depths.iter().filter_map(|depth| of_queue(depth, figures)).collect();
    alarms.extend(without_beat(figures, schedules));
    alarms.extend(lost(figures));
    if alarms.is_empty() {
        alarms.push(all_is_well(figures));
    }
    alarms.sort_by_key(|alarm| alarm.tone != "bad");
    alarms
}

fn of_queue(depth: &QueueDepth, figures: &Figures) -> Option<Alarm> {
    let due = depth.oldest_due?;
    let queue = depth.queue.as_str();
    let mut workers = figures.sessions.iter().filter(|session| is_working(session, figures.now));
    let waited = duration(figures.now - due);
    if !workers.any(|worker| worker.queues.contains(&depth.queue)) {
        return Some(Alarm {
            tone: "bad",
            title: format!("No worker takes tasks of {queue}"),
            text: format!("Some are due, the oldest for {waited}."),
            command: Some(format!("plinth worker --queues {queue}")),
        });
    }
    is_late(due, figures.now).then(|| Alarm {
        tone: "warning",
        title: format!("{queue} is behind"),
        text: format!(
            "{} queued, the oldest due for {waited}. More workers, or more tasks at once, would help.",
            plural(depth.queued, "task is", "tasks are")
        ),
        command: None,
    })
}

fn without_beat(figures: &Figures, schedules: &[ScheduleReport]) -> Option<Alarm> {
    let is_beating = |session: &application::SessionStatus| {
        session.role == Role::Beat && life(session, figures.now) == Life::Alive
    };
    if schedules.is_empty() || figures.sessions.iter().any(is_beating) {
        return None;
    }
    Some(Alarm {
        tone: "bad",
        title: "Schedules do not fire".to_owned(),
        text: "No beat is alive.".to_owned(),
        command: Some("plinth beat".to_owned()),
    })
}

fn lost(figures: &Figures) -> Option<Alarm> {
    let lost = figures
        .sessions
        .iter()
        .filter(|session| session.role == Role::Worker && life(session, figures.now) == Life::Lost);
    let names: Vec<String> = lost.map(|session| format!("{}:{}", session.host, session.process)).collect();
    let title = format!("{} lost", plural(names.len() as u64, "worker is", "workers are"));
    let text = format!("{}. Others take over the tasks.", names.join(", "));
    (!names.is_empty()).then_some(Alarm { tone: "warning", title, text, command: None })
}

fn all_is_well(figures: &Figures) -> Alarm {
    let workers = figures.sessions.iter().filter(|session| is_working(session, figures.now)).count();
    if workers == 0 {
        let text = "Nothing is due, and no worker is alive.".to_owned();
        return Alarm { tone: "good", title: "Nothing to do".to_owned(), text, command: None };
    }
    let text =
        format!("{} alive, and nothing waits for long.", plural(workers as u64, "worker is", "workers are"));
    Alarm { tone: "good", title: "All is well".to_owned(), text, command: None }
}
