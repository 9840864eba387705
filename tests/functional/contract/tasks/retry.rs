//! An operator wants a task to run again.

use super::{
    super::{Store, at},
    build::{Worker, alone, chain, group, queue, task},
    conflict,
};
use application::Error;
use domain::{
    EndReason, NewTask, Progress, TaskEvent, TaskId,
    TaskState::{Cancelled, Failed, Queued, Running, Succeeded, Waiting},
    UniqueKey,
};
use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    a_failed_task_gets_a_new_budget,
    a_cancelled_task_gets_a_new_budget,
    a_retry_rings_for_its_queue,
    what_has_not_failed_cannot_be_retried,
    a_task_that_is_not_there_cannot_be_retried,
    the_rest_of_a_chain_waits_again,
    what_was_cancelled_by_somebody_stays_so,
    a_link_whose_predecessor_has_failed_names_it,
    a_link_whose_predecessor_is_on_its_way_names_it,
    a_callback_waits_again_once_no_member_has_failed,
    a_callback_names_the_member_to_retry,
    a_cancelled_callback_can_be_retried_once_all_members_have_succeeded,
    the_holder_of_the_unique_key_is_in_the_way,
    of_many_retries_at_once_one_succeeds,
    members_retried_at_once_bring_the_callback_back,
    a_member_that_fails_while_another_is_retried_takes_the_callback_along,
);

async fn a_failed_task_gets_a_new_budget(setup: Setup) {
    let store = Store::new(&setup).await;
    let new = NewTask { max_retries: 1, ..task(1) };
    let id = store.scheduled(&alone(new.clone())).await[0];
    let worker = store.worker().await;
    for now in [at(0), at(2_000_000)] {
        let claim = worker.claim_one(now).await;
        store.database.ledger().progress(claim, &Progress::new(0.5, "half")).await.expect("an answer");
        worker.settle(claim, TaskEvent::Error, now).await;
    }
    let failed = store.task(id).await;
    assert_eq!((failed.standing.state, failed.standing.attempt), (Failed, 2));
    store.database.tasks().retry(id, at(9_000_000)).await.expect("retried");
    let story = store.story(id).await;
    assert_eq!(story.task.standing, new.standing());
    assert_eq!((story.task.reason, story.task.finished_at, story.task.progress), (None, None, None));
    assert_eq!((story.task.due_at, story.task.fence), (at(9_000_000), failed.fence));
    assert_eq!(story.task.version, failed.version.next());
    assert_eq!(story.faults.len(), 2, "what went wrong is kept");
    assert_eq!(worker.claim_one(at(9_000_000)).await.fence, failed.fence + 1);
}

async fn a_cancelled_task_gets_a_new_budget(setup: Setup) {
    let store = Store::new(&setup).await;
    let id = store.scheduled(&alone(task(1))).await[0];
    let worker = store.worker().await;
    let claim = worker.claim_one(at(1)).await;
    store.database.tasks().cancel(id, at(2)).await.expect("cancelled");
    worker.settle(claim, TaskEvent::Yield, at(3)).await;
    store.database.tasks().retry(id, at(4)).await.expect("retried");
    assert_eq!(store.task(id).await.standing, task(1).standing());
    worker.run_all(&[], at(5)).await;
    assert_eq!(store.states(&[id]).await, [Succeeded]);
}

async fn a_retry_rings_for_its_queue(setup: Setup) {
    let store = Store::new(&setup).await;
    let mail = |number| NewTask { queue: queue("mail"), ..task(number) };
    let ids = store.scheduled(&chain(vec![mail(1), task(2)])).await;
    store.worker().await.run_all(&ids[..1], at(1)).await;
    assert_eq!(store.rung(), ["mail"], "of the chain one link is due");
    store.database.tasks().retry(ids[0], at(2)).await.expect("retried");
    assert_eq!(store.rung(), ["mail"], "the rest waits");
    conflict(store.database.tasks().retry(ids[0], at(3)).await);
    store.database.tasks().cancel(ids[0], at(3)).await.expect("cancelled");
    assert_eq!(store.rung(), [""; 0]);
}

async fn what_has_not_failed_cannot_be_retried(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    let ids = store.scheduled(&chain(vec![task(1), task(2), task(3)])).await;
    worker.succeed(worker.claim_one(at(1)).await, at(1)).await;
    worker.claim_one(at(1)).await;
    let queued = store.scheduled(&alone(task(4))).await[0];
    for (id, state) in [(ids[0], "succeeded"), (ids[1], "running"), (ids[2], "waiting"), (queued, "queued")] {
        let before = store.task(id).await;
        let (code, message) = conflict(tasks.retry(id, at(3)).await);
        assert_eq!(code, "not_ended");
        assert!(message.starts_with(&format!("is {state}; only a task that has failed")), "{message}");
        assert_eq!(store.task(id).await, before);
    }
}

