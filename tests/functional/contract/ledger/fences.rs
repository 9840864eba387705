//! Whoever has lost a claim writes nothing.

use super::{
    super::{
        Store, at,
        persons::{details, person},
        tasks::build::{alone, chain, task},
    },
    LEASE, Leased, ended, second,
};
use application::{Claim, Error, Finished, Settle, Settled, Then};
use domain::{Progress, TaskEvent, TaskState, Version};
use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    a_claim_that_was_taken_over_writes_nothing,
    a_claim_that_was_given_back_writes_nothing,
    progress_is_written_and_answered_with_whether_to_end,
    an_end_is_written_once,
    in_a_batch_each_claim_stands_for_itself,
    what_is_finished_has_its_result,
    a_write_of_the_handler_settles_its_task,
    a_write_of_a_handler_that_has_lost_its_claim_is_rolled_back,
    of_many_ends_of_one_claim_one_is_written,
);

fn finished(claim: Claim) -> Finished {
    Finished { claim, result: "{\"late\": true}".to_owned() }
}

/// Everything that a worker can write about its claim changes nothing.
async fn assert_lost(store: &Store, worker: &Leased, claim: Claim) {
    let before = store.story(claim.id).await;
    for event in
        [TaskEvent::Success, TaskEvent::Error, TaskEvent::Fatal, TaskEvent::Overdue, TaskEvent::Release]
    {
        assert_eq!(worker.settle(ended(claim, event, second(500))).await, Settled::Stale, "{event:?}");
    }
    assert_eq!(worker.ledger.finish(&[finished(claim)], second(500)).await.expect("an answer"), [false]);
    let progress = worker.ledger.progress(claim, &Progress::new(0.9, "late")).await;
    assert_eq!(progress.expect("an answer"), None);
    let settle = Settle { claim, result: "1".to_owned(), at: second(500) };
    let then = Then { tasks: vec![task(99)], settle: Some(settle), ..Then::default() };
    let written = store.database.tasks().schedule(&then).await;
    assert!(matches!(written, Err(Error::Stale { kind: "task" })), "{written:?}");
    assert_eq!(store.story(claim.id).await, before);
}

async fn a_claim_that_was_taken_over_writes_nothing(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(task(1))).await;
    let dead = Leased::open(&store, 1, second(0)).await;
    let claim = dead.claim_one(second(1)).await;
    let heir = Leased::open(&store, 2, second(60)).await;
    assert_eq!(heir.reclaim(second(60)).await.requeued, 1);
    assert_lost(&store, &dead, claim).await;
    let taken = heir.claim_suspect(second(61)).await.expect("one").claim;
    assert_eq!(taken, Claim { fence: 3, ..claim });
    assert_lost(&store, &dead, claim).await;
    assert_eq!(
        heir.settle(ended(taken, TaskEvent::Success, second(62))).await,
        Settled::As(TaskState::Succeeded)
    );
    assert_lost(&store, &dead, claim).await;
}

async fn a_claim_that_was_given_back_writes_nothing(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(task(1))).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    assert_eq!(
        worker.settle(ended(claim, TaskEvent::Release, second(2))).await,
        Settled::As(TaskState::Queued)
    );
    assert_lost(&store, &worker, claim).await;
}

async fn progress_is_written_and_answered_with_whether_to_end(setup: Setup) {
    let store = Store::new(&setup).await;
    let id = store.scheduled(&alone(task(1))).await[0];
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    let progress = Progress::new(0.25, "a quarter");
    let written = async || worker.ledger.progress(claim, &progress).await.expect("an answer");
    assert_eq!(written().await, Some(false));
    let seen = store.task(id).await;
    assert_eq!((seen.progress, seen.version.number()), (Some(progress.clone()), 3));
    store.database.tasks().cancel(id, second(3)).await.expect("asked");
    assert_eq!(written().await, Some(true));
}

async fn an_end_is_written_once(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&Then { tasks: vec![task(1), task(2)], ..Then::default() }).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    let claims: Vec<Claim> = worker.claim(2, second(1)).await.iter().map(|claimed| claimed.claim).collect();
    assert_eq!(
        worker.settle(ended(claims[0], TaskEvent::Success, second(2))).await,
        Settled::As(TaskState::Succeeded)
    );
    let (first, second_run) = (store.story(claims[0].id).await, second(3));
    for event in [TaskEvent::Success, TaskEvent::Error] {
        assert_eq!(worker.settle(ended(claims[0], event, second_run)).await, Settled::Already, "{event:?}");
    }
    assert_eq!(worker.ledger.finish(&[finished(claims[0])], second_run).await.expect("an answer"), [true]);
    assert_eq!(store.story(claims[0].id).await, first);
    assert_eq!(
        worker.settle(ended(claims[1], TaskEvent::Fatal, second(2))).await,
        Settled::As(TaskState::Failed)
    );
    assert_eq!(worker.settle(ended(claims[1], TaskEvent::Fatal, second_run)).await, Settled::Stale);
}

