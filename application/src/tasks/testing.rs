//! What the tests of tasks share: a kind that does what each test says, tasks of it, and stubs of time, ids and chance.

use super::{
    handler::{TaskContext, TaskError, TaskKind},
    scheduler::Signature,
};
use crate::{Chance, Claim, Claimed, Clock, Ids, MockChance, testing::at};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{NewTask, Place, Priority, QueueName, Standing, TaskEvent, TaskId};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Deserialize, Serialize};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;

/// What it says is what the test's code is given.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Probe {
    say: String,
}

impl Probe {
    pub(crate) fn says(say: &str) -> Self {
        Self { say: say.to_owned() }
    }
}

impl TaskKind for Probe {
    const NAME: &'static str = "PROBE";
    const TIMEOUT: Duration = Duration::from_secs(300);

    type Services = Act;
    type Output = String;

    async fn run(self, ctx: TaskContext<Act>) -> Result<String, TaskError> {
        let act = ctx.services.clone();
        (act.0)(self.say, ctx).await
    }
}

type Acting = BoxFuture<'static, Result<String, TaskError>>;

/// What a probe does.
pub(crate) struct Act(Box<dyn Fn(String, TaskContext<Act>) -> Acting + Send + Sync>);

impl Act {
    pub(crate) fn new<F>(act: impl Fn(String, TaskContext<Self>) -> F + Send + Sync + 'static) -> Arc<Self>
    where
        F: Future<Output = Result<String, TaskError>> + Send + 'static,
    {
        Arc::new(Self(Box::new(move |say, ctx| act(say, ctx).boxed())))
    }
}

/// It says it again.
impl Default for Act {
    fn default() -> Self {
        Self(Box::new(|say, _| async { Ok(say) }.boxed()))
    }
}

pub(crate) fn id(number: u128) -> TaskId {
    TaskId(Uuid::from_u128(number))
}

pub(crate) fn queue(name: &str) -> QueueName {
    QueueName::parse(name).unwrap()
}

/// The first claim of the task of this number.
pub(crate) fn claim(number: u128) -> Claim {
    Claim { id: id(number), fence: 1 }
}

/// A probe that says its number, as it is scheduled at the beginning of the epoch.
pub(crate) fn new_task(number: u128) -> NewTask {
    let signature = Signature::of(&Probe::says(&number.to_string())).unwrap().with_id(id(number));
    super::scheduler::new_task(&crate::testing::ctx(), &Count::default(), at(0), signature)
}

/// The same task, claimed for its first run.
pub(crate) fn claimed(number: u128) -> Claimed {
    let new = new_task(number);
    Claimed {
        claim: claim(number),
        standing: new.standing().transition(TaskEvent::Claim).unwrap(),
        kind: new.kind,
        queue: new.queue,
        priority: Priority::Normal,
        place: Place::Alone,
        payload: new.payload,
        timeout: new.timeout,
        request_id: new.request_id,
        due_at: new.due_at,
        created_at: new.created_at,
    }
}

/// The same for its run number `attempt`.
pub(crate) fn claimed_again(number: u128, attempt: u32) -> Claimed {
    let claimed = claimed(number);
    Claimed { standing: Standing { attempt, ..claimed.standing }, ..claimed }
}

/// A clock that begins with the epoch and goes with the runtime's time, which a test may have paused.
pub(crate) struct RuntimeClock(Instant);

impl RuntimeClock {
    pub(crate) fn started() -> Arc<dyn Clock> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for RuntimeClock {
    fn now(&self) -> DateTime<Utc> {
        at(0) + TimeDelta::from_std(self.0.elapsed()).unwrap()
    }
}

/// Ids 1001, 1002 and so on.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Ids for Count {
    fn next(&self, _: DateTime<Utc>) -> Uuid {
        Uuid::from_u128(1001 + u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Always in the middle: no jitter, and half of the longest backoff.
pub(crate) fn even_chance() -> Arc<dyn Chance> {
    let mut chance = MockChance::new();
    chance.expect_unit().return_const(0.5);
    Arc::new(chance)
}
