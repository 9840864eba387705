//! What workers do: sessions, claims, progress, and taking from those that are lost.

use super::{Answer, Kept, Life, Reference, ends::End};
use crate::contract::model::command::LEASE;
use application::{Claim, Claimed, Claiming, Lost, NewSession, Reclaimed, Renewal, Renewed};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Fault, FaultCode, Priority, Progress, QueueName, SessionId, Task, TaskEvent, TaskId, TaskState,
};

fn lease() -> TimeDelta {
    TimeDelta::from_std(LEASE).expect("a short time")
}

impl Reference {
    pub(super) fn open(&mut self, session: &NewSession) -> Answer {
        let life = Life { expires_at: session.now + lease(), closed_at: None };
        self.sessions.insert(session.id, life);
        self.served.insert(session.id, session.queues.clone());
        Answer::Done
    }

    pub(super) fn renew(&mut self, renewal: &Renewal) -> Renewed {
        let alive = self.sessions.get_mut(&renewal.id).filter(|life| life.is_alive(renewal.now));
        let Some(life) = alive else { return Renewed::default() };
        life.expires_at = renewal.now + lease();
        let held = renewal.running.iter().copied().filter(|id| self.is_held_by(*id, renewal.id));
        let mut cancelled: Vec<TaskId> =
            held.filter(|id| self.tasks[id].task.standing.cancel_requested).collect();
        cancelled.sort();
        Renewed { alive: true, cancelled }
    }

    pub(super) fn close(&mut self, id: SessionId, now: DateTime<Utc>) -> Answer {
        if let Some(life) = self.sessions.get_mut(&id) {
            life.closed_at.get_or_insert(now);
        }
        Answer::Done
    }

    fn is_alive(&self, session: SessionId, now: DateTime<Utc>) -> bool {
        self.sessions.get(&session).is_some_and(|life| life.is_alive(now))
    }

    fn is_held_by(&self, id: TaskId, session: SessionId) -> bool {
        self.tasks.get(&id).is_some_and(|kept| kept.session == Some(session))
    }

    pub(super) fn claim(&mut self, claiming: &Claiming) -> Vec<Claimed> {
        let mut claimed = Vec::new();
        if !self.is_alive(claiming.session, claiming.now) {
            return claimed;
        }
        for (queue, at_most) in &claiming.queues {
            let mut due = self.due(queue, claiming.now);
            due.retain(|task| task.standing.crashes == 0);
            let room = (claiming.limit as usize - claimed.len()).min(*at_most as usize);
            for task in due.into_iter().take(room) {
                claimed.push(self.take(task.id, claiming));
            }
        }
        claimed
    }

    pub(super) fn has_suspect(&self, queues: &[QueueName], now: DateTime<Utc>) -> bool {
        queues.iter().any(|queue| self.suspect(queue, now).is_some())
    }

    pub(super) fn claim_suspect(&mut self, claiming: &Claiming) -> Option<Claimed> {
        if claiming.limit == 0 || !self.is_alive(claiming.session, claiming.now) {
            return None;
        }
        let with_room = claiming.queues.iter().filter(|(_, at_most)| *at_most > 0);
        let suspect = with_room.filter_map(|(queue, _)| self.suspect(queue, claiming.now)).next()?;
        Some(self.take(suspect, claiming))
    }

    pub(super) fn go_quiet(&mut self, session: SessionId, queues: &[QueueName], now: DateTime<Utc>) -> bool {
        let heeded = |queue: &QueueName| {
            let others = self.quiet.iter().filter(|other| **other != session && self.is_alive(**other, now));
            others.into_iter().any(|other| self.served[other].contains(queue))
        };
        let wanted = queues.iter().any(|queue| self.suspect(queue, now).is_some() && !heeded(queue));
        let quiet = wanted && self.is_alive(session, now);
        if quiet {
            self.quiet.insert(session);
        }
        quiet
    }

