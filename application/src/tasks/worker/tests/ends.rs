//! How ends reach the ledger: in groups, again and again, or not at all.

use super::*;
use crate::{TaskContext, tasks::testing::claimed as probe};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use std::sync::atomic::AtomicU64;

/// Counts ends that were dropped.
#[derive(Default)]
struct Dropped(Arc<AtomicU64>);

impl Recorder for Dropped {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        match key.name() {
            "plinth_task_stale_finishes_total" => Counter::from_arc(self.0.clone()),
            _ => Counter::noop(),
        }
    }
    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_waits_for_a_slow_sibling_only_for_a_moment() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![probe(1), probe(2)]);
    for (number, millis) in [(1, 5), (2, 1000)] {
        let now = at(0) + chrono::TimeDelta::milliseconds(millis);
        ledger
            .expect_finish()
            .withf(move |finished, at| finished == successes(&[number]) && *at == now)
            .once()
            .returning(|_, _| Ok(vec![true]));
    }
    let act = Act::new(|say, _| async move {
        if say == "2" {
            tokio::time::sleep(seconds(1)).await;
        }
        Ok(say)
    });
    worker(quiet(ledger), act).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stale_finish_is_dropped_and_counted() {
    let dropped = Dropped::default();
    let _recorder = metrics::set_default_local_recorder(&dropped);
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![probe(1), probe(2)]);
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true, false]));
    worker(quiet(ledger), Arc::default()).drain().await.unwrap();
    assert_eq!(dropped.0.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn an_end_waits_for_the_ledger_to_come_back() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![probe(1)]);
    ledger.expect_finish().times(3).returning(|_, _| away());
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    worker(quiet(ledger), Arc::default()).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_end_that_cannot_be_written_while_the_session_is_trusted_is_dropped() {
    let dropped = Dropped::default();
    let _recorder = metrics::set_default_local_recorder(&dropped);
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![probe(1)]);
    ledger.expect_finish().returning(|_, now| {
        assert!(now < at(50), "nothing is finished past the time to which the session is trusted");
        away()
    });
    ledger.expect_open().once().returning(|_| Ok(()));
    ledger.expect_renew().returning(|_| away());
    ledger.expect_close().returning(|_, _| away());
    work_for(worker(idle(ledger), Arc::default()), seconds(60)).await;
    assert_eq!(dropped.0.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn nor_is_anything_settled_by_then() {
    let started = tokio::time::Instant::now();
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![probe(1)]);
    ledger.expect_settle().times(2..).returning(move |_| {
        assert!(
            started.elapsed() < seconds(50),
            "nothing is settled past the time to which the session is trusted"
        );
        away()
    });
    ledger.expect_open().once().returning(|_| Ok(()));
    ledger.expect_renew().returning(|_| away());
    ledger.expect_close().returning(|_, _| away());
    let act = Act::new(|_, _: TaskContext<Act>| async { Err(crate::TaskError::retry("no")) });
    work_for(worker(idle(ledger), act), seconds(60)).await;
}

#[tokio::test(start_paused = true)]
async fn one_success_that_cannot_be_written_does_not_hold_up_the_others() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![probe(1), probe(2)]);
    let defect = || Error::internal("cannot finish tasks", "invalid byte sequence");
    ledger.expect_finish().once().returning(move |_, _| Err(defect()));
    ledger
        .expect_settle()
        .withf(|settlement| settlement.claim == claim(2) && settlement.event == TaskEvent::Success)
        .once()
        .returning(|_| Ok(Settled::As(TaskState::Succeeded)));
    ledger
        .expect_settle()
        .withf(|settlement| settlement.claim == claim(1) && settlement.event == TaskEvent::Success)
        .once()
        .returning(move |_| Err(defect()));
    // It uses up an attempt, so that it does not come back for ever.
    settles(&mut ledger, TaskEvent::Error, Some(FaultCode::Error), TaskState::Queued);
    worker(quiet(ledger), Arc::default()).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_figures_of_a_run_go_with_the_next_renewal() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![probe(1)]);
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    ledger
        .expect_renew()
        .withf(|renewal| {
            let [minute] = renewal.minutes.as_slice() else { return false };
            let figures = (minute.minute, minute.succeeded, minute.waited_us, minute.ran_us);
            figures == (at(0), 1, 0, 2_000_000) && renewal.finished_at == Some(at(2)) && renewal.now == at(2)
        })
        .once()
        .returning(|_| Ok(Renewed { alive: true, cancelled: Vec::new() }));
    let act = Act::new(|say, _: TaskContext<Act>| async move {
        tokio::time::sleep(seconds(2)).await;
        Ok(say)
    });
    worker(quiet(ledger), act).drain().await.unwrap();
}