async fn in_a_batch_each_claim_stands_for_itself(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&Then { tasks: (1..=5).map(task).collect(), ..Then::default() }).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    let claims: Vec<Claim> = worker.claim(4, second(1)).await.iter().map(|claimed| claimed.claim).collect();
    worker.settle(ended(claims[1], TaskEvent::Release, second(1))).await;
    let batch = [
        finished(claims[2]),
        finished(claims[1]),
        finished(Claim { fence: 7, ..claims[0] }),
        finished(Claim { id: ids[4], fence: 0 }),
        finished(claims[3]),
    ];
    let held = worker.ledger.finish(&batch, second(2)).await.expect("an answer");
    assert_eq!(held, [true, false, false, false, true]);
    use TaskState::{Queued, Running, Succeeded};
    assert_eq!(store.states(&ids).await, [Running, Queued, Succeeded, Succeeded, Queued]);
    assert_eq!(worker.ledger.finish(&[], second(2)).await.expect("an answer"), [false; 0]);
}

async fn what_is_finished_has_its_result(setup: Setup) {
    let store = Store::new(&setup).await;
    let id = store.scheduled(&alone(task(1))).await[0];
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    let large = format!("{{\"text\": \"{} \u{1f469}\"}}", "x".repeat(200_000));
    let finished = Finished { claim, result: large.clone() };
    assert_eq!(worker.ledger.finish(&[finished], second(2)).await.expect("an answer"), [true]);
    let task = store.task(id).await;
    assert_eq!((task.standing.state, task.finished_at), (TaskState::Succeeded, Some(second(2))));
    assert_eq!((task.result, task.version.number(), task.fence), (Some(large), 3, 1));
}

async fn a_write_of_the_handler_settles_its_task(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&chain(vec![task(1), task(2)])).await;
    let mut ada = person(1, "Ada", "ada@example.com");
    store.persons().insert(&ada, &Then::nothing()).await.expect("inserted");
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    ada.replace(details("Ada", "ada@example.com", 37), at(1));
    let settle = Settle { claim, result: "{\"age\": 37}".to_owned(), at: second(2) };
    let then = Then { tasks: vec![task(3)], settle: Some(settle), ..Then::default() };
    store.rung();
    store.persons().update(&ada, Version::FIRST, &then).await.expect("updated");
    let queued = [ids[0], ids[1], then.tasks[0].id];
    assert_eq!(store.states(&queued).await, [TaskState::Succeeded, TaskState::Queued, TaskState::Queued]);
    assert_eq!(store.task(ids[0]).await.result.as_deref(), Some("{\"age\": 37}"));
    assert_eq!(store.rung(), ["default"]);
    assert_eq!(worker.settle(ended(claim, TaskEvent::Success, second(3))).await, Settled::Already);
}

async fn a_write_of_a_handler_that_has_lost_its_claim_is_rolled_back(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(task(1))).await;
    let mut ada = person(1, "Ada", "ada@example.com");
    store.persons().insert(&ada, &Then::nothing()).await.expect("inserted");
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    worker.reclaim(second(0) + LEASE).await;
    ada.replace(details("Ada", "ada@example.com", 37), at(1));
    let settle = Settle { claim, result: "1".to_owned(), at: second(2) };
    let then = Then { tasks: vec![task(3)], settle: Some(settle), ..Then::default() };
    store.rung();
    for written in [
        store.persons().update(&ada, Version::FIRST, &then).await,
        store.persons().insert(&person(2, "Eve", "eve@example.com"), &then).await,
        store.persons().delete(ada.id(), Version::FIRST, &then).await,
    ] {
        assert!(matches!(written, Err(Error::Stale { kind: "task" })), "{written:?}");
    }
    let stored = store.persons().find(ada.id()).await.expect("an answer").expect("she is there");
    assert_eq!(stored.version(), Version::FIRST);
    assert_eq!(store.kept.count("persons").await, 1);
    assert_eq!(store.kept.count("tasks").await, 1);
    assert_eq!(store.rung(), [""; 0]);
}

async fn of_many_ends_of_one_claim_one_is_written(setup: Setup) {
    let store = Store::new(&setup).await;
    let id = store.scheduled(&alone(task(1))).await[0];
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    let ends = [TaskEvent::Success, TaskEvent::Error, TaskEvent::Release, TaskEvent::Fatal].map(|event| {
        let worker = worker.clone();
        tokio::spawn(async move { worker.settle(ended(claim, event, second(2))).await })
    });
    let settled: Vec<Settled> = join_all(ends).await.into_iter().map(|end| end.expect("no panic")).collect();
    let written: Vec<&Settled> = settled.iter().filter(|settled| matches!(settled, Settled::As(_))).collect();
    let state = store.task(id).await.standing.state;
    assert_eq!(written, [&Settled::As(state)], "{settled:?}");
    assert_eq!(store.task(id).await.version.number(), 3);
}
