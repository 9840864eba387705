//! From queued to running.

use super::{
    super::{
        Store,
        tasks::build::{alone, chain, group, queue, task},
    },
    LEASE, Leased, second,
};
use application::{Claim, Claiming, Then};
use domain::{NewTask, Place, Priority, SessionId, Standing, TaskEvent, TaskId, TaskState};
use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks};
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

on_both_stacks!(
    two_claims_never_share_a_task,
    tasks_are_claimed_by_queue_priority_due_time_and_id,
    no_more_is_claimed_than_each_queue_and_all_together_allow,
    nothing_is_claimed_before_it_is_due,
    only_a_session_that_is_alive_can_claim,
    a_claim_tells_all_that_a_worker_needs,
    what_waits_for_others_is_not_claimed,
    a_claim_is_seen_by_everybody,
    a_session_can_be_asked_what_it_holds,
    a_new_run_begins_without_the_progress_of_the_last,
    a_row_that_breaks_a_rule_fails_and_the_others_run,
    a_suspect_that_breaks_a_rule_fails,
);

async fn two_claims_never_share_a_task(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&Then { tasks: (0..100).map(task).collect(), ..Then::default() }).await;
    let mut workers = Vec::new();
    for number in 1..=8 {
        workers.push(Leased::open(&store, number, second(0)).await);
    }
    let until_empty = workers.into_iter().map(|worker| {
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = worker.claim(7, second(1)).await;
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|claimed| claimed.claim.id));
            }
        })
    });
    let claimed: Vec<TaskId> =
        join_all(until_empty).await.into_iter().flat_map(|mine| mine.expect("no panic")).collect();
    assert_eq!(claimed.len(), 100);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 100);
}

async fn tasks_are_claimed_by_queue_priority_due_time_and_id(setup: Setup) {
    let store = Store::new(&setup).await;
    let due = |number, name, priority, due| NewTask {
        queue: queue(name),
        priority,
        due_at: second(due),
        ..task(number)
    };
    let tasks = vec![
        due(1, "mail", Priority::High, 0),
        due(2, "default", Priority::Low, 0),
        due(3, "default", Priority::Normal, 2),
        due(5, "default", Priority::Normal, 1),
        due(4, "default", Priority::Normal, 1),
        due(6, "default", Priority::High, 3),
        due(7, "other", Priority::High, 0),
    ];
    let expected: Vec<TaskId> =
        [5, 4, 3, 2, 1, 0].map(|place: usize| tasks[[0, 1, 2, 3, 4, 5][place]].id).into();
    store.scheduled(&Then { tasks, ..Then::default() }).await;
    let claimed = Leased::open(&store, 1, second(0)).await.claim(10, second(9)).await;
    let claimed: Vec<TaskId> = claimed.into_iter().map(|claimed| claimed.claim.id).collect();
    let [high, five, four, three, low, mail]: [TaskId; 6] = expected.try_into().expect("six");
    assert_eq!(claimed, [high, four.min(five), four.max(five), three, low, mail]);
}

async fn no_more_is_claimed_than_each_queue_and_all_together_allow(setup: Setup) {
    let store = Store::new(&setup).await;
    let mail = |number| NewTask { queue: queue("mail"), ..task(number) };
    let tasks = (0..5).map(task).chain((5..10).map(mail)).collect();
    store.scheduled(&Then { tasks, ..Then::default() }).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = async |default, mail, limit| {
        let queues = vec![(queue("default"), default), (queue("mail"), mail)];
        let claiming = Claiming { session: worker.id, queues, limit, now: second(1) };
        let claimed = worker.ledger.claim(&claiming).await.expect("an answer");
        let default = claimed.iter().filter(|claimed| claimed.queue.as_str() == "default").count();
        (default, claimed.len() - default)
    };
    assert_eq!(claim(2, 1, 9).await, (2, 1));
    assert_eq!(claim(9, 9, 4).await, (3, 1));
    assert_eq!(claim(9, 0, 9).await, (0, 0));
    assert_eq!(claim(9, 9, 0).await, (0, 0));
    assert_eq!(claim(9, 9, 9).await, (0, 3));
}

async fn nothing_is_claimed_before_it_is_due(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(NewTask { due_at: second(5), ..task(1) })).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    assert_eq!(worker.claim(1, second(5) - Duration::from_micros(1)).await, []);
    assert_eq!(worker.claim(1, second(5)).await.len(), 1);
}

async fn only_a_session_that_is_alive_can_claim(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(task(1))).await;
    let (expired, closed) =
        (Leased::open(&store, 1, second(0)).await, Leased::open(&store, 2, second(0)).await);
    closed.ledger.close(closed.id, second(1)).await.expect("closed");
    let nobody = Leased { ledger: store.database.ledger(), id: SessionId(Uuid::from_u128(3)) };
    let end = second(0) + LEASE;
    for (worker, now) in [(&expired, end), (&closed, second(1)), (&nobody, second(1))] {
        assert_eq!(worker.claim(1, now).await, [], "{:?}", worker.id);
    }
    assert_eq!(expired.claim(1, end - Duration::from_micros(1)).await.len(), 1);
}