async fn a_task_that_is_not_there_cannot_be_retried(setup: Setup) {
    let store = Store::new(&setup).await;
    let retried = store.database.tasks().retry(task(1).id, at(1)).await;
    assert!(matches!(retried, Err(Error::NotFound { kind: "task", .. })), "{retried:?}");
}

async fn the_rest_of_a_chain_waits_again(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&chain((1..5).map(task).collect())).await;
    let worker = store.worker().await;
    worker.run_all(&ids[1..2], at(1)).await;
    assert_eq!(store.states(&ids).await, [Succeeded, Failed, Cancelled, Cancelled]);
    store.database.tasks().retry(ids[1], at(2)).await.expect("retried");
    assert_eq!(store.states(&ids).await, [Succeeded, Queued, Waiting, Waiting]);
    assert_eq!((store.task(ids[2]).await.reason, store.task(ids[2]).await.finished_at), (None, None));
    assert_eq!(worker.claim(9, at(3)).await.len(), 1, "those that wait are not due");
    let other = Worker::open(&store, 2).await;
    let held = store.task(ids[1]).await;
    worker.succeed(application::Claim { id: held.id, fence: held.fence }, at(4)).await;
    other.run_all(&[], at(5)).await;
    assert_eq!(store.states(&ids).await, [Succeeded; 4]);
}

async fn what_was_cancelled_by_somebody_stays_so(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    let ids = store.scheduled(&chain((1..5).map(task).collect())).await;
    tasks.cancel(ids[2], at(1)).await.expect("cancelled");
    worker.run_all(&ids[..1], at(2)).await;
    tasks.retry(ids[0], at(3)).await.expect("retried");
    assert_eq!(store.states(&ids).await, [Queued, Waiting, Cancelled, Cancelled]);
    assert_eq!(store.task(ids[2]).await.reason, Some(EndReason::Cancelled));
    worker.run_all(&[], at(4)).await;
    assert_eq!(store.states(&ids).await, [Succeeded, Succeeded, Cancelled, Cancelled]);
    tasks.retry(ids[2], at(5)).await.expect("retried");
    worker.run_all(&[], at(6)).await;
    assert_eq!(store.states(&ids).await, [Succeeded; 4]);
}

async fn a_link_whose_predecessor_has_failed_names_it(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&chain((1..4).map(task).collect())).await;
    store.worker().await.run_all(&ids[..1], at(1)).await;
    for follower in &ids[1..] {
        let (code, message) = conflict(store.database.tasks().retry(*follower, at(2)).await);
        let expected = format!("waits for the task {}, which has failed: retry that one first", ids[0].0);
        assert_eq!((code, message), ("predecessor", expected));
    }
    assert_eq!(store.states(&ids).await, [Failed, Cancelled, Cancelled]);
}

async fn a_link_whose_predecessor_is_on_its_way_names_it(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    let ids = store.scheduled(&chain((1..4).map(task).collect())).await;
    let claim = worker.claim_one(at(1)).await;
    tasks.cancel(ids[1], at(1)).await.expect("cancelled");
    let (_, message) = conflict(tasks.retry(ids[1], at(2)).await);
    let expected =
        format!("waits for the task {}, which is running: retry once that one has succeeded", ids[0].0);
    assert_eq!(message, expected);
    worker.succeed(claim, at(3)).await;
    let (_, message) = conflict(tasks.retry(ids[2], at(4)).await);
    let expected = format!("waits for the task {}, which was cancelled: retry that one first", ids[1].0);
    assert_eq!(message, expected);
    tasks.retry(ids[1], at(4)).await.expect("retried");
    assert_eq!(store.states(&ids).await, [Succeeded, Queued, Waiting]);
}

async fn a_callback_waits_again_once_no_member_has_failed(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    let ids = store.scheduled(&group((1..4).map(task).collect(), task(4))).await;
    worker.run_all(&ids[..2], at(1)).await;
    assert_eq!(store.states(&ids).await, [Failed, Failed, Succeeded, Cancelled]);
    tasks.retry(ids[0], at(2)).await.expect("retried");
    assert_eq!(store.states(&ids).await, [Queued, Failed, Succeeded, Cancelled]);
    tasks.retry(ids[1], at(3)).await.expect("retried");
    assert_eq!(store.states(&ids).await, [Queued, Queued, Succeeded, Waiting]);
    worker.run_all(&[], at(4)).await;
    assert_eq!(store.states(&ids).await, [Succeeded; 4]);
}

