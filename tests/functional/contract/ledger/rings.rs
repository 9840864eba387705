//! Who is told that something is due: after the commit, once for each queue.

use super::{
    super::{
        Store,
        persons::person,
        tasks::build::{alone, chain, queue, task},
    },
    Leased, ended, second,
};
use application::{Error, Settlement, Then};
use domain::{NewTask, TaskEvent};
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    the_doorbell_rings_once_for_each_queue,
    what_is_due_later_or_waits_does_not_ring,
    whatever_goes_back_to_the_queue_at_once_rings,
    what_is_rolled_back_does_not_ring,
);

async fn the_doorbell_rings_once_for_each_queue(setup: Setup) {
    let store = Store::new(&setup).await;
    let mail = |number| NewTask { queue: queue("mail"), ..task(number) };
    let tasks = vec![task(1), mail(2), task(3), mail(4)];
    store.scheduled(&Then { tasks, ..Then::default() }).await;
    assert_eq!(store.rung(), ["default", "mail"]);
    store.persons().insert(&person(1, "Ada", "ada@example.com"), &alone(mail(5))).await.expect("inserted");
    assert_eq!(store.rung(), ["mail"]);
}

async fn what_is_due_later_or_waits_does_not_ring(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(NewTask { due_at: second(5), ..task(1) })).await;
    assert_eq!(store.rung(), [""; 0]);
    let waits = NewTask { queue: queue("mail"), ..task(3) };
    store.scheduled(&chain(vec![task(2), waits])).await;
    assert_eq!(store.rung(), ["default"]);
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    worker.settle(ended(claim, TaskEvent::Success, second(1))).await;
    assert_eq!(store.rung(), ["mail"]);
}

async fn whatever_goes_back_to_the_queue_at_once_rings(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(task(1))).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    let mut claim = worker.claim_one(second(1)).await;
    store.rung();
    worker.settle(ended(claim, TaskEvent::Error, second(1))).await;
    assert_eq!(store.rung(), [""; 0], "due in ten seconds");
    claim = worker.claim_one(second(11)).await;
    worker.settle(Settlement { due_at: second(12), ..ended(claim, TaskEvent::Release, second(12)) }).await;
    assert_eq!(store.rung(), ["default"]);
    worker.claim_one(second(12)).await;
    worker.reclaim(second(60)).await;
    assert_eq!(store.rung(), ["default"]);
}

async fn what_is_rolled_back_does_not_ring(setup: Setup) {
    let store = Store::new(&setup).await;
    let ada = person(1, "Ada", "ada@example.com");
    store.persons().insert(&ada, &Then::nothing()).await.expect("inserted");
    let again = store.persons().insert(&person(2, "Eve", "ada@example.com"), &alone(task(1))).await;
    assert!(matches!(again, Err(Error::Conflict { field: "email", .. })), "{again:?}");
    let late = store.persons().delete(ada.id(), ada.version().next(), &alone(task(1))).await;
    assert!(matches!(late, Err(Error::Stale { kind: "person" })), "{late:?}");
    assert_eq!(store.rung(), [""; 0]);
    assert_eq!(store.kept.count("tasks").await, 0);
}
