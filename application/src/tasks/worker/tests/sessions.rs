//! The session: renewed, trusted for a time, lost, and taken anew.

use super::*;
use crate::TaskContext;
use std::sync::atomic::AtomicU32;

/// Waits until it is dropped or asked to end, and says when that was.
fn waiting(told: mpsc::UnboundedSender<DateTime<Utc>>) -> Arc<Act> {
    struct Last(mpsc::UnboundedSender<DateTime<Utc>>, TaskContext<Act>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.send(self.1.now()).ok();
        }
    }
    Act::new(move |_, ctx| {
        let last = Last(told.clone(), ctx);
        async move {
            let _last = last;
            std::future::pending().await
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_session_is_renewed_every_fifteen_seconds() {
    let mut ledger = MockTaskLedger::new();
    for now in [15, 30, 45, 50] {
        ledger
            .expect_renew()
            .withf(move |renewal| renewal.now == at(now) && renewal.lease == seconds(60))
            .once()
            .returning(|_| Ok(Renewed { alive: true, cancelled: Vec::new() }));
    }
    work_for(worker(quiet(ledger), Arc::default()), seconds(50)).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_told_to_be_dead_stops_everything_and_a_new_one_begins() {
    let (told, mut dropped) = mpsc::unbounded_channel();
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    ledger.expect_renew().once().returning(|_| Ok(Renewed::default()));
    ledger.expect_renew().returning(|_| Ok(Renewed { alive: true, cancelled: Vec::new() }));
    // What it still held is given back before the new one begins. No end is written.
    let sessions = [1001, 1002].map(|number| SessionId(uuid::Uuid::from_u128(number)));
    for session in sessions {
        ledger.expect_open().withf(move |new| new.id == session).once().returning(|_| Ok(()));
        ledger.expect_close().withf(move |id, _| *id == session).once().returning(|_, _| Ok(()));
    }
    let worker = Arc::new(worker(idle(ledger), waiting(told)));
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.clone().run(stop.clone()));
    assert_eq!(dropped.recv().await, Some(at(15)));
    tokio::time::sleep(seconds(1)).await;
    assert_eq!(worker.progress().session, Some(sessions[1]));
    stop.cancel();
    working.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_cut_off_stops_everything_ten_seconds_before_its_lease_ends() {
    let (told, mut dropped) = mpsc::unbounded_channel();
    let mut ledger = MockTaskLedger::new();
    ledger.expect_claim().once().returning(|_| Ok(vec![claimed(1)]));
    ledger.expect_claim().returning(|claiming| {
        assert!(claiming.now < at(50), "nothing is claimed past the time to which the session is trusted");
        away()
    });
    ledger.expect_held().returning(|_| away());
    ledger.expect_open().once().returning(|_| Ok(()));
    ledger.expect_open().returning(|_| away());
    ledger.expect_renew().returning(|_| away());
    ledger.expect_close().returning(|_, _| away());
    work_for(worker(idle(ledger), waiting(told)), seconds(120)).await;
    assert_eq!(dropped.recv().await, Some(at(50)));
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again_before_the_lease_is_in_danger() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_renew().times(20).returning(|_| away());
    // At 15 s and each second from then on; the 21st succeeds.
    let alive = |_: &crate::Renewal| Ok(Renewed { alive: true, cancelled: Vec::new() });
    ledger.expect_renew().withf(|renewal| renewal.now == at(35)).once().returning(alive);
    ledger.expect_renew().withf(|renewal| renewal.now == at(50)).once().returning(alive);
    work_for(worker(quiet(ledger), Arc::default()), seconds(51)).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_look_for_work_is_not_kept_alive() {
    let ledger = MockTaskLedger::new();
    let mut ledger = idle(ledger);
    // The keeper alone: no claim loop proves that the worker lives. Renewals are not expected.
    ledger.expect_open().times(2).returning(|_| Ok(()));
    ledger.expect_close().once().returning(|_, _| Ok(()));
    let worker = worker(ledger, Arc::default());
    let keeping = keeper::run(worker.core.clone(), CancellationToken::new());
    tokio::time::timeout(seconds(60), keeping).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn the_dead_are_swept_every_few_seconds_and_full_batches_at_once() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = calls.clone();
    let mut ledger = MockTaskLedger::new();
    ledger.expect_reclaim().returning(move |_, lease, limit| {
        assert_eq!((lease, limit), (seconds(60), 100));
        let requeued = if counted.fetch_add(1, Ordering::Relaxed) == 0 { 100 } else { 0 };
        Ok(Reclaimed { requeued, ..Reclaimed::default() })
    });
    // Twice at first, since the first batch was full; then at 5, 10, 15 and 20 s.
    work_for(worker(quiet(ledger), Arc::default()), seconds(22)).await;
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

#[tokio::test(start_paused = true)]
async fn a_statement_that_is_too_slow_for_the_ledger_is_no_outage() {
    let mut ledger = MockTaskLedger::new();
    // Nothing is claimed, for the pool is exhausted, and the dead are taken all the same.
    ledger.expect_reclaim().times(2..).returning(|_, _, _| Ok(Reclaimed::default()));
    ledger.expect_claim().returning(|_| Err(Error::unavailable("the ledger", "exhausted")));
    ledger.expect_held().returning(|_| Ok(Vec::new()));
    work_for(worker(quiet(ledger), Arc::default()), seconds(22)).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_was_cut_off_leaves_the_dead_to_others_for_two_renewals() {
    let mut ledger = MockTaskLedger::new();
    let mut reclaims = [(at(0), away()), (at(30), Ok(Reclaimed::default()))].into_iter();
    ledger.expect_reclaim().times(2..).returning(move |now, _, _| {
        let (expected, answer) = reclaims.next().expect("nothing more is reclaimed");
        assert_eq!(now, expected);
        answer
    });
    work_for(worker(quiet(ledger), Arc::default()), seconds(34)).await;
}
