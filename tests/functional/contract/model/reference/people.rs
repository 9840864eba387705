//! What people do to tasks.

use super::{Answer, Kept, Reference, end_of_time};
use application::{Cancellation, Expiry, Then};
use chrono::{DateTime, Utc};
use domain::{EndReason, Place, Standing, TaskEvent, TaskId, TaskState};
use std::collections::BTreeMap;
use uuid::Uuid;

impl Reference {
    /// A write with consequences, without the write: its own task is done before others follow.
    pub(super) fn schedule(&mut self, then: &Then) -> Answer {
        if let Some(settle) = &then.settle
            && !self.succeed(settle.claim, &settle.result, settle.at)
        {
            return Answer::Stale;
        }
        Answer::Scheduled(self.write(then))
    }

    pub(super) fn cancel(&mut self, id: TaskId, now: DateTime<Utc>) -> Answer {
        let Some(Kept { task, session, .. }) = self.tasks.get(&id).cloned() else { return Answer::NotFound };
        if session.is_some() {
            if !task.standing.cancel_requested {
                self.pass(id, TaskEvent::Cancel, now);
            }
            return Answer::Cancelled(Cancellation::Requested);
        }
        if self.pass(id, TaskEvent::Cancel, now).is_none() {
            return Answer::Conflict("ended".to_owned(), None);
        }
        self.task(id).reason = Some(EndReason::Cancelled);
        self.orphan(task.place, now);
        Answer::Cancelled(Cancellation::Done)
    }

    pub(super) fn retry(&mut self, id: TaskId, now: DateTime<Utc>) -> Answer {
        let Some(Kept { task, key, .. }) = self.tasks.get(&id).cloned() else { return Answer::NotFound };
        if task.standing.transition(TaskEvent::Retry).is_err() {
            return Answer::Conflict("not_ended".to_owned(), None);
        }
        if let Some(before) = self.unsuccessful_before(task.place) {
            return Answer::Conflict("predecessor".to_owned(), Some(before.0));
        }
        if self.holder(&task.kind, key.as_ref()).is_some() {
            return Answer::Conflict("unique_key".to_owned(), None);
        }
        self.begin_anew(id, TaskEvent::Retry, now);
        for follower in self.to_wait_again(task.place) {
            self.begin_anew(follower, TaskEvent::Rejoin, now);
        }
        Answer::Done
    }

    /// The first task that one at `place` waits for and that has not succeeded; of members those first that have ended.
    fn unsuccessful_before(&self, place: Place) -> Option<TaskId> {
        let before: Vec<TaskId> = match place {
            Place::Link { position, .. } => self.family(place).into_iter().take(position as usize).collect(),
            Place::Callback { .. } => {
                let mut members = self.family(place);
                members.pop();
                members
            }
            Place::Alone | Place::Member { .. } => Vec::new(),
        };
        let standing = |id: &TaskId| self.tasks[id].task.standing.state;
        let mut unsuccessful: Vec<TaskId> = before;
        unsuccessful.retain(|id| standing(id) != TaskState::Succeeded);
        if matches!(place, Place::Callback { .. }) {
            unsuccessful.sort_by_key(|id| (!standing(id).is_terminal(), *id));
        }
        unsuccessful.first().copied()
    }

    /// Those that were cancelled for nothing but a task at `place`, which runs again.
    fn to_wait_again(&self, place: Place) -> Vec<TaskId> {
        let reason = |id: &TaskId| self.tasks[id].task.reason;
        let is_orphaned = |id: &TaskId| reason(id) == Some(EndReason::PredecessorEnded);
        let others_have_ended = matches!(place, Place::Member { .. })
            && self.family(place).iter().rev().skip(1).any(|member| reason(member).is_some());
        if others_have_ended {
            return Vec::new();
        }
        self.followers(place).into_iter().take_while(is_orphaned).collect()
    }

    fn begin_anew(&mut self, id: TaskId, event: TaskEvent, now: DateTime<Utc>) {
        let state = self.pass(id, event, now).expect("it can begin anew");
        let task = self.task(id);
        assert_eq!(task.standing, Standing::new(state == TaskState::Waiting, task.standing.max_retries));
        task.due_at = if state == TaskState::Waiting { end_of_time() } else { now };
        task.reason = None;
        task.progress = None;
    }

    /// Everything that has expired, families as a whole; how many tasks.
    pub(super) fn prune(&mut self, expired: &Expiry) -> u32 {
        let mut families: BTreeMap<Uuid, Vec<TaskId>> = BTreeMap::new();
        for Kept { task, .. } in self.tasks.values() {
            let family = match task.place {
                Place::Alone => task.id.0,
                Place::Link { chain, .. } => chain.0,
                Place::Member { group } | Place::Callback { group } => group,
            };
            families.entry(family).or_default().push(task.id);
        }
        families.retain(|_, family| self.has_expired(family, expired));
        for (family, tasks) in &families {
            self.groups.remove(family);
            tasks.iter().for_each(|id| drop(self.tasks.remove(id)));
        }
        families.values().map(|tasks| tasks.len() as u32).sum()
    }

    /// By the last end, and the longest time that one of them is kept.
    fn has_expired(&self, family: &[TaskId], expired: &Expiry) -> bool {
        let before = |state| {
            let found = expired.before.iter().find(|(known, _)| *known == state);
            found.map(|(_, before)| *before)
        };
        let ends: Option<Vec<DateTime<Utc>>> =
            family.iter().map(|id| self.tasks[id].task.finished_at).collect();
        let kept: Option<Vec<DateTime<Utc>>> =
            family.iter().map(|id| before(self.tasks[id].task.standing.state)).collect();
        match (ends, kept) {
            (Some(ends), Some(kept)) => ends.iter().max() < kept.iter().min(),
            _ => false,
        }
    }
}
