//! What was lost with its worker runs alone.

use super::{
    super::{
        Store,
        tasks::build::{alone, queue, task},
    },
    Leased, ended, queues, second, session,
};
use application::{NewSession, Then};
use domain::{NewTask, QueueName, TaskEvent, TaskId};
use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    a_suspect_is_not_claimed_with_others,
    one_suspect_runs_in_each_queue_at_a_time,
    of_many_that_want_a_suspect_one_has_it,
    a_suspect_is_claimed_by_a_session_that_is_alive_once_it_is_due,
    a_suspect_that_has_ended_is_none_any_more,
    one_of_those_that_serve_a_queue_is_quiet_for_it,
    whoever_is_dead_is_not_quiet,
    nobody_is_quiet_where_there_is_no_reason,
);

/// So many tasks of each queue that were lost with a worker; 60 seconds have passed.
async fn suspects(store: &Store, each: u128) -> Vec<TaskId> {
    let mail = |number| NewTask { queue: queue("mail"), ..task(number) };
    let tasks = (0..each).map(task).chain((100..100 + each).map(mail)).collect();
    let ids = store.scheduled(&Then { tasks, ..Then::default() }).await;
    let dead = Leased::open(store, 99, second(0)).await;
    dead.claim(1000, second(1)).await;
    assert_eq!(dead.reclaim(second(60)).await.requeued as usize, ids.len());
    ids
}

async fn suspicious(worker: &Leased, queues: &[QueueName]) -> bool {
    worker.ledger.has_suspect(queues, second(61)).await.expect("an answer")
}

async fn a_suspect_is_not_claimed_with_others(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = suspects(&store, 1).await;
    let sane = store.scheduled(&alone(task(50))).await;
    let worker = Leased::open(&store, 1, second(60)).await;
    assert_eq!(worker.claim_one(second(61)).await.id, sane[0]);
    assert!(suspicious(&worker, &queues()).await);
    let suspect = worker.claim_suspect(second(61)).await.expect("one");
    assert_eq!((suspect.claim.id, suspect.claim.fence, suspect.standing.crashes), (ids[0], 3, 1));
    assert_eq!(suspect.queue.as_str(), "default");
}

async fn one_suspect_runs_in_each_queue_at_a_time(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = suspects(&store, 2).await;
    let worker = Leased::open(&store, 1, second(60)).await;
    let first = worker.claim_suspect(second(61)).await.expect("one").claim;
    assert_eq!(first.id, ids[0]);
    assert!(!suspicious(&worker, &[queue("default")]).await);
    assert!(suspicious(&worker, &queues()).await);
    assert_eq!(worker.claim_suspect(second(61)).await.expect("one").claim.id, ids[2]);
    assert!(!suspicious(&worker, &queues()).await);
    assert_eq!(worker.claim_suspect(second(61)).await, None);
    worker.settle(ended(first, TaskEvent::Success, second(62))).await;
    assert_eq!(worker.claim_suspect(second(62)).await.expect("one").claim.id, ids[1]);
}

async fn of_many_that_want_a_suspect_one_has_it(setup: Setup) {
    let store = Store::new(&setup).await;
    suspects(&store, 6).await;
    for _ in 0..5 {
        let mut workers = Vec::new();
        for number in 1..=8 {
            let id =
                number + 10 * u128::try_from(store.kept.count("task_sessions").await).expect("not negative");
            workers.push(Leased::open(&store, id, second(60)).await);
        }
        let wanted = workers
            .iter()
            .cloned()
            .map(|worker| tokio::spawn(async move { (worker.claim_suspect(second(61)).await, worker) }));
        let wanted = join_all(wanted).await.into_iter().map(|wanted| wanted.expect("no panic"));
        let claimed: Vec<_> = wanted.filter_map(|(claimed, worker)| Some((claimed?, worker))).collect();
        let mut from: Vec<&str> = claimed.iter().map(|(claimed, _)| claimed.queue.as_str()).collect();
        from.sort_unstable();
        from.dedup();
        assert!(!from.is_empty() && from.len() == claimed.len(), "{claimed:?}", claimed = claimed.len());
        for (claimed, worker) in claimed {
            worker.settle(ended(claimed.claim, TaskEvent::Success, second(62))).await;
        }
    }
}

