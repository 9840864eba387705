//! One after the other.

use super::{
    super::{
        Store,
        tasks::build::{chain, task},
    },
    Leased, ended, second,
};
use application::{Settled, Settlement, Then};
use domain::{EndReason, NewTask, TaskEvent, TaskId, TaskState};
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    each_link_is_freed_by_the_success_of_the_one_before,
    a_failure_cancels_all_that_come_after,
    a_link_that_is_retried_keeps_the_others_waiting,
    a_cancelled_link_cancels_all_that_come_after,
    what_a_handler_has_scheduled_comes_with_its_success,
    what_a_failed_handler_has_scheduled_is_dropped,
);

use TaskState::{Cancelled, Failed, Queued, Running, Succeeded, Waiting};

async fn three(store: &Store) -> (Leased, Vec<TaskId>) {
    let ids = store.scheduled(&chain((1..=3).map(task).collect())).await;
    (Leased::open(store, 1, second(0)).await, ids)
}

async fn each_link_is_freed_by_the_success_of_the_one_before(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = three(&store).await;
    for (place, now) in [(0, 1), (1, 3), (2, 5)] {
        let claim = worker.claim_one(second(now)).await;
        assert_eq!(claim.id, ids[place]);
        let settled = worker.settle(ended(claim, TaskEvent::Success, second(now + 1))).await;
        assert_eq!(settled, Settled::As(Succeeded));
        if let Some(next) = ids.get(place + 1) {
            let next = store.task(*next).await;
            assert_eq!(
                (next.standing.state, next.due_at, next.version.number()),
                (Queued, second(now + 1), 2)
            );
        }
    }
    assert_eq!(store.states(&ids).await, [Succeeded; 3]);
    assert_eq!(worker.claim(9, second(99)).await, []);
}

async fn a_failure_cancels_all_that_come_after(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = three(&store).await;
    let claim = worker.claim_one(second(1)).await;
    worker.settle(ended(claim, TaskEvent::Fatal, second(2))).await;
    assert_eq!(store.states(&ids).await, [Failed, Cancelled, Cancelled]);
    for id in &ids[1..] {
        let task = store.task(*id).await;
        assert_eq!((task.reason, task.finished_at), (Some(EndReason::PredecessorEnded), Some(second(2))));
        assert_eq!(task.version.number(), 2);
    }
}

async fn a_link_that_is_retried_keeps_the_others_waiting(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = three(&store).await;
    let claim = worker.claim_one(second(1)).await;
    worker.settle(ended(claim, TaskEvent::Error, second(2))).await;
    assert_eq!(store.states(&ids).await, [Queued, Waiting, Waiting]);
}

async fn a_cancelled_link_cancels_all_that_come_after(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = three(&store).await;
    let claim = worker.claim_one(second(1)).await;
    worker.settle(ended(claim, TaskEvent::Success, second(2))).await;
    let claim = worker.claim_one(second(3)).await;
    store.database.tasks().cancel(ids[1], second(3)).await.expect("asked");
    assert_eq!(store.states(&ids).await, [Succeeded, Running, Waiting]);
    assert_eq!(worker.settle(ended(claim, TaskEvent::Yield, second(4))).await, Settled::As(Cancelled));
    assert_eq!(store.states(&ids).await, [Succeeded, Cancelled, Cancelled]);
}

fn with(settlement: Settlement, scheduled: NewTask) -> Settlement {
    Settlement { then: Then { tasks: vec![scheduled], ..Then::default() }, ..settlement }
}

async fn what_a_handler_has_scheduled_comes_with_its_success(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = three(&store).await;
    let claim = worker.claim_one(second(1)).await;
    let further = NewTask { parent: Some(ids[0]), ..task(9) };
    let id = further.id;
    worker.settle(with(ended(claim, TaskEvent::Success, second(2)), further)).await;
    assert_eq!(store.task(id).await.parent, Some(ids[0]));
    let claimed: Vec<TaskId> = worker.claim(9, second(3)).await.iter().map(|c| c.claim.id).collect();
    assert_eq!(claimed, [id, ids[1]]);
}

async fn what_a_failed_handler_has_scheduled_is_dropped(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, _) = three(&store).await;
    let claim = worker.claim_one(second(1)).await;
    worker.settle(with(ended(claim, TaskEvent::Error, second(2)), task(9))).await;
    assert_eq!(store.kept.count("tasks").await, 3);
}
