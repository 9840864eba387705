//! The ledger as it should be: maps in memory, one call after the other. Where an event leads is asked of the domain; everything
//! around it is said once more here, in other words than the product's.

mod ends;
mod people;
mod workers;

use super::command::{Answer, Command};
use application::Then;
use chrono::{DateTime, Utc};
use domain::{
    NewTask, Place, QueueName, SessionId, Task, TaskEvent, TaskFault, TaskId, TaskLink, TaskState, TaskStory,
    UniqueKey, Version,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Everything that is stored.
#[derive(Default)]
pub(super) struct Reference {
    pub(super) tasks: BTreeMap<TaskId, Kept>,
    groups: BTreeMap<Uuid, Group>,
    pub(super) sessions: BTreeMap<SessionId, Life>,
    served: BTreeMap<SessionId, Vec<QueueName>>,
    quiet: BTreeSet<SessionId>,
}

/// A task, and what is not told of it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) task: Task,
    key: Option<UniqueKey>,
    pub(super) session: Option<SessionId>,
    faults: Vec<TaskFault>,
}

struct Group {
    remaining: u32,
    callback: TaskId,
}

/// A session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) expires_at: DateTime<Utc>,
    pub(super) closed_at: Option<DateTime<Utc>>,
}

impl Life {
    fn is_alive(&self, now: DateTime<Utc>) -> bool {
        self.closed_at.is_none() && self.expires_at > now
    }
}

impl Kept {
    pub(super) fn runs(&self) -> bool {
        self.session.is_some()
    }

    pub(super) fn has_ended_badly(&self) -> bool {
        self.task.reason.is_some()
    }
}

impl Reference {
    /// What the product should answer; afterwards everything is as it should be then.
    pub(super) fn answer(&mut self, command: &Command) -> Answer {
        match command {
            Command::Schedule(then) => self.schedule(then),
            Command::Cancel(id, now) => self.cancel(*id, *now),
            Command::Retry(id, now) => self.retry(*id, *now),
            Command::Prune(expired, _) => Answer::Pruned(self.prune(expired)),
            Command::Open(session) => self.open(session),
            Command::Renew(renewal) => Answer::Renewed(self.renew(renewal)),
            Command::Close(id, now) => self.close(*id, *now),
            Command::Claim(claiming) => Answer::Claimed(self.claim(claiming)),
            Command::HasSuspect(queues, now) => Answer::Suspected(self.has_suspect(queues, *now)),
            Command::ClaimSuspect(claiming) => {
                Answer::Claimed(self.claim_suspect(claiming).into_iter().collect())
            }
            Command::GoQuiet(session, queues, now) => Answer::Quiet(self.go_quiet(*session, queues, *now)),
            Command::EndQuiet(session) => {
                self.quiet.remove(session);
                Answer::Done
            }
            Command::Held(session) => Answer::Held(self.held(*session)),
            Command::Finish(finished, now) => Answer::Finished(self.finish(finished, *now)),
            Command::Settle(settlement) => self.settle(settlement),
            Command::Progress(claim, progress) => Answer::Progress(self.progress(*claim, progress)),
            Command::Reclaim(now, _) => Answer::Reclaimed(self.reclaim(*now)),
        }
    }

    /// Every task, newest first.
    pub(super) fn list(&self) -> Vec<Task> {
        self.tasks.values().rev().map(|kept| kept.task.clone()).collect()
    }

    pub(super) fn story(&self, id: TaskId) -> Option<TaskStory> {
        let Kept { task, faults, .. } = self.tasks.get(&id)?.clone();
        let links = match task.place {
            Place::Alone => Vec::new(),
            Place::Link { .. } | Place::Member { .. } | Place::Callback { .. } => self.family(task.place),
        };
        let links = links.into_iter().map(|id| self.link(id)).collect();
        Some(TaskStory { task, links, faults })
    }

    pub(super) fn count_of_groups(&self) -> i64 {
        self.groups.len() as i64
    }

    pub(super) fn count_of_faults(&self) -> i64 {
        self.tasks.values().map(|kept| kept.faults.len() as i64).sum()
    }

