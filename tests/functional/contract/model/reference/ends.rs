//! How runs end, and what becomes of those that wait.

use super::{Answer, Reference};
use application::{Claim, Finished, Settled, Settlement};
use chrono::{DateTime, Utc};
use domain::{EndReason, Fault, Place, TaskEvent, TaskFault, TaskId, TaskState};

/// The end of one run.
pub(super) struct End<'a> {
    pub(super) event: TaskEvent,
    pub(super) reason: Option<EndReason>,
    pub(super) fault: Option<&'a Fault>,
    pub(super) due_at: DateTime<Utc>,
    pub(super) now: DateTime<Utc>,
}

impl Reference {
    /// Whether the claim is that by which the task runs.
    pub(in crate::contract::model) fn holds(&self, claim: Claim) -> bool {
        self.stands(claim, TaskState::Running)
    }

    fn stands(&self, claim: Claim, state: TaskState) -> bool {
        let kept = self.tasks.get(&claim.id);
        kept.is_some_and(|kept| kept.task.fence == claim.fence && kept.task.standing.state == state)
    }

    pub(super) fn finish(&mut self, finished: &[Finished], now: DateTime<Utc>) -> Vec<bool> {
        let finish = |one: &Finished| {
            self.succeed(one.claim, &one.result, now) || self.stands(one.claim, TaskState::Succeeded)
        };
        finished.iter().map(finish).collect()
    }

    pub(super) fn settle(&mut self, settlement: &Settlement) -> Answer {
        let Settlement { claim, event, reason, fault, due_at, now, .. } = settlement;
        if !self.holds(*claim) {
            let already = self.stands(*claim, TaskState::Succeeded);
            return Answer::Settled(if already { Settled::Already } else { Settled::Stale });
        }
        if *event == TaskEvent::Success {
            self.succeed(*claim, settlement.result.as_deref().unwrap_or("null"), *now);
            self.write(&settlement.then);
            return Answer::Settled(Settled::As(TaskState::Succeeded));
        }
        let end = End { event: *event, reason: *reason, fault: fault.as_ref(), due_at: *due_at, now: *now };
        // Nobody has asked for the end of a task that yields: a defect of the worker, which writes nothing.
        self.end(claim.id, &end).map_or(Answer::Defect, |state| Answer::Settled(Settled::As(state)))
    }

    pub(super) fn succeed(&mut self, claim: Claim, result: &str, now: DateTime<Utc>) -> bool {
        if !self.holds(claim) {
            return false;
        }
        self.pass(claim.id, TaskEvent::Success, now);
        let task = self.task(claim.id);
        task.result = Some(result.to_owned());
        let place = task.place;
        self.free(place, now);
        true
    }

    /// A task at `place` has succeeded.
    fn free(&mut self, place: Place, now: DateTime<Utc>) {
        if let Place::Member { group } = place {
            let group = self.groups.get_mut(&group).expect("a member has a group");
            group.remaining -= 1;
            if group.remaining > 0 {
                return;
            }
        }
        if let Some(next) = self.followers(place).first().copied()
            && self.pass(next, TaskEvent::Freed, now).is_some()
        {
            self.task(next).due_at = now;
        }
    }

    /// A task at `place` has failed or was cancelled.
    pub(super) fn orphan(&mut self, place: Place, now: DateTime<Utc>) {
        for follower in self.followers(place) {
            if self.pass(follower, TaskEvent::Orphaned, now).is_some() {
                self.task(follower).reason = Some(EndReason::PredecessorEnded);
            }
        }
    }

    /// Any end but success. `None` if there is no such edge.
    pub(super) fn end(&mut self, id: TaskId, end: &End<'_>) -> Option<TaskState> {
        let attempt = self.tasks.get(&id)?.task.standing.attempt;
        let state = self.pass(id, end.event, end.now)?;
        let kept = self.tasks.get_mut(&id)?;
        if state == TaskState::Queued {
            kept.task.due_at = end.due_at;
        }
        if matches!(end.event, TaskEvent::Overdue | TaskEvent::Reclaim) {
            kept.task.fence += 1;
        }
        kept.task.reason = match (state, end.event) {
            (TaskState::Cancelled, _) => Some(EndReason::Cancelled),
            (TaskState::Failed, TaskEvent::Fatal) => end.reason.or(Some(EndReason::Unrecoverable)),
            (TaskState::Failed, TaskEvent::Reclaim) => end.reason.or(Some(EndReason::WorkerLost)),
            (TaskState::Failed, _) => end.reason.or(Some(EndReason::RetriesUsedUp)),
            _ => None,
        };
        kept.faults.extend(end.fault.map(|fault| TaskFault { attempt, at: end.now, fault: fault.clone() }));
        let surplus = kept.faults.len().saturating_sub(Fault::KEPT);
        kept.faults.drain(..surplus);
        if state.is_terminal() {
            let place = kept.task.place;
            self.orphan(place, end.now);
        }
        Some(state)
    }
}
