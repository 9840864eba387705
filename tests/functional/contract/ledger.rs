//! The contract of `TaskLedger`: what workers may rely on.
//!
//! Whatever decides about time or identity comes from the tests; nothing sleeps. The port is asked, and what came of it is
//! read through `TaskRepository` and `TaskStatistics`, whose own contracts are elsewhere.

mod chains;
mod checks;
mod claims;
mod ends;
mod fences;
mod groups;
mod keys;
mod reclaims;
mod rings;
mod sessions;
mod suspects;

use super::{Store, at, tasks::build::queue};
use application::{
    Claim, Claimed, Claiming, NewSession, Reclaimed, Role, Settled, Settlement, TaskLedger, Then,
};
use chrono::{DateTime, Utc};
use domain::{Fault, FaultCode, QueueName, SessionId, TaskEvent};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(60);

/// So many seconds after the beginning of the test.
fn second(number: i64) -> DateTime<Utc> {
    at(number * 1_000_000)
}

/// A worker whose session is leased for [`LEASE`].
#[derive(Clone)]
struct Leased {
    ledger: Arc<dyn TaskLedger>,
    id: SessionId,
}

fn session(number: u128, now: DateTime<Utc>) -> NewSession {
    NewSession {
        id: SessionId(Uuid::from_u128(number)),
        role: Role::Worker,
        host: "a-host".to_owned(),
        process: 4711,
        queues: vec![queue("default"), queue("mail")],
        concurrency: 16,
        now,
        lease: LEASE,
    }
}

impl Leased {
    async fn open(store: &Store, number: u128, now: DateTime<Utc>) -> Self {
        let (ledger, new) = (store.database.ledger(), session(number, now));
        ledger.open(&new).await.expect("opened");
        Self { ledger, id: new.id }
    }

    fn claiming(&self, limit: u32, now: DateTime<Utc>) -> Claiming {
        let queues = vec![(queue("default"), limit), (queue("mail"), limit)];
        Claiming { session: self.id, queues, limit, now }
    }

    async fn claim(&self, limit: u32, now: DateTime<Utc>) -> Vec<Claimed> {
        self.ledger.claim(&self.claiming(limit, now)).await.expect("an answer")
    }

    /// The one task that is due.
    async fn claim_one(&self, now: DateTime<Utc>) -> Claim {
        let claimed = self.claim(2, now).await;
        assert_eq!(claimed.len(), 1, "{claimed:?}");
        claimed[0].claim
    }

    async fn claim_suspect(&self, now: DateTime<Utc>) -> Option<Claimed> {
        self.ledger.claim_suspect(&self.claiming(1, now)).await.expect("an answer")
    }

    async fn settle(&self, settlement: Settlement) -> Settled {
        self.ledger.settle(&settlement).await.expect("an answer")
    }

    async fn reclaim(&self, now: DateTime<Utc>) -> Reclaimed {
        self.ledger.reclaim(now, LEASE, 100).await.expect("an answer")
    }
}

/// The end of a run by `event`, with a fault if it is a failure; due again ten seconds later.
fn ended(claim: Claim, event: TaskEvent, now: DateTime<Utc>) -> Settlement {
    let wrong = matches!(event, TaskEvent::Error | TaskEvent::Fatal | TaskEvent::Overdue);
    Settlement {
        claim,
        event,
        result: (event == TaskEvent::Success).then(|| "{\"done\": true}".to_owned()),
        fault: wrong.then(|| Fault::new(FaultCode::Error, &format!("{event:?} at {now}"))),
        reason: None,
        due_at: now + Duration::from_secs(10),
        then: Then::nothing(),
        now,
    }
}

fn queues() -> [QueueName; 2] {
    [queue("default"), queue("mail")]
}
