//! Keys that only one unfinished task of a kind may have.

use super::{
    super::{
        Store,
        persons::person,
        tasks::build::{alone, task},
    },
    Leased, ended, second,
};
use application::Then;
use domain::{NewTask, TaskEvent, TaskId, UniqueKey};
use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks};
use std::collections::BTreeSet;

on_both_stacks!(
    a_key_leads_to_the_task_that_has_it,
    a_key_is_free_once_its_task_has_ended,
    of_many_that_want_a_key_at_once_one_has_it,
    a_key_that_is_taken_fails_no_other_write,
    keys_and_other_tasks_go_together,
);

fn keyed(number: u128, key: &str) -> NewTask {
    NewTask { unique_key: Some(UniqueKey::parse(key).expect("a key")), ..task(number) }
}

async fn a_key_leads_to_the_task_that_has_it(setup: Setup) {
    let store = Store::new(&setup).await;
    let first = store.scheduled(&alone(keyed(1, "ada"))).await;
    assert_eq!(store.scheduled(&alone(keyed(2, "ada"))).await, first);
    let other_kind = NewTask { kind: "OTHER".to_owned(), ..keyed(3, "ada") };
    assert_eq!(store.scheduled(&alone(other_kind)).await, [task(3).id]);
    assert_eq!(store.scheduled(&alone(keyed(4, "Ada"))).await, [task(4).id]);
    assert_eq!(store.kept.count("tasks").await, 3);
}

async fn a_key_is_free_once_its_task_has_ended(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    for (number, event) in [(1, TaskEvent::Success), (2, TaskEvent::Fatal)] {
        store.scheduled(&alone(keyed(number, "ada"))).await;
        let claim = worker.claim_one(second(1)).await;
        assert_eq!(store.scheduled(&alone(keyed(9, "ada"))).await, [claim.id], "while it runs");
        worker.settle(ended(claim, event, second(1))).await;
    }
    assert_eq!(store.scheduled(&alone(keyed(3, "ada"))).await, [task(3).id]);
}

async fn of_many_that_want_a_key_at_once_one_has_it(setup: Setup) {
    let store = Store::new(&setup).await;
    let wanted = (1..=20).map(|number| {
        let tasks = store.database.tasks();
        tokio::spawn(async move { tasks.schedule(&alone(keyed(number, "ada"))).await.expect("scheduled") })
    });
    let ids: BTreeSet<TaskId> =
        join_all(wanted).await.into_iter().flat_map(|ids| ids.expect("no panic")).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(store.kept.count("tasks").await, 1);
}

async fn a_key_that_is_taken_fails_no_other_write(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(keyed(1, "ada"))).await;
    let ada = person(1, "Ada", "ada@example.com");
    store.persons().insert(&ada, &alone(keyed(2, "ada"))).await.expect("inserted");
    assert_eq!(store.persons().find(ada.id()).await.expect("an answer"), Some(ada));
}

async fn keys_and_other_tasks_go_together(setup: Setup) {
    let store = Store::new(&setup).await;
    let tasks = vec![task(1), task(2), keyed(3, "ada"), keyed(4, "ada"), keyed(5, "eve"), task(6)];
    let ids = store.scheduled(&Then { tasks, ..Then::default() }).await;
    assert_eq!(ids, [1, 2, 3, 3, 5, 6].map(|number| task(number).id));
}
