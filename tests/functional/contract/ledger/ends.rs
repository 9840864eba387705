//! How a run ends, other than by success.

use super::{
    super::{
        Store,
        tasks::build::{alone, task},
    },
    Leased, ended, second,
};
use application::{Claim, Error, Settled, Settlement};
use domain::{EndReason, Fault, FaultCode, NewTask, Task, TaskEvent, TaskState};
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    an_error_is_retried_until_the_retries_are_used_up,
    an_error_that_no_retry_can_heal_ends_the_task,
    a_reason_can_be_given,
    what_is_released_has_its_attempt_again,
    who_does_not_obey_a_time_out_is_shut_out,
    who_was_asked_to_end_does_not_go_back_to_the_queue,
    nobody_yields_without_being_asked,
    a_success_that_comes_first_wins,
    the_last_faults_are_kept,
);

/// A worker and the one task, claimed.
async fn running(store: &Store, new: NewTask) -> (Leased, Claim) {
    store.scheduled(&alone(new)).await;
    let worker = Leased::open(store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    (worker, claim)
}

fn standing(task: &Task) -> (TaskState, u32, u32, i64) {
    (task.standing.state, task.standing.attempt, task.standing.crashes, task.fence)
}

async fn an_error_is_retried_until_the_retries_are_used_up(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, mut claim) = running(&store, NewTask { max_retries: 2, ..task(1) }).await;
    for (run, now) in [(1, 2), (2, 14)] {
        let settled = worker.settle(ended(claim, TaskEvent::Error, second(now))).await;
        assert_eq!(settled, Settled::As(TaskState::Queued));
        let task = store.task(claim.id).await;
        assert_eq!(standing(&task), (TaskState::Queued, run, 0, i64::from(run)));
        assert_eq!((task.due_at, task.finished_at, task.reason), (second(now + 10), None, None));
        assert_eq!(worker.claim(1, second(now + 9)).await, []);
        claim = worker.claim_one(second(now + 10)).await;
    }
    assert_eq!(
        worker.settle(ended(claim, TaskEvent::Error, second(30))).await,
        Settled::As(TaskState::Failed)
    );
    let task = store.task(claim.id).await;
    assert_eq!(standing(&task), (TaskState::Failed, 3, 0, 3));
    assert_eq!((task.reason, task.finished_at), (Some(EndReason::RetriesUsedUp), Some(second(30))));
    let attempts: Vec<u32> = store.story(claim.id).await.faults.iter().map(|fault| fault.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
}

async fn an_error_that_no_retry_can_heal_ends_the_task(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claim) = running(&store, task(1)).await;
    assert_eq!(
        worker.settle(ended(claim, TaskEvent::Fatal, second(2))).await,
        Settled::As(TaskState::Failed)
    );
    let task = store.task(claim.id).await;
    assert_eq!((task.reason, task.standing.attempt), (Some(EndReason::Unrecoverable), 1));
}

async fn a_reason_can_be_given(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claim) = running(&store, task(1)).await;
    let fault = Fault::new(FaultCode::UnknownKind, "no worker knows GREET");
    let end = Settlement {
        fault: Some(fault.clone()),
        reason: Some(EndReason::UnknownKind),
        ..ended(claim, TaskEvent::Fatal, second(2))
    };
    assert_eq!(worker.settle(end).await, Settled::As(TaskState::Failed));
    let story = store.story(claim.id).await;
    assert_eq!(story.task.reason, Some(EndReason::UnknownKind));
    assert_eq!((&story.faults[0].fault, story.faults[0].at), (&fault, second(2)));
}

async fn what_is_released_has_its_attempt_again(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claim) = running(&store, task(1)).await;
    let end = Settlement { due_at: second(2), ..ended(claim, TaskEvent::Release, second(2)) };
    assert_eq!(worker.settle(end).await, Settled::As(TaskState::Queued));
    assert_eq!(standing(&store.task(claim.id).await), (TaskState::Queued, 0, 0, 1));
    assert_eq!(store.story(claim.id).await.faults, []);
    assert_eq!(worker.claim_one(second(2)).await, Claim { fence: 2, ..claim });
}

async fn who_does_not_obey_a_time_out_is_shut_out(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claim) = running(&store, NewTask { max_retries: 0, ..task(1) }).await;
    assert_eq!(
        worker.settle(ended(claim, TaskEvent::Overdue, second(2))).await,
        Settled::As(TaskState::Failed)
    );
    let task = store.task(claim.id).await;
    assert_eq!(standing(&task), (TaskState::Failed, 1, 0, 2));
    assert_eq!(task.reason, Some(EndReason::RetriesUsedUp));
    assert_eq!(worker.settle(ended(claim, TaskEvent::Success, second(3))).await, Settled::Stale);
}

async fn who_was_asked_to_end_does_not_go_back_to_the_queue(setup: Setup) {
    for event in [TaskEvent::Yield, TaskEvent::Error, TaskEvent::Overdue, TaskEvent::Release] {
        let store = Store::new(&setup).await;
        let (worker, claim) = running(&store, task(1)).await;
        store.database.tasks().cancel(claim.id, second(2)).await.expect("asked");
        let settled = worker.settle(ended(claim, event, second(3))).await;
        assert_eq!(settled, Settled::As(TaskState::Cancelled), "{event:?}");
        let task = store.task(claim.id).await;
        assert_eq!((task.reason, task.finished_at), (Some(EndReason::Cancelled), Some(second(3))));
    }
}

async fn nobody_yields_without_being_asked(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claim) = running(&store, task(1)).await;
    let settled = worker.ledger.settle(&ended(claim, TaskEvent::Yield, second(2))).await;
    assert!(matches!(settled, Err(Error::Internal { .. })), "{settled:?}");
    assert_eq!(store.states(&[claim.id]).await, [TaskState::Running]);
}

async fn a_success_that_comes_first_wins(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, claim) = running(&store, task(1)).await;
    store.database.tasks().cancel(claim.id, second(2)).await.expect("asked");
    let settled = worker.settle(ended(claim, TaskEvent::Success, second(3))).await;
    assert_eq!(settled, Settled::As(TaskState::Succeeded));
    assert_eq!(store.task(claim.id).await.reason, None);
}

async fn the_last_faults_are_kept(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, mut claim) = running(&store, NewTask { max_retries: 20, ..task(1) }).await;
    for run in 1..=12 {
        let end = Settlement { due_at: second(run), ..ended(claim, TaskEvent::Error, second(run)) };
        worker.settle(end).await;
        claim = worker.claim_one(second(run)).await;
    }
    let faults = store.story(claim.id).await.faults;
    assert_eq!(faults.iter().map(|fault| fault.attempt).collect::<Vec<_>>(), (3..=12).collect::<Vec<_>>());
    assert_eq!(store.kept.count("task_faults").await, 10);
}