async fn a_callback_names_the_member_to_retry(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    let ids = store.scheduled(&group((1..4).map(task).collect(), task(4))).await;
    tasks.cancel(ids[3], at(1)).await.expect("cancelled");
    let (_, message) = conflict(tasks.retry(ids[3], at(1)).await);
    let expected =
        format!("waits for the task {}, which is queued: retry once that one has succeeded", ids[0].0);
    assert_eq!(message, expected);
    worker.run_all(&ids[1..2], at(2)).await;
    let (_, message) = conflict(tasks.retry(ids[3], at(3)).await);
    let expected = format!("waits for the task {}, which has failed: retry that one first", ids[1].0);
    assert_eq!(message, expected);
}

async fn a_cancelled_callback_can_be_retried_once_all_members_have_succeeded(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    let ids = store.scheduled(&group(vec![task(1), task(2)], task(3))).await;
    tasks.cancel(ids[2], at(1)).await.expect("cancelled");
    worker.run_all(&ids[..1], at(2)).await;
    tasks.retry(ids[0], at(3)).await.expect("retried");
    assert_eq!(store.states(&ids).await, [Queued, Succeeded, Cancelled], "somebody has cancelled it");
    worker.run_all(&[], at(4)).await;
    tasks.retry(ids[2], at(5)).await.expect("retried");
    worker.run_all(&[], at(6)).await;
    assert_eq!(store.states(&ids).await, [Succeeded; 3]);
}

async fn the_holder_of_the_unique_key_is_in_the_way(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    let unique =
        |number| alone(NewTask { unique_key: Some(UniqueKey::parse("one").expect("a key")), ..task(number) });
    let first = store.scheduled(&unique(1)).await[0];
    worker.fail(worker.claim_one(at(1)).await, at(1)).await;
    let second = store.scheduled(&unique(2)).await[0];
    assert_eq!(conflict(tasks.retry(first, at(2)).await).0, "unique_key");
    assert_eq!(store.states(&[first, second]).await, [Failed, Queued]);
    worker.run_all(&[], at(3)).await;
    tasks.retry(first, at(4)).await.expect("retried");
    assert_eq!(store.scheduled(&unique(3)).await, [first]);
}

async fn of_many_retries_at_once_one_succeeds(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    let ids = store.scheduled(&chain(vec![task(1), task(2)])).await;
    for _ in 0..10 {
        worker.run_all(&ids[..1], at(1)).await;
        let before = store.task(ids[0]).await;
        let retries = join_all((0..8).map(|_| tasks.retry(ids[0], at(1)))).await;
        let (retried, refused): (Vec<_>, Vec<_>) = retries.into_iter().partition(Result::is_ok);
        assert_eq!((retried.len(), refused.len()), (1, 7));
        assert!(refused.into_iter().all(|refused| conflict(refused).0 == "not_ended"));
        assert_eq!(store.states(&ids).await, [Queued, Waiting]);
        assert_eq!(store.task(ids[0]).await.version, before.version.next());
    }
}

async fn members_retried_at_once_bring_the_callback_back(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    for round in 0..20 {
        let members = (1..4).map(|n| task(round * 10 + n)).collect();
        let ids = store.scheduled(&group(members, task(round * 10 + 4))).await;
        worker.run_all(&ids[..3], at(1)).await;
        let retries = join_all(ids[..3].iter().map(|id| tasks.retry(*id, at(2)))).await;
        assert!(retries.iter().all(Result::is_ok), "{retries:?}");
        assert_eq!(store.states(&ids).await, [Queued, Queued, Queued, Waiting]);
        worker.run_all(&[], at(3)).await;
        assert_eq!(store.states(&ids).await, [Succeeded; 4]);
    }
}

async fn a_member_that_fails_while_another_is_retried_takes_the_callback_along(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    for round in 0..40 {
        let members = vec![task(round * 10 + 1), task(round * 10 + 2)];
        let ids = store.scheduled(&group(members, task(round * 10 + 3))).await;
        let claims: Vec<_> = worker.claim(2, at(1)).await.into_iter().map(|claimed| claimed.claim).collect();
        let of = |id: TaskId| *claims.iter().find(|claim| claim.id == id).expect("both are claimed");
        worker.fail(of(ids[0]), at(1)).await;
        let (retried, _) = tokio::join!(tasks.retry(ids[0], at(2)), worker.fail(of(ids[1]), at(2)));
        retried.expect("retried");
        assert_eq!(store.states(&ids).await, [Queued, Failed, Cancelled]);
        tasks.cancel(ids[0], at(3)).await.expect("cancelled");
        assert!(!store.states(&ids).await.contains(&Running));
    }
}
