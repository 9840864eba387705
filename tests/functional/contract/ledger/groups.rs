//! Side by side, and then one more.

use super::{
    super::{
        Store,
        tasks::build::{group, task},
    },
    Leased, ended, second,
};
use application::{Claim, Settle, Settled, Then};
use domain::{EndReason, TaskEvent, TaskId, TaskState};
use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    the_last_success_frees_the_callback,
    members_that_succeed_at_once_free_the_callback_once,
    a_member_that_fails_cancels_the_callback_and_nobody_else,
    members_of_several_groups_do_not_wait_for_each_other,
    a_write_of_a_members_handler_counts,
);

use TaskState::{Cancelled, Failed, Queued, Succeeded, Waiting};

/// A group of so many members, and their claims.
async fn claimed(store: &Store, members: u128) -> (Leased, Vec<Claim>, TaskId) {
    let mut ids = store.scheduled(&group((1..=members).map(task).collect(), task(members + 1))).await;
    let callback = ids.pop().expect("a callback");
    let worker = Leased::open(store, 1, second(0)).await;
    let claims: Vec<Claim> =
        worker.claim(1000, second(1)).await.iter().map(|claimed| claimed.claim).collect();
    assert_eq!(claims.iter().map(|claim| claim.id).collect::<Vec<_>>(), ids);
    (worker, claims, callback)
}

async fn the_last_success_frees_the_callback(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claims, callback) = claimed(&store, 3).await;
    for (claim, state) in claims.into_iter().zip([Waiting, Waiting, Queued]) {
        assert_eq!(worker.settle(ended(claim, TaskEvent::Success, second(2))).await, Settled::As(Succeeded));
        assert_eq!(store.states(&[callback]).await, [state]);
    }
    assert_eq!(store.task(callback).await.due_at, second(2));
    assert_eq!(worker.claim_one(second(3)).await.id, callback);
}

async fn members_that_succeed_at_once_free_the_callback_once(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claims, callback) = claimed(&store, 30).await;
    let ends = claims.into_iter().map(|claim| {
        let worker = worker.clone();
        tokio::spawn(async move { worker.settle(ended(claim, TaskEvent::Success, second(2))).await })
    });
    for end in join_all(ends).await {
        assert_eq!(end.expect("no panic"), Settled::As(Succeeded));
    }
    let task = store.task(callback).await;
    assert_eq!((task.standing.state, task.version.number()), (Queued, 2));
}

async fn a_member_that_fails_cancels_the_callback_and_nobody_else(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claims, callback) = claimed(&store, 3).await;
    for (claim, event) in claims.iter().zip([TaskEvent::Success, TaskEvent::Fatal, TaskEvent::Success]) {
        worker.settle(ended(*claim, event, second(2))).await;
    }
    let ids: Vec<TaskId> = claims.iter().map(|claim| claim.id).chain([callback]).collect();
    assert_eq!(store.states(&ids).await, [Succeeded, Failed, Succeeded, Cancelled]);
    let task = store.task(callback).await;
    assert_eq!((task.reason, task.version.number()), (Some(EndReason::PredecessorEnded), 2));
}

/// Successes and failures of the same groups, and a sweep over members of all of them, all at once.
async fn members_of_several_groups_do_not_wait_for_each_other(setup: Setup) {
    let store = Store::new(&setup).await;
    let mut callbacks = Vec::new();
    for number in 0..4 {
        let members = (1..=6).map(|member| task(100 * number + member)).collect();
        callbacks.extend(store.scheduled(&group(members, task(100 * number + 50))).await.pop());
    }
    let (dead, worker) = (Leased::open(&store, 1, second(0)).await, Leased::open(&store, 2, second(1)).await);
    let claims: Vec<Claim> = worker.claim(16, second(2)).await.iter().map(|claimed| claimed.claim).collect();
    assert_eq!(dead.claim(99, second(2)).await.len(), 8);
    let ends = claims.into_iter().zip(0..).map(|(claim, number)| {
        let (worker, event) =
            (worker.clone(), if number % 5 == 0 { TaskEvent::Fatal } else { TaskEvent::Success });
        tokio::spawn(
            async move { matches!(worker.settle(ended(claim, event, second(3))).await, Settled::As(_)) },
        )
    });
    let (ends, reclaimed) = tokio::join!(join_all(ends), dead.reclaim(second(60)));
    assert!(ends.into_iter().all(|end| end.expect("no panic")));
    assert_eq!(reclaimed.requeued, 8);
    let states = store.states(&callbacks).await;
    assert!(states.iter().all(|state| [Waiting, Queued, Cancelled].contains(state)), "{states:?}");
}

async fn a_write_of_a_members_handler_counts(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claims, callback) = claimed(&store, 2).await;
    for claim in claims {
        let settle = Settle { claim, result: "null".to_owned(), at: second(2) };
        let then = Then { settle: Some(settle), ..Then::default() };
        store.database.tasks().schedule(&then).await.expect("settled");
    }
    assert_eq!(worker.claim_one(second(3)).await.id, callback);
}