    /// The first one of the queue, unless one runs there.
    fn suspect(&self, queue: &QueueName, now: DateTime<Utc>) -> Option<TaskId> {
        let suspects = |state| {
            move |kept: &&Kept| {
                let Task { standing, queue: own, .. } = &kept.task;
                own == queue && standing.crashes > 0 && standing.state == state
            }
        };
        if self.tasks.values().any(|kept| suspects(TaskState::Running)(&kept)) {
            return None;
        }
        self.due(queue, now).into_iter().find(|task| task.standing.crashes > 0).map(|task| task.id)
    }

    /// By priority, due time and id.
    fn due(&self, queue: &QueueName, now: DateTime<Utc>) -> Vec<Task> {
        let is_due = |task: &&Task| {
            task.standing.state == TaskState::Queued && task.queue == *queue && task.due_at <= now
        };
        let mut due: Vec<Task> = self.tasks.values().map(|kept| &kept.task).filter(is_due).cloned().collect();
        due.sort_by_key(|task| (place_in_line(task.priority), task.due_at, task.id));
        due
    }

    fn take(&mut self, id: TaskId, claiming: &Claiming) -> Claimed {
        self.pass(id, TaskEvent::Claim, claiming.now);
        let kept = self.tasks.get_mut(&id).expect("it is due");
        kept.session = Some(claiming.session);
        kept.task.fence += 1;
        kept.task.started_at = Some(claiming.now);
        kept.task.progress = None;
        let task = kept.task.clone();
        Claimed {
            claim: Claim { id, fence: task.fence },
            kind: task.kind,
            queue: task.queue,
            priority: task.priority,
            standing: task.standing,
            place: task.place,
            payload: task.payload,
            timeout: task.timeout,
            request_id: task.request_id,
            due_at: task.due_at,
            created_at: task.created_at,
        }
    }

    pub(in crate::contract::model) fn held(&self, session: SessionId) -> Vec<Claim> {
        let held = self.tasks.values().filter(|kept| kept.session == Some(session));
        held.map(|kept| Claim { id: kept.task.id, fence: kept.task.fence }).collect()
    }

    pub(super) fn progress(&mut self, claim: Claim, progress: &Progress) -> Option<bool> {
        if !self.holds(claim) {
            return None;
        }
        let task = self.task(claim.id);
        task.progress = Some(progress.clone());
        task.version = task.version.next();
        Some(task.standing.cancel_requested)
    }

    pub(super) fn reclaim(&mut self, now: DateTime<Utc>) -> Reclaimed {
        let mut reclaimed = Reclaimed::default();
        let abandoned = self.tasks.values().filter_map(|kept| Some((kept.task.id, kept.session?)));
        let abandoned: Vec<_> = abandoned.filter(|(_, session)| !self.is_alive(*session, now)).collect();
        let lost = Fault::new(FaultCode::WorkerLost, "the worker that ran it is lost");
        for (id, session) in abandoned {
            let in_order = self.sessions[&session].closed_at.is_some();
            let event = if in_order { TaskEvent::Release } else { TaskEvent::Reclaim };
            let fault = (!in_order).then_some(&lost);
            let due_at = self.tasks[&id].task.due_at;
            let state = self.end(id, &End { event, reason: None, fault, due_at, now });
            match state.expect("a running task can be taken") {
                TaskState::Cancelled => reclaimed.cancelled += 1,
                TaskState::Failed => {
                    let Task { kind, queue, .. } = self.tasks[&id].task.clone();
                    reclaimed.failed.push(Lost { id, kind, queue });
                }
                _ if in_order => reclaimed.released += 1,
                _ => reclaimed.requeued += 1,
            }
        }
        let before = self.sessions.len();
        self.sessions.retain(|_, life| {
            let over = life.closed_at.unwrap_or(life.expires_at);
            life.is_alive(now) || now - over < lease()
        });
        reclaimed.sessions = (before - self.sessions.len()) as u32;
        reclaimed
    }
}

/// The highest first.
fn place_in_line(priority: Priority) -> usize {
    let line = [Priority::High, Priority::Normal, Priority::Low];
    line.iter().position(|known| *known == priority).expect("one of the three")
}
