//! Workers and beats: each session, and whether it is alive.

use crate::pages::{figures::Figures, words::Moment};
use application::{Role, SessionStatus};
use chrono::{DateTime, Utc};
use domain::QueueName;
use serde::Serialize;

/// One session.
#[derive(Debug, Serialize)]
pub(super) struct Process {
    id: String,
    role: &'static str,
    host: String,
    process: u32,
    /// `alive`, `lost` or `ended`.
    life: &'static str,
    /// That of a state of tasks that looks like it.
    icon: &'static str,
    queues: Vec<String>,
    running: u32,
    /// 0 for a beat.
    concurrency: u32,
    started: Moment,
    renewed: Moment,
    /// When it last claimed a task.
    claimed: Option<Moment>,
    /// When it last finished one, or fired a schedule.
    finished: Option<Moment>,
}

/// How a session is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Life {
    Alive,
    /// It has not said for too long that it lives.
    Lost,
    /// In order.
    Ended,
}

/// All sessions: those that live first, then by role and host.
pub(super) fn rows(figures: &Figures) -> Vec<Process> {
    let mut sessions: Vec<&SessionStatus> = figures.sessions.iter().collect();
    sessions.sort_by_key(|session| {
        (life(session, figures.now), session.role == Role::Beat, &session.host, session.process)
    });
    sessions.into_iter().map(|session| Process::new(session, figures.now)).collect()
}

/// See [`Life`].
pub(super) fn life(session: &SessionStatus, now: DateTime<Utc>) -> Life {
    match session.closed_at {
        Some(_) => Life::Ended,
        None if session.expires_at > now => Life::Alive,
        None => Life::Lost,
    }
}

/// Whether it takes tasks.
pub(super) fn is_working(session: &SessionStatus, now: DateTime<Utc>) -> bool {
    session.role == Role::Worker && life(session, now) == Life::Alive
}

impl Process {
    fn new(session: &SessionStatus, now: DateTime<Utc>) -> Self {
        let (life, icon) = match life(session, now) {
            Life::Alive => ("alive", "running"),
            Life::Lost => ("lost", "failed"),
            Life::Ended => ("ended", "cancelled"),
        };
        Self {
            id: session.id.0.to_string(),
            role: match session.role {
                Role::Worker => "worker",
                Role::Beat => "beat",
            },
            host: session.host.clone(),
            process: session.process,
            life,
            icon,
            queues: session.queues.iter().map(QueueName::as_str).map(str::to_owned).collect(),
            running: session.running,
            concurrency: session.concurrency,
            started: Moment::new(session.started_at, now),
            renewed: Moment::new(session.closed_at.unwrap_or(session.renewed_at), now),
            claimed: Moment::maybe(session.claimed_at, now),
            finished: Moment::maybe(session.finished_at, now),
        }
    }
}