async fn a_claim_tells_all_that_a_worker_needs(setup: Setup) {
    let store = Store::new(&setup).await;
    let link = NewTask { max_retries: 7, timeout: Duration::from_millis(1_234), ..task(1) };
    let then = chain(vec![link, task(2)]);
    let [link, _] = store.scheduled(&then).await[..] else { panic!("two") };
    let worker = Leased::open(&store, 1, second(0)).await;
    let claimed = worker.claim(9, second(3)).await.pop().expect("one");
    let new = &then.tasks[0];
    assert_eq!(claimed.claim, Claim { id: link, fence: 1 });
    assert_eq!((&claimed.kind, &claimed.queue, claimed.priority), (&new.kind, &new.queue, new.priority));
    assert_eq!(claimed.standing, new.standing().transition(TaskEvent::Claim).expect("an edge"));
    assert_eq!(claimed.place, Place::Link { chain: link, position: 0, length: 2 });
    assert_eq!((&claimed.payload, &claimed.request_id), (&new.payload, &new.request_id));
    assert_eq!(claimed.timeout, new.timeout);
    assert_eq!((claimed.due_at, claimed.created_at), (new.due_at, new.created_at));
}

async fn what_waits_for_others_is_not_claimed(setup: Setup) {
    let store = Store::new(&setup).await;
    let links = store.scheduled(&chain((1..4).map(task).collect())).await;
    let members = store.scheduled(&group(vec![task(4), task(5)], task(6))).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    let claimed: Vec<TaskId> = worker.claim(9, second(1)).await.iter().map(|c| c.claim.id).collect();
    assert_eq!(claimed, [links[0], members[0], members[1]]);
}

async fn a_claim_is_seen_by_everybody(setup: Setup) {
    let store = Store::new(&setup).await;
    let id = store.scheduled(&alone(task(1))).await[0];
    Leased::open(&store, 1, second(0)).await.claim_one(second(3)).await;
    let task = store.task(id).await;
    assert_eq!((task.standing.state, task.standing.attempt, task.fence), (TaskState::Running, 1, 1));
    assert_eq!((task.started_at, task.version.number()), (Some(second(3)), 2));
}

async fn a_session_can_be_asked_what_it_holds(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&Then { tasks: (1..4).map(task).collect(), ..Then::default() }).await;
    let (worker, other) =
        (Leased::open(&store, 1, second(0)).await, Leased::open(&store, 2, second(0)).await);
    let mut claims: Vec<Claim> = worker.claim(2, second(1)).await.iter().map(|c| c.claim).collect();
    other.claim_one(second(1)).await;
    let held = async || {
        let mut held = worker.ledger.held(worker.id).await.expect("an answer");
        held.sort_by_key(|claim| claim.id);
        held
    };
    assert_eq!(held().await, claims);
    let last = claims.pop().expect("two");
    worker.settle(super::ended(last, TaskEvent::Success, second(2))).await;
    assert_eq!(held().await, claims);
}

async fn a_new_run_begins_without_the_progress_of_the_last(setup: Setup) {
    let store = Store::new(&setup).await;
    let id = store.scheduled(&alone(task(1))).await[0];
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    let half = domain::Progress::new(0.5, "half");
    worker.ledger.progress(claim, &half).await.expect("an answer");
    worker.settle(super::ended(claim, TaskEvent::Error, second(1))).await;
    assert_eq!(store.task(id).await.progress, Some(half));
    worker.claim_one(second(20)).await;
    assert_eq!(store.task(id).await.progress, None);
    let standing = Standing { attempt: 2, state: TaskState::Running, ..Standing::new(false, 3) };
    assert_eq!(store.task(id).await.standing, standing);
}

/// A chain whose first link can never run.
async fn broken(store: &Store) -> TaskId {
    let links = store.scheduled(&chain(vec![task(1), task(2)])).await;
    let broken = format!("UPDATE tasks SET chain_length = -1 WHERE id = '{}'", links[0].0);
    store.kept.execute(&broken).await;
    links[0]
}

/// It has failed, with what was wrong, and whoever waited for it is cancelled.
async fn has_failed(store: &Store, id: TaskId) {
    for (rows, count) in [
        (format!("tasks WHERE id = '{}' AND state = 'failed' AND reason = 'unrecoverable'", id.0), 1),
        (format!("task_faults WHERE task_id = '{}' AND message LIKE '%chain_length%'", id.0), 1),
        ("tasks WHERE reason = 'predecessor_ended'".to_owned(), 1),
        ("tasks WHERE state = 'running'".to_owned(), 0),
    ] {
        assert_eq!(store.kept.count(&rows).await, count, "{rows}");
    }
}

async fn a_row_that_breaks_a_rule_fails_and_the_others_run(setup: Setup) {
    let store = Store::new(&setup).await;
    let broken = broken(&store).await;
    let sane = store.scheduled(&alone(task(3))).await[0];
    let worker = Leased::open(&store, 1, second(0)).await;
    let claim = worker.claim_one(second(1)).await;
    assert_eq!(claim.id, sane);
    worker.settle(super::ended(claim, TaskEvent::Success, second(2))).await;
    has_failed(&store, broken).await;
}

async fn a_suspect_that_breaks_a_rule_fails(setup: Setup) {
    let store = Store::new(&setup).await;
    let broken = broken(&store).await;
    store.kept.execute("UPDATE tasks SET crashes = 1").await;
    let worker = Leased::open(&store, 1, second(0)).await;
    assert_eq!(worker.claim_suspect(second(1)).await, None);
    has_failed(&store, broken).await;
}
