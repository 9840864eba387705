//! When and what a worker claims.

use super::*;
use crate::{Claiming, TaskContext};

fn one_slot() -> WorkerSettings {
    WorkerSettings { concurrency: 1, ..WorkerSettings::default() }
}

/// Works for a second.
fn slow() -> Arc<Act> {
    works_for(seconds(1))
}

fn works_for(time: Duration) -> Arc<Act> {
    Act::new(move |say, _: TaskContext<Act>| async move {
        tokio::time::sleep(time).await;
        Ok(say)
    })
}

/// Expects claims of so many tasks at these milliseconds, no more and no others, and what each gives.
fn claims_at(ledger: &mut MockTaskLedger, limit: u32, claims: Vec<(i64, Vec<Claimed>)>) {
    let number = claims.len();
    let mut claims = claims.into_iter();
    ledger.expect_claim().times(number..).returning(move |claiming| {
        let (milli, claimed) = claims.next().expect("no further claim");
        assert_eq!((claiming.now, claiming.limit), (at(0) + chrono::TimeDelta::milliseconds(milli), limit));
        Ok(claimed)
    });
}

#[tokio::test(start_paused = true)]
async fn a_worker_claims_what_it_has_slots_for_from_the_queues_of_its_kinds() {
    let mut ledger = MockTaskLedger::new();
    let expected = Claiming {
        session: SessionId(uuid::Uuid::from_u128(1001)),
        queues: vec![(queue("default"), 16)],
        limit: 16,
        now: at(0),
    };
    ledger.expect_claim().withf(move |claiming| *claiming == expected).once().returning(|_| Ok(Vec::new()));
    assert_eq!(worker(quiet(ledger), Arc::default()).drain().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn queues_and_their_caps_may_be_given() {
    let mut ledger = MockTaskLedger::new();
    let queues = vec![(queue("mail"), 2), (queue("default"), 16)];
    ledger
        .expect_claim()
        .withf(move |claiming| claiming.queues == queues)
        .once()
        .returning(|_| Ok(Vec::new()));
    let settings = WorkerSettings {
        queues: vec![queue("mail"), queue("default")],
        queue_concurrency: [(queue("mail"), 2), (queue("default"), 99)].into(),
        ..WorkerSettings::default()
    };
    with(quiet(ledger), Arc::default(), settings).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_claimed_while_all_slots_are_taken_and_at_once_when_one_is_free() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_finish().times(2).returning(|_, _| Ok(vec![true]));
    // The last one comes back empty, and the next poll is a second away.
    claims_at(&mut ledger, 1, vec![(0, vec![claimed(1)]), (1000, vec![claimed(2)]), (2000, vec![])]);
    let hints = Hints::default();
    let free = hints.free.clone();
    work_for(heeding(quiet(ledger), hints, slow(), one_slot()), Duration::from_millis(2999)).await;
    let free = locked(&free).clone();
    assert!(free.contains(&false) && free.last() == Some(&true), "hints are left to others meanwhile");
}

#[tokio::test(start_paused = true)]
async fn where_a_claim_came_back_with_less_a_free_slot_is_no_reason_to_ask_again() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    claims_at(&mut ledger, 2, vec![(0, vec![claimed(1)]), (1000, vec![])]);
    let settings = WorkerSettings { concurrency: 2, ..WorkerSettings::default() };
    let act = works_for(Duration::from_millis(300));
    work_for(with(quiet(ledger), act, settings), Duration::from_millis(1999)).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_polled_every_second_and_a_hint_is_followed_at_once() {
    let (hint, hints) = Hints::new();
    let mut ledger = MockTaskLedger::new();
    claims_at(&mut ledger, 1, [0, 700, 1000, 2000].map(|milli| (milli, vec![])).into());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(700)).await;
        hint.send(Hint::Work(queue("default"))).unwrap();
        std::future::pending::<()>().await;
        drop(hint);
    });
    work_for(heeding(quiet(ledger), hints, slow(), one_slot()), Duration::from_millis(2999)).await;
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_answer_was_lost_is_given_back() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_claim().once().returning(|_| away());
    gives(&mut ledger, vec![claimed(1)]);
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    // The next poll asks what the session holds, and again while the claim may be committed late: 3 is such a one, and 1
    // is held because it runs.
    let held = |numbers: &'static [u128]| numbers.iter().map(|number| claim(*number)).collect();
    ledger.expect_held().once().returning(move |_| Ok(held(&[2])));
    ledger.expect_held().once().returning(move |_| Ok(held(&[1, 3])));
    ledger.expect_held().times(3).returning(move |_| Ok(held(&[])));
    for number in [2, 3] {
        ledger
            .expect_settle()
            .withf(move |s| s.claim == claim(number) && told(s) == (TaskEvent::Release, None))
            .once()
            .returning(|_| Ok(Settled::As(TaskState::Queued)));
    }
    let act = Act::new(|say, _| async move {
        tokio::time::sleep(seconds(20)).await;
        Ok(say)
    });
    work_for(worker(quiet(ledger), act), seconds(120)).await;
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_told_when_the_ledger_is_away() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_open().returning(|_| away());
    let drained = worker(idle(ledger), Arc::default()).drain().await;
    assert!(matches!(drained, Err(Error::Unavailable { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_drain_runs_what_its_tasks_leave_behind() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    gives(&mut ledger, vec![]); // it runs
    gives(&mut ledger, vec![claimed(2)]); // freed by its end
    ledger.expect_finish().times(2).returning(|_, _| Ok(vec![true]));
    let worker = worker(quiet(ledger), slow());
    assert_eq!(worker.drain().await.unwrap(), 2);
    let progress = worker.progress();
    assert_eq!((progress.claimed_at, progress.finished_at), (Some(at(1)), Some(at(2))));
    assert_eq!((progress.running, progress.session), (0, None));
}

/// A worker over a ledger whose first claim takes so many seconds.
fn slow_to_claim(ledger: MockTaskLedger, delay: u64, act: Arc<Act>) -> Worker {
    over(Strict::new(ledger, seconds(delay)), Hints::default(), act, WorkerSettings::default())
}

#[tokio::test(start_paused = true)]
async fn what_a_claim_gives_too_late_is_not_started() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    // The ledger has gone away behind the claim, whose answer comes after 55 seconds.
    ledger.expect_renew().times(..).returning(|_| away());
    ledger.expect_open().times(2).returning(|_| Ok(()));
    ledger.expect_close().times(2).returning(|_, _| Ok(()));
    let (told, mut started) = mpsc::unbounded_channel();
    let act = Act::new(move |say, _| {
        told.send(say.clone()).unwrap();
        async { Ok(say) }
    });
    work_for(slow_to_claim(idle(ledger), 55, act), seconds(56)).await;
    assert_eq!(started.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_hangs_is_no_sign_of_death() {
    let mut ledger = MockTaskLedger::new();
    let alive = || Ok(Renewed { alive: true, cancelled: Vec::new() });
    ledger.expect_renew().times(7).returning(move |_| alive()); // every 15 s, and one at the end
    work_for(slow_to_claim(quiet(ledger), 100, Arc::default()), seconds(99)).await;
}
