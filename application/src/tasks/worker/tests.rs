//! The decisions of [`Worker`] over a mocked ledger, in the runtime's paused time: the Unix epoch begins with each test.

mod claims;
mod ends;
mod handlers;
mod overdue;
mod sessions;
mod stopping;
mod strict;
mod suspects;

use super::*;
use crate::{
    Bell, Claimed, DoorbellState, Finished, Hint, MockTaskLedger, Reclaimed, Renewed, Settled, Settlement,
    tasks::testing::{Act, Count, Probe, RuntimeClock, claim, claimed, even_chance, id, queue},
    testing::at,
};
use async_trait::async_trait;
use domain::{FaultCode, QueueName, TaskEvent, TaskId, TaskState};
use futures_util::FutureExt;
use strict::Strict;
use tokio::sync::mpsc;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A worker that runs probes, which do what `act` says.
fn worker(ledger: MockTaskLedger, act: Arc<Act>) -> Worker {
    with(ledger, act, WorkerSettings::default())
}

fn with(ledger: MockTaskLedger, act: Arc<Act>, settings: WorkerSettings) -> Worker {
    heeding(ledger, Hints::default(), act, settings)
}

fn heeding(ledger: MockTaskLedger, hints: Hints, act: Arc<Act>, settings: WorkerSettings) -> Worker {
    over(Strict::new(ledger, Duration::ZERO), hints, act, settings)
}

fn over(ledger: impl TaskLedger + 'static, hints: Hints, act: Arc<Act>, settings: WorkerSettings) -> Worker {
    let ports = WorkerPorts {
        ledger: Arc::new(ledger),
        doorbell: Arc::new(hints),
        registry: Arc::new(Registry::new().with::<Probe>(act)),
        clock: RuntimeClock::started(),
        ids: Arc::new(Count::default()),
        chance: even_chance(),
    };
    Worker::new(ports, settings, Logger::root(slog::Discard, slog::o!()))
}

/// Lets the worker work for this time, and stops it.
async fn work_for(worker: Worker, time: Duration) {
    let stop = CancellationToken::new();
    let working = tokio::spawn(Arc::new(worker).run(stop.clone()));
    tokio::time::sleep(time).await;
    stop.cancel();
    working.await.unwrap();
}

/// The next claim gives these.
fn gives(ledger: &mut MockTaskLedger, claimed: Vec<Claimed>) {
    ledger.expect_claim().once().return_once(|_| Ok(claimed));
}

/// Whatever else a worker asks is answered as if nothing happened: its session lives, and there is nothing to do. To be
/// said last, for what is said first is answered first.
fn quiet(mut ledger: MockTaskLedger) -> MockTaskLedger {
    ledger.expect_open().once().returning(|_| Ok(()));
    ledger.expect_renew().returning(|_| Ok(Renewed { alive: true, cancelled: Vec::new() }));
    ledger.expect_close().once().returning(|_, _| Ok(()));
    idle(ledger)
}

/// The same, but for sessions.
fn idle(mut ledger: MockTaskLedger) -> MockTaskLedger {
    ledger.expect_claim().returning(|_| Ok(Vec::new()));
    ledger.expect_has_suspect().returning(|_, _| Ok(false));
    ledger.expect_reclaim().returning(|_, _, _| Ok(Reclaimed::default()));
    ledger
}

fn away<T>() -> Result<T, Error> {
    Err(Error::unavailable("the database", "away"))
}

/// The success of tasks of these numbers, each of which has answered its number.
fn successes(numbers: &[u128]) -> Vec<Finished> {
    let finished = |number: &u128| Finished { claim: claim(*number), result: format!("\"{number}\"") };
    numbers.iter().map(finished).collect()
}

/// What was written of an end: the event, and what went wrong.
fn told(settlement: &Settlement) -> (TaskEvent, Option<FaultCode>) {
    (settlement.event, settlement.fault.as_ref().map(|fault| fault.code))
}

/// Expects that the end of task 1 is written like this, once.
fn settles(ledger: &mut MockTaskLedger, event: TaskEvent, code: Option<FaultCode>, state: TaskState) {
    ledger
        .expect_settle()
        .withf(move |settlement| settlement.claim == claim(1) && told(settlement) == (event, code))
        .once()
        .returning(move |_| Ok(Settled::As(state)));
}

/// A doorbell, and what it was asked. A mock's answers cannot be waited for.
#[derive(Default)]
struct Hints {
    coming: std::sync::Mutex<Option<mpsc::UnboundedReceiver<Hint>>>,
    /// Whether the listener was free, each time it has begun to listen.
    free: Arc<std::sync::Mutex<Vec<bool>>>,
}

impl Hints {
    fn new() -> (mpsc::UnboundedSender<Hint>, Self) {
        let (send, receive) = mpsc::unbounded_channel();
        (send, Self { coming: std::sync::Mutex::new(Some(receive)), ..Self::default() })
    }
}

impl Doorbell for Hints {
    fn ring(&self, _: &QueueName) {}
    fn cancel(&self, _: TaskId) {}
    fn listen(&self, queues: &[QueueName]) -> Box<dyn Bell> {
        assert_eq!(queues, [queue("default")]);
        Box::new(Self { coming: std::sync::Mutex::new(locked(&self.coming).take()), free: self.free.clone() })
    }
    fn state(&self) -> DoorbellState {
        DoorbellState::Local
    }
}

#[async_trait]
impl Bell for Hints {
    async fn next(&mut self, free: bool) -> Hint {
        locked(&self.free).push(free);
        match self.coming.get_mut().unwrap() {
            Some(coming) => coming.recv().await.unwrap(),
            None => std::future::pending().await,
        }
    }
}
