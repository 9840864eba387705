//! What dead and closed sessions hold is taken from them.

use super::{
    super::{
        Store,
        tasks::build::{alone, chain, task},
    },
    LEASE, Leased, ended, second,
};
use application::{Lost, Reclaimed, Then};
use domain::{EndReason, FaultCode, TaskEvent, TaskId, TaskState};
use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    what_an_expired_session_holds_is_requeued_as_a_crash,
    what_a_closed_session_holds_is_given_back_without_a_crash,
    nothing_is_taken_from_a_session_that_is_alive,
    the_third_crash_ends_the_task_and_those_that_wait_for_it,
    what_was_to_end_is_cancelled,
    a_claim_that_is_committed_late_is_found,
    a_session_that_holds_something_is_not_forgotten,
    no_more_is_taken_than_wanted,
    of_many_that_reclaim_at_once_one_takes_each_task,
    a_session_is_forgotten_once_a_lease_has_passed,
);

const NOTHING: Reclaimed =
    Reclaimed { requeued: 0, released: 0, failed: Vec::new(), cancelled: 0, sessions: 0 };

/// As many tasks, claimed by the session 1.
async fn held(store: &Store, number: u128) -> (Leased, Vec<TaskId>) {
    let ids = store.scheduled(&Then { tasks: (0..number).map(task).collect(), ..Then::default() }).await;
    let worker = Leased::open(store, 1, second(0)).await;
    assert_eq!(worker.claim(1000, second(1)).await.len(), ids.len());
    (worker, ids)
}

async fn what_an_expired_session_holds_is_requeued_as_a_crash(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = held(&store, 1).await;
    assert_eq!(worker.reclaim(second(60)).await, Reclaimed { requeued: 1, ..NOTHING });
    assert_eq!(worker.reclaim(second(60)).await, NOTHING);
    let story = store.story(ids[0]).await;
    let (standing, task) = (story.task.standing, &story.task);
    assert_eq!((standing.state, standing.attempt, standing.crashes), (TaskState::Queued, 0, 1));
    assert_eq!((task.fence, task.version.number(), task.due_at), (2, 3, second(0)));
    let faults: Vec<_> =
        story.faults.iter().map(|fault| (fault.attempt, fault.at, fault.fault.code)).collect();
    assert_eq!(faults, [(1, second(60), FaultCode::WorkerLost)]);
}

async fn what_a_closed_session_holds_is_given_back_without_a_crash(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = held(&store, 1).await;
    worker.ledger.close(worker.id, second(2)).await.expect("closed");
    assert_eq!(worker.reclaim(second(3)).await, Reclaimed { released: 1, ..NOTHING });
    let story = store.story(ids[0]).await;
    let standing = story.task.standing;
    assert_eq!((standing.state, standing.attempt, standing.crashes), (TaskState::Queued, 0, 0));
    assert_eq!(story.faults, []);
    let heir = Leased::open(&store, 2, second(3)).await;
    assert_ne!(heir.claim_one(second(3)).await.fence, 1, "the handler may be at work still");
}

async fn nothing_is_taken_from_a_session_that_is_alive(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = held(&store, 1).await;
    let dead = Leased::open(&store, 2, second(-100)).await;
    assert_eq!(dead.reclaim(second(59)).await, Reclaimed { sessions: 1, ..NOTHING });
    assert_eq!(worker.reclaim(second(59)).await, NOTHING);
    assert_eq!(store.states(&ids).await, [TaskState::Running]);
}

async fn the_third_crash_ends_the_task_and_those_that_wait_for_it(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&chain(vec![task(1), task(2)])).await;
    for crash in 1..=3 {
        let begin = second(100 * crash);
        let worker = Leased::open(&store, u128::try_from(crash).expect("positive"), begin).await;
        match crash {
            1 => worker.claim_one(begin).await,
            _ => worker.claim_suspect(begin).await.expect("one").claim,
        };
        let reclaimed = worker.reclaim(begin + LEASE).await;
        let lost = Lost { id: ids[0], kind: task(1).kind, queue: task(1).queue };
        let expected = if crash < 3 { (1, vec![]) } else { (0, vec![lost]) };
        assert_eq!((reclaimed.requeued, reclaimed.failed), expected);
    }
    assert_eq!(store.states(&ids).await, [TaskState::Failed, TaskState::Cancelled]);
    let task = store.task(ids[0]).await;
    assert_eq!((task.reason, task.standing.crashes), (Some(EndReason::WorkerLost), 3));
    assert_eq!(store.task(ids[1]).await.reason, Some(EndReason::PredecessorEnded));
}

