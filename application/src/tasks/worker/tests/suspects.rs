//! Tasks that were lost with their worker.

use super::*;
use crate::TaskContext;

#[tokio::test(start_paused = true)]
async fn a_suspect_runs_with_nothing_beside_it() {
    let (told, mut began) = mpsc::unbounded_channel();
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    // Seen at the second poll, while task 1 runs up to the fifth second. What is claimed next is claimed alone.
    ledger
        .expect_has_suspect()
        .withf(|queues, now| queues == [queue("default")] && *now == at(0))
        .once()
        .returning(|_, _| Ok(false));
    ledger.expect_has_suspect().withf(|_, now| *now <= at(5)).returning(|_, _| Ok(true));
    ledger
        .expect_claim_suspect()
        .withf(|claiming| {
            (claiming.now, claiming.limit) == (at(5), 1) && claiming.queues == [(queue("default"), 1)]
        })
        .once()
        .returning(|_| Ok(Some(claimed(2))));
    // It runs up to the tenth second; only then the others go on.
    ledger.expect_claim().withf(|claiming| claiming.now < at(1)).returning(|_| Ok(Vec::new()));
    ledger.expect_claim().withf(|claiming| claiming.now == at(10)).once().returning(|_| Ok(vec![claimed(3)]));
    ledger.expect_finish().times(3).returning(|_, _| Ok(vec![true]));
    let act = Act::new(move |say, ctx: TaskContext<Act>| {
        told.send((say.clone(), ctx.now())).unwrap();
        async move {
            tokio::time::sleep(seconds(5)).await;
            Ok(say)
        }
    });
    work_for(worker(quiet(ledger), act), seconds(14)).await;
    for expected in [("1", 0), ("2", 5), ("3", 10)] {
        assert_eq!(began.recv().await, Some((expected.0.to_owned(), at(expected.1))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspect_that_another_worker_takes_holds_up_nobody() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_has_suspect().once().returning(|_, _| Ok(true));
    ledger.expect_claim_suspect().once().returning(|_| Ok(None));
    ledger.expect_claim().withf(|claiming| claiming.limit == 16).times(1..).returning(|_| Ok(Vec::new()));
    worker(quiet(ledger), Arc::default()).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_runs_suspects_too() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_has_suspect().once().returning(|_, _| Ok(true));
    ledger.expect_claim_suspect().once().returning(|_| Ok(Some(claimed(1))));
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    assert_eq!(worker(quiet(ledger), Arc::default()).drain().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn suspects_run_one_after_the_other_before_anything_else() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_has_suspect().times(2).returning(|_, _| Ok(true));
    ledger.expect_has_suspect().returning(|_, _| Ok(false));
    ledger.expect_claim_suspect().once().returning(|_| Ok(Some(claimed(1))));
    ledger
        .expect_claim_suspect()
        .withf(|claiming| claiming.now < at(1))
        .once()
        .returning(|_| Ok(Some(claimed(2))));
    ledger.expect_claim().withf(|claiming| claiming.now == at(0)).once().returning(|_| Ok(vec![claimed(3)]));
    ledger.expect_finish().times(3).returning(|_, _| Ok(vec![true]));
    let (told, mut began) = mpsc::unbounded_channel();
    let act = Act::new(move |say, _: TaskContext<Act>| {
        told.send(say.clone()).unwrap();
        async move { Ok(say) }
    });
    work_for(worker(quiet(ledger), act), seconds(4)).await;
    for expected in ["1", "2", "3"] {
        assert_eq!(began.recv().await.as_deref(), Some(expected));
    }
}
