//! A user wants a task to end.

use super::{
    super::{Store, at},
    build::{alone, chain, group, task},
    conflict,
};
use application::{Cancellation, Error, Settled};
use domain::{
    EndReason, TaskEvent, TaskId,
    TaskState::{Cancelled, Failed, Queued, Running, Succeeded, Waiting},
};
use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks};
use std::collections::BTreeSet;

on_both_stacks!(
    a_task_that_nobody_runs_is_cancelled_at_once,
    those_that_wait_for_a_cancelled_task_are_cancelled_too,
    a_cancelled_member_takes_the_callback_with_it_and_nobody_else,
    the_worker_of_a_running_task_is_asked_to_end_it,
    what_has_ended_cannot_be_cancelled,
    a_task_that_is_not_there_cannot_be_cancelled,
    of_a_cancellation_and_a_claim_at_once_one_comes_first,
    a_link_that_is_cancelled_while_it_is_freed_never_runs,
);

async fn a_task_that_nobody_runs_is_cancelled_at_once(setup: Setup) {
    let store = Store::new(&setup).await;
    let id = store.scheduled(&alone(task(1))).await[0];
    assert_eq!(store.database.tasks().cancel(id, at(5)).await.expect("an answer"), Cancellation::Done);
    let task = store.task(id).await;
    assert_eq!((task.standing.state, task.reason), (Cancelled, Some(EndReason::Cancelled)));
    assert_eq!((task.finished_at, task.version.number()), (Some(at(5)), 2));
    assert_eq!(store.worker().await.claim(9, at(9)).await, []);
}

async fn those_that_wait_for_a_cancelled_task_are_cancelled_too(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&chain((1..5).map(task).collect())).await;
    store.database.tasks().cancel(ids[1], at(5)).await.expect("an answer");
    assert_eq!(store.states(&ids).await, [Queued, Cancelled, Cancelled, Cancelled]);
    let mut reasons = Vec::new();
    for id in &ids {
        reasons.push(store.task(*id).await.reason);
    }
    let orphaned = Some(EndReason::PredecessorEnded);
    assert_eq!(reasons, [None, Some(EndReason::Cancelled), orphaned, orphaned]);
    // The first does not know, and need not.
    let worker = store.worker().await;
    worker.run_all(&[], at(6)).await;
    assert_eq!(store.states(&ids).await, [Succeeded, Cancelled, Cancelled, Cancelled]);
}

async fn a_cancelled_member_takes_the_callback_with_it_and_nobody_else(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&group(vec![task(1), task(2)], task(3))).await;
    let other = store.scheduled(&group(vec![task(4)], task(5))).await;
    store.database.tasks().cancel(ids[0], at(5)).await.expect("an answer");
    assert_eq!(store.states(&ids).await, [Cancelled, Queued, Cancelled]);
    assert_eq!(store.task(ids[2]).await.reason, Some(EndReason::PredecessorEnded));
    store.worker().await.run_all(&[], at(6)).await;
    assert_eq!(store.states(&ids).await, [Cancelled, Succeeded, Cancelled]);
    assert_eq!(store.states(&other).await, [Succeeded, Succeeded]);
}

async fn the_worker_of_a_running_task_is_asked_to_end_it(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&chain(vec![task(1), task(2)])).await;
    let worker = store.worker().await;
    let claim = worker.claim_one(at(1)).await;
    for now in [5, 6] {
        let cancelled = store.database.tasks().cancel(ids[0], at(now)).await.expect("an answer");
        assert_eq!(cancelled, Cancellation::Requested);
        let task = store.task(ids[0]).await;
        assert_eq!((task.standing.state, task.standing.cancel_requested), (Running, true));
        assert_eq!(task.version.number(), 3, "asking twice changes nothing");
    }
    assert_eq!(store.states(&ids).await, [Running, Waiting]);
    assert_eq!(worker.settle(claim, TaskEvent::Yield, at(7)).await, Settled::As(Cancelled));
    assert_eq!(store.states(&ids).await, [Cancelled, Cancelled]);
}

async fn what_has_ended_cannot_be_cancelled(setup: Setup) {
    let store = Store::new(&setup).await;
    let mut ids = Vec::new();
    for number in 1..4 {
        ids.extend(store.scheduled(&alone(task(number))).await);
    }
    let tasks = store.database.tasks();
    tasks.cancel(ids[0], at(1)).await.expect("cancelled");
    store.worker().await.run_all(&ids[1..2], at(2)).await;
    assert_eq!(store.states(&ids).await, [Cancelled, Failed, Succeeded]);
    for (id, message) in
        ids.iter().zip(["is cancelled already", "has failed already", "has succeeded already"])
    {
        let before = store.task(*id).await;
        assert_eq!(conflict(tasks.cancel(*id, at(3)).await), ("ended", message.to_owned()));
        assert_eq!(store.task(*id).await, before);
    }
}

async fn a_task_that_is_not_there_cannot_be_cancelled(setup: Setup) {
    let store = Store::new(&setup).await;
    let cancelled = store.database.tasks().cancel(task(1).id, at(1)).await;
    assert!(matches!(cancelled, Err(Error::NotFound { kind: "task", .. })), "{cancelled:?}");
}

async fn of_a_cancellation_and_a_claim_at_once_one_comes_first(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    for round in 0..20 {
        let mut ids = Vec::new();
        for number in 0..8 {
            ids.extend(store.scheduled(&alone(task(round * 8 + number + 1))).await);
        }
        let tasks = store.database.tasks();
        let cancels = async { join_all(ids.iter().map(|id| tasks.cancel(*id, at(2)))).await };
        let (claimed, cancels) = tokio::join!(worker.claim(8, at(2)), cancels);
        let claimed: BTreeSet<TaskId> = claimed.iter().map(|claimed| claimed.claim.id).collect();
        for (id, cancelled) in ids.iter().zip(cancels) {
            let (expected, state) = match claimed.contains(id) {
                true => (Cancellation::Requested, Running),
                false => (Cancellation::Done, Cancelled),
            };
            assert_eq!(cancelled.expect("an answer"), expected);
            assert_eq!(store.states(&[*id]).await, [state]);
        }
    }
}

async fn a_link_that_is_cancelled_while_it_is_freed_never_runs(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, tasks) = (store.worker().await, store.database.tasks());
    for round in 0..30 {
        let ids = store.scheduled(&chain((0..3).map(|n| task(round * 3 + n + 1)).collect())).await;
        let claim = worker.claim_one(at(1)).await;
        let (cancelled, settled) = tokio::join!(tasks.cancel(ids[1], at(2)), worker.succeed(claim, at(2)));
        assert_eq!(cancelled.expect("an answer"), Cancellation::Done);
        assert_eq!(settled, Settled::As(Succeeded));
        assert_eq!(store.states(&ids).await, [Succeeded, Cancelled, Cancelled]);
    }
}
