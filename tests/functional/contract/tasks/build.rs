//! Tasks by exception, and a worker that does with them what a test says.

use super::super::{Store, at};
use application::{Claim, Claimed, Claiming, NewSession, Role, Settled, Settlement, TaskLedger, Then};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Fault, FaultCode, NewGroup, NewTask, Place, Priority, QueueName, SessionId, Task, TaskEvent, TaskId,
    TaskState, TaskStory,
};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

pub(crate) fn queue(name: &str) -> QueueName {
    QueueName::parse(name).expect("the name of a queue")
}

/// A UUIDv7 of the instant; `number` tells those of one instant apart, and orders them.
pub(crate) fn id(now: DateTime<Utc>, number: u128) -> Uuid {
    let milliseconds = u128::try_from(now.timestamp_millis()).expect("not before 1970");
    Uuid::from_u128((milliseconds << 80) | (0x7 << 76) | (0x2 << 62) | number)
}

/// A task by itself that is due at once; `number` makes its id.
pub(crate) fn task(number: u128) -> NewTask {
    task_at(at(0), number)
}

/// The same, scheduled at `now`.
pub(crate) fn task_at(now: DateTime<Utc>, number: u128) -> NewTask {
    NewTask {
        id: TaskId(id(now, number)),
        kind: "GREET".to_owned(),
        queue: queue("default"),
        priority: Priority::Normal,
        max_retries: 3,
        timeout: Duration::from_secs(60),
        payload: format!("{{\"number\": {number}}}"),
        due_at: now,
        unique_key: None,
        place: Place::Alone,
        request_id: "a-request".to_owned(),
        parent: None,
        created_at: now,
    }
}

/// These one after the other.
pub(crate) fn chain(mut links: Vec<NewTask>) -> Then {
    let (chain, length) = (links[0].id, u32::try_from(links.len()).expect("few"));
    for (position, link) in (0..).zip(&mut links) {
        link.place = Place::Link { chain, position, length };
    }
    Then { tasks: links, ..Then::default() }
}

/// These side by side, and then `callback`.
pub(crate) fn group(mut members: Vec<NewTask>, mut callback: NewTask) -> Then {
    let (group, size) = (Uuid::from_u128(callback.id.0.as_u128() + (1 << 48)), members.len());
    members.iter_mut().for_each(|member| member.place = Place::Member { group });
    callback.place = Place::Callback { group };
    let new = NewGroup { id: group, size: u32::try_from(size).expect("few"), callback: callback.id };
    members.push(callback);
    Then { tasks: members, groups: vec![new], settle: None }
}

pub(crate) fn alone(task: NewTask) -> Then {
    Then { tasks: vec![task], ..Then::default() }
}

impl Store {
    /// Writes it; the ids.
    pub(crate) async fn scheduled(&self, then: &Then) -> Vec<TaskId> {
        self.database.tasks().schedule(then).await.expect("scheduled")
    }

    pub(crate) async fn story(&self, id: TaskId) -> TaskStory {
        let mut stories = self.database.tasks().stories(&[id]).await.expect("an answer");
        assert_eq!(stories.len(), 1, "{id:?}");
        stories.remove(0)
    }

    pub(crate) async fn task(&self, id: TaskId) -> Task {
        self.story(id).await.task
    }

    pub(crate) async fn states(&self, ids: &[TaskId]) -> Vec<TaskState> {
        let mut states = Vec::new();
        for id in ids {
            states.push(self.task(*id).await.standing.state);
        }
        states
    }

    pub(crate) async fn worker(&self) -> Worker {
        Worker::open(self, 1).await
    }
}

/// A session that lives for a day, for `default` and `mail`.
pub(crate) struct Worker {
    ledger: Arc<dyn TaskLedger>,
    pub(crate) session: SessionId,
}

impl Worker {
    pub(crate) async fn open(store: &Store, number: u128) -> Self {
        let (ledger, session) = (store.database.ledger(), SessionId(id(at(0), number << 32)));
        let new = NewSession {
            id: session,
            role: Role::Worker,
            host: "a-host".to_owned(),
            process: 4711,
            queues: vec![queue("default"), queue("mail")],
            concurrency: 16,
            now: at(0),
            lease: Duration::from_secs(1000 * 24 * 3600),
        };
        ledger.open(&new).await.expect("opened");
        Self { ledger, session }
    }

    /// Whatever is due, at most `limit`.
    pub(crate) async fn claim(&self, limit: u32, now: DateTime<Utc>) -> Vec<Claimed> {
        let queues = vec![(queue("default"), limit), (queue("mail"), limit)];
        let claiming = Claiming { session: self.session, queues, limit, now };
        self.ledger.claim(&claiming).await.expect("claimed")
    }

    /// The one task that is due.
    pub(crate) async fn claim_one(&self, now: DateTime<Utc>) -> Claim {
        let claimed = self.claim(2, now).await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed[0].claim
    }

    pub(crate) async fn succeed(&self, claim: Claim, now: DateTime<Utc>) -> Settled {
        self.settle(claim, TaskEvent::Success, now).await
    }

    /// For good.
    pub(crate) async fn fail(&self, claim: Claim, now: DateTime<Utc>) -> Settled {
        self.settle(claim, TaskEvent::Fatal, now).await
    }

    /// Due again a second later.
    pub(crate) async fn settle(&self, claim: Claim, event: TaskEvent, now: DateTime<Utc>) -> Settled {
        let succeeded = event == TaskEvent::Success;
        let wrong = matches!(event, TaskEvent::Error | TaskEvent::Fatal);
        let settlement = Settlement {
            claim,
            event,
            result: succeeded.then(|| "{\"done\": true}".to_owned()),
            fault: wrong.then(|| Fault::new(FaultCode::Error, &format!("at {now}"))),
            reason: None,
            due_at: now + TimeDelta::seconds(1),
            then: Then::nothing(),
            now,
        };
        self.ledger.settle(&settlement).await.expect("settled")
    }

    /// Claims whatever is due, and lets those succeed that are not among `failing`; they fail.
    pub(crate) async fn run_all(&self, failing: &[TaskId], now: DateTime<Utc>) {
        loop {
            let claimed = self.claim(100, now).await;
            if claimed.is_empty() {
                return;
            }
            for Claimed { claim, .. } in claimed {
                let fails = failing.contains(&claim.id);
                self.settle(claim, if fails { TaskEvent::Fatal } else { TaskEvent::Success }, now).await;
            }
        }
    }
}