async fn a_suspect_is_claimed_by_a_session_that_is_alive_once_it_is_due(setup: Setup) {
    let store = Store::new(&setup).await;
    suspects(&store, 1).await;
    let worker = Leased::open(&store, 1, second(60)).await;
    assert_eq!(worker.claim_suspect(second(120)).await, None, "expired");
    let early = second(-1);
    assert_eq!(worker.claim_suspect(early).await, None, "not due");
    assert!(!worker.ledger.has_suspect(&queues(), early).await.expect("an answer"));
    assert!(!suspicious(&worker, &[queue("other")]).await);
    assert!(!suspicious(&worker, &[]).await);
}

async fn a_suspect_that_has_ended_is_none_any_more(setup: Setup) {
    let store = Store::new(&setup).await;
    suspects(&store, 1).await;
    let worker = Leased::open(&store, 1, second(60)).await;
    while let Some(claimed) = worker.claim_suspect(second(61)).await {
        worker.settle(ended(claimed.claim, TaskEvent::Fatal, second(61))).await;
    }
    assert!(!suspicious(&worker, &queues()).await);
}

async fn quiet(worker: &Leased, queues: &[QueueName], now: i64) -> bool {
    worker.ledger.go_quiet(worker.id, queues, second(now)).await.expect("an answer")
}

/// A worker that serves these queues alone, from the 60th second on.
async fn serving(store: &Store, number: u128, names: &[&str]) -> Leased {
    let ledger = store.database.ledger();
    let queues = names.iter().copied().map(queue).collect();
    let new = NewSession { queues, ..session(number, second(60)) };
    ledger.open(&new).await.expect("opened");
    Leased { ledger, id: new.id }
}

async fn one_of_those_that_serve_a_queue_is_quiet_for_it(setup: Setup) {
    let store = Store::new(&setup).await;
    suspects(&store, 1).await;
    let (both, default) = (serving(&store, 1, &["default", "mail"]).await, [queue("default")]);
    let (other, mail) =
        (serving(&store, 2, &["default"]).await, serving(&store, 3, &["e-mail", "mail"]).await);
    assert!(quiet(&mail, &[queue("mail")], 61).await);
    assert!(quiet(&other, &default, 61).await, "who is quiet does not serve the queue");
    assert!(quiet(&other, &default, 61).await, "it is so already");
    assert!(!quiet(&both, &queues(), 61).await);
    other.ledger.end_quiet(other.id).await.expect("done");
    assert!(quiet(&both, &queues(), 61).await);
    assert!(!quiet(&other, &default, 61).await);
    // A name that contains another, or looks like it, is not that.
    both.ledger.end_quiet(both.id).await.expect("done");
    mail.ledger.end_quiet(mail.id).await.expect("done");
    let part = serving(&store, 4, &["e-mail", "mails", "m_il"]).await;
    store
        .kept
        .execute(&format!("UPDATE task_sessions SET quiet_since = started_at WHERE id = '{}'", part.id.0))
        .await;
    assert!(quiet(&mail, &[queue("mail")], 61).await);
}

async fn whoever_is_dead_is_not_quiet(setup: Setup) {
    let store = Store::new(&setup).await;
    suspects(&store, 1).await;
    let closed = Leased::open(&store, 1, second(60)).await;
    assert!(quiet(&closed, &queues(), 61).await);
    closed.ledger.close(closed.id, second(62)).await.expect("closed");
    assert!(!quiet(&closed, &queues(), 62).await);
    let expired = Leased::open(&store, 2, second(60)).await;
    assert!(quiet(&expired, &queues(), 62).await);
    let heir = Leased::open(&store, 3, second(100)).await;
    assert!(!quiet(&heir, &queues(), 119).await);
    assert!(!quiet(&expired, &queues(), 120).await);
    assert!(quiet(&heir, &queues(), 120).await);
}

async fn nobody_is_quiet_where_there_is_no_reason(setup: Setup) {
    let store = Store::new(&setup).await;
    suspects(&store, 2).await;
    store.scheduled(&alone(task(50))).await;
    let worker = Leased::open(&store, 1, second(60)).await;
    assert!(!quiet(&worker, &[queue("other")], 61).await);
    assert!(!quiet(&worker, &[], 61).await);
    assert!(!quiet(&worker, &queues(), -1).await, "they are not due");
    worker.claim_suspect(second(61)).await.expect("one");
    assert!(!quiet(&worker, &[queue("default")], 61).await, "one runs there");
    assert!(quiet(&worker, &queues(), 61).await);
}
