//! The end in order.

use super::*;
use crate::{TaskContext, TaskError};

/// How long a worker takes to stop, if it runs task 1 meanwhile, and what is written about that.
async fn stops_in(act: Arc<Act>, expect: impl FnOnce(&mut MockTaskLedger)) -> Duration {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    expect(&mut ledger);
    let stop = CancellationToken::new();
    let working = tokio::spawn(Arc::new(worker(quiet(ledger), act)).run(stop.clone()));
    tokio::time::sleep(seconds(2)).await;
    stop.cancel();
    let stopped = tokio::time::Instant::now();
    working.await.unwrap();
    stopped.elapsed()
}

fn for_seconds(time: u64) -> Arc<Act> {
    Act::new(move |say, _| async move {
        tokio::time::sleep(seconds(time)).await;
        Ok(say)
    })
}

#[tokio::test(start_paused = true)]
async fn what_runs_may_end_and_nothing_is_claimed_meanwhile() {
    let took = stops_in(for_seconds(20), |ledger| {
        ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
        ledger.expect_claim().returning(|claiming| {
            assert!(claiming.now <= at(2), "nothing is claimed once the worker is to stop");
            Ok(Vec::new())
        });
    });
    assert_eq!(took.await, seconds(18));
}

#[tokio::test(start_paused = true)]
async fn the_session_is_kept_while_what_runs_ends_be_it_longer_than_a_lease() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    let settings = WorkerSettings { drain: seconds(300), ..WorkerSettings::default() };
    // `quiet` expects one session alone.
    work_for(with(quiet(ledger), for_seconds(200), settings), seconds(2)).await;
}

#[tokio::test(start_paused = true)]
async fn after_the_time_to_drain_handlers_are_asked_to_end_and_given_back() {
    let act = Act::new(|_, ctx: TaskContext<Act>| async move {
        ctx.cancelled().await;
        Err(TaskError::retry("asked to end"))
    });
    let took = stops_in(act, |ledger| {
        ledger
            .expect_settle()
            .withf(|settlement| told(settlement) == (TaskEvent::Release, None) && settlement.due_at == at(27))
            .once()
            .returning(|_| Ok(Settled::As(TaskState::Queued)));
    });
    assert_eq!(took.await, seconds(25));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_listen_is_dropped_a_second_later_and_given_back() {
    let took = stops_in(for_seconds(200), |ledger| {
        settles(ledger, TaskEvent::Release, None, TaskState::Queued);
    });
    assert_eq!(took.await, seconds(26));
}

#[tokio::test(start_paused = true)]
async fn a_success_in_the_last_second_counts() {
    let act = Act::new(|say, ctx: TaskContext<Act>| async move {
        ctx.cancelled().await;
        Ok(say)
    });
    stops_in(act, |ledger| {
        ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_part_that_panics_ends_the_worker() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_reclaim().once().returning(|_, _, _| panic!("a defect"));
    let worker = over(quiet(ledger), Hints::default(), Arc::default(), WorkerSettings::default());
    let ended = tokio::time::timeout(seconds(60), Arc::new(worker).run(CancellationToken::new())).await;
    ended.expect("it ends by itself");
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_is_stopped_says_that_it_was_not_done() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    let act = Act::new(|say, _| async move {
        tokio::time::sleep(seconds(5)).await;
        Ok(say)
    });
    let (worker, stop) = (worker(quiet(ledger), act), CancellationToken::new());
    let stopping = async {
        tokio::time::sleep(seconds(1)).await;
        stop.cancel();
    };
    let (drained, ()) = tokio::join!(worker.drain_unless(stop.clone()), stopping);
    assert_eq!(drained.unwrap(), None);
}