async fn what_was_to_end_is_cancelled(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = held(&store, 1).await;
    store.database.tasks().cancel(ids[0], second(2)).await.expect("asked");
    assert_eq!(worker.reclaim(second(60)).await, Reclaimed { cancelled: 1, ..NOTHING });
    let task = store.task(ids[0]).await;
    assert_eq!((task.standing.state, task.reason), (TaskState::Cancelled, Some(EndReason::Cancelled)));
}

/// The claim has seen the session alive; its commit comes after the session was swept.
async fn a_claim_that_is_committed_late_is_found(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    let id = store.scheduled(&alone(task(1))).await[0];
    assert_eq!(worker.reclaim(second(60)).await, NOTHING);
    let late = format!(
        "UPDATE tasks SET state = 'running', session_id = '{}', attempt = 1, fence = 1, version = 2, started_at = due_at",
        worker.id.0
    );
    store.kept.execute(&late).await;
    assert_eq!(worker.reclaim(second(119)).await, Reclaimed { requeued: 1, ..NOTHING });
    assert_eq!(store.states(&[id]).await, [TaskState::Queued]);
}

async fn a_session_that_holds_something_is_not_forgotten(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, _) = held(&store, 3).await;
    let first = worker.ledger.reclaim(second(500), LEASE, 2).await.expect("an answer");
    assert_eq!(first, Reclaimed { requeued: 2, ..NOTHING });
    let rest = worker.ledger.reclaim(second(500), LEASE, 2).await.expect("an answer");
    assert_eq!(rest, Reclaimed { requeued: 1, sessions: 1, ..NOTHING });
}

async fn no_more_is_taken_than_wanted(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, _) = held(&store, 5).await;
    for taken in [2, 2, 1, 0] {
        let reclaimed = worker.ledger.reclaim(second(60), LEASE, 2).await.expect("an answer");
        assert_eq!(reclaimed, Reclaimed { requeued: taken, ..NOTHING });
    }
}

async fn of_many_that_reclaim_at_once_one_takes_each_task(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, ids) = held(&store, 40).await;
    let sweeps = (0..8).map(|_| {
        let worker = worker.clone();
        tokio::spawn(
            async move { worker.ledger.reclaim(second(60), LEASE, 7).await.expect("an answer").requeued },
        )
    });
    let mut taken: u32 = join_all(sweeps).await.into_iter().map(|sweep| sweep.expect("no panic")).sum();
    taken += worker.reclaim(second(60)).await.requeued;
    assert_eq!(taken, 40);
    for id in ids {
        assert_eq!(store.task(id).await.standing.crashes, 1);
    }
}

async fn a_session_is_forgotten_once_a_lease_has_passed(setup: Setup) {
    let store = Store::new(&setup).await;
    let (expired, closed) =
        (Leased::open(&store, 1, second(0)).await, Leased::open(&store, 2, second(0)).await);
    closed.ledger.close(closed.id, second(10)).await.expect("closed");
    for (now, forgotten, left) in [(69, 0, 2), (70, 1, 1), (119, 0, 1), (120, 1, 0), (121, 0, 0)] {
        assert_eq!(expired.reclaim(second(now)).await, Reclaimed { sessions: forgotten, ..NOTHING }, "{now}");
        let sessions = store.database.statistics().sessions().await.expect("an answer");
        assert_eq!(sessions.len(), left, "{now}");
    }
    // Who claims for a session that nobody knows is nobody.
    store.scheduled(&alone(task(1))).await;
    assert_eq!(expired.claim(1, second(1)).await, []);
    let late = ended(application::Claim { id: task(1).id, fence: 0 }, TaskEvent::Success, second(1));
    assert_eq!(expired.settle(late).await, application::Settled::Stale);
}