    fn link(&self, id: TaskId) -> TaskLink {
        let Task { kind, standing, progress, version, .. } = self.tasks[&id].task.clone();
        TaskLink { id, kind, state: standing.state, progress, version }
    }

    /// All that belong together, in their order: links by position, members by id and then the callback.
    fn family(&self, place: Place) -> Vec<TaskId> {
        let same = |other: Place| match (place, other) {
            (Place::Link { chain, .. }, Place::Link { chain: other, position, .. }) if chain == other => {
                Some(position)
            }
            (
                Place::Member { group } | Place::Callback { group },
                Place::Member { group: other } | Place::Callback { group: other },
            ) if group == other => Some(0),
            _ => None,
        };
        let found = self.tasks.values().filter_map(|kept| {
            let Task { id, place, .. } = kept.task;
            Some((matches!(place, Place::Callback { .. }), same(place)?, id))
        });
        let mut found: Vec<(bool, u32, TaskId)> = found.collect();
        found.sort();
        found.into_iter().map(|(_, _, id)| id).collect()
    }

    /// Those that wait for a task at `place`.
    fn followers(&self, place: Place) -> Vec<TaskId> {
        match place {
            Place::Link { position, .. } => {
                self.family(place).into_iter().skip(position as usize + 1).collect()
            }
            Place::Member { group } => vec![self.groups[&group].callback],
            Place::Alone | Place::Callback { .. } => Vec::new(),
        }
    }

    fn task(&mut self, id: TaskId) -> &mut Task {
        &mut self.tasks.get_mut(&id).expect("only tasks that are there are changed").task
    }

    /// Lets `event` happen to the task. `None`, and nothing has happened, if it cannot.
    fn pass(&mut self, id: TaskId, event: TaskEvent, now: DateTime<Utc>) -> Option<TaskState> {
        let kept = self.tasks.get_mut(&id)?;
        let next = kept.task.standing.transition(event).ok()?;
        kept.task.standing = next;
        kept.task.version = kept.task.version.next();
        kept.task.finished_at = next.state.is_terminal().then_some(now);
        kept.session = kept.session.filter(|_| next.state == TaskState::Running);
        Some(next.state)
    }

    /// The ids are those that hold the keys afterwards.
    fn write(&mut self, then: &Then) -> Vec<TaskId> {
        for group in &then.groups {
            self.groups.insert(group.id, Group { remaining: group.size, callback: group.callback });
        }
        then.tasks.iter().map(|new| self.insert(new)).collect()
    }

    fn insert(&mut self, new: &NewTask) -> TaskId {
        if let Some(holder) = self.holder(&new.kind, new.unique_key.as_ref()) {
            return holder;
        }
        let task = Task {
            id: new.id,
            kind: new.kind.clone(),
            queue: new.queue.clone(),
            priority: new.priority,
            standing: new.standing(),
            fence: 0,
            version: Version::FIRST,
            place: new.place,
            payload: new.payload.clone(),
            result: None,
            progress: None,
            reason: None,
            timeout: new.timeout,
            request_id: new.request_id.clone(),
            parent: new.parent,
            due_at: if new.place.waits() { end_of_time() } else { new.due_at },
            created_at: new.created_at,
            started_at: None,
            finished_at: None,
        };
        let kept = Kept { task, key: new.unique_key.clone(), session: None, faults: Vec::new() };
        self.tasks.insert(new.id, kept);
        new.id
    }

    /// The unfinished task of the kind that has the key.
    fn holder(&self, kind: &str, key: Option<&UniqueKey>) -> Option<TaskId> {
        let has = |kept: &&Kept| {
            !kept.task.standing.state.is_terminal() && kept.task.kind == kind && kept.key.as_ref() == key
        };
        key?;
        self.tasks.values().find(has).map(|kept| kept.task.id)
    }
}

/// When those are due that wait for others.
pub(super) fn end_of_time() -> DateTime<Utc> {
    "9999-12-31T23:59:59.999999Z".parse().expect("an instant")
}
