//! The contract of `TaskStatistics`: figures of queues and processes.

use super::{
    Store, at,
    tasks::build::{alone, chain, id, queue, task},
};
use application::{Minute, NewSession, QueueDepth, Renewal, Role, SessionStatus};
use chrono::TimeDelta;
use domain::{NewTask, SessionId, TaskEvent};
use plinth_tests::{Setup, on_both_stacks};
use std::time::Duration;

on_both_stacks!(
    an_empty_ledger_has_no_depths,
    unfinished_tasks_are_counted_by_queue_and_state,
    the_oldest_that_is_due_is_the_one_that_waits_for_a_worker,
    minutes_are_told_from_the_one_that_is_asked_for,
    sessions_are_told_from_the_oldest,
);

async fn an_empty_ledger_has_no_depths(setup: Setup) {
    let store = Store::new(&setup).await;
    assert_eq!(store.database.statistics().depths(at(0)).await.expect("counted"), []);
    assert_eq!(store.database.statistics().minutes(at(0)).await.expect("read"), []);
    assert_eq!(store.database.statistics().sessions().await.expect("listed"), []);
}

async fn unfinished_tasks_are_counted_by_queue_and_state(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    let mail = |number| NewTask { queue: queue("mail"), ..task(number) };
    for new in [mail(1), mail(2), mail(3), mail(4)] {
        store.scheduled(&alone(new)).await;
    }
    let claims = worker.claim(3, at(5)).await;
    worker.succeed(claims[0].claim, at(6)).await;
    worker.fail(claims[1].claim, at(6)).await;
    store.scheduled(&chain((10..14).map(task).collect())).await;
    let later = store.scheduled(&alone(NewTask { due_at: at(100), ..task(20) })).await[0];
    store.scheduled(&alone(NewTask { queue: queue("empty"), ..task(21) })).await;
    store.database.tasks().cancel(task(21).id, at(6)).await.expect("cancelled");
    assert_eq!(store.task(later).await.due_at, at(100));
    let depth = |name, queued, running, waiting, oldest_due| QueueDepth {
        queue: queue(name),
        queued,
        running,
        waiting,
        oldest_due,
    };
    let depths = store.database.statistics().depths(at(50)).await.expect("counted");
    assert_eq!(depths, [depth("default", 2, 0, 3, Some(at(0))), depth("mail", 1, 1, 0, Some(at(0)))]);
}

async fn the_oldest_that_is_due_is_the_one_that_waits_for_a_worker(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    for (number, due) in [(1, 10), (2, 30), (3, 20)] {
        store.scheduled(&alone(NewTask { due_at: at(due), ..task(number) })).await;
    }
    let oldest = async |now| {
        let depths = store.database.statistics().depths(at(now)).await.expect("counted");
        depths[0].oldest_due
    };
    assert_eq!(oldest(9).await, None);
    assert_eq!(oldest(10).await, Some(at(10)));
    let claim = worker.claim_one(at(10)).await;
    assert_eq!(oldest(19).await, None);
    assert_eq!(oldest(40).await, Some(at(20)));
    worker.settle(claim, TaskEvent::Error, at(40)).await;
    assert_eq!(oldest(2_000_000).await, Some(at(20)));
}

fn session(number: u128, role: Role) -> NewSession {
    NewSession {
        id: SessionId(id(at(0), number << 32)),
        role,
        host: format!("host-{number}"),
        process: u32::MAX,
        queues: if role == Role::Worker { vec![queue("mail"), queue("default")] } else { vec![] },
        concurrency: 7,
        now: at(5),
        lease: Duration::from_secs(60),
    }
}

async fn minutes_are_told_from_the_one_that_is_asked_for(setup: Setup) {
    let store = Store::new(&setup).await;
    let (ledger, new) = (store.database.ledger(), session(1, Role::Worker));
    ledger.open(&new).await.expect("opened");
    let minute = |name, number| Minute {
        queue: queue(name),
        minute: at(0) + TimeDelta::minutes(number),
        succeeded: 1,
        failed: 2,
        retried: 3,
        waited_us: 4,
        ran_us: 5_000_000_000,
    };
    let minutes = vec![minute("mail", 1), minute("default", 2), minute("default", 1)];
    let renewal = Renewal {
        id: new.id,
        now: at(6),
        lease: new.lease,
        running: vec![],
        claimed_at: None,
        finished_at: None,
        minutes,
    };
    for _ in 0..2 {
        assert!(ledger.renew(&renewal).await.expect("renewed").alive);
    }
    let twice = |minute: Minute| Minute {
        succeeded: 2,
        failed: 4,
        retried: 6,
        waited_us: 8,
        ran_us: 10_000_000_000,
        ..minute
    };
    let since = |minutes| at(0) + TimeDelta::minutes(minutes);
    let statistics = store.database.statistics();
    let all = [minute("default", 1), minute("default", 2), minute("mail", 1)].map(twice);
    assert_eq!(statistics.minutes(since(1)).await.expect("read"), all);
    assert_eq!(statistics.minutes(since(2)).await.expect("read"), all[1..2]);
}

async fn sessions_are_told_from_the_oldest(setup: Setup) {
    let store = Store::new(&setup).await;
    let ledger = store.database.ledger();
    let (worker, beat) = (session(1, Role::Worker), session(2, Role::Beat));
    for new in [&beat, &worker] {
        ledger.open(new).await.expect("opened");
    }
    let renewal = Renewal {
        id: worker.id,
        now: at(10_000_000),
        lease: worker.lease,
        running: vec![task(1).id, task(2).id],
        claimed_at: Some(at(7)),
        finished_at: Some(at(8)),
        minutes: vec![],
    };
    assert!(ledger.renew(&renewal).await.expect("renewed").alive);
    ledger.close(beat.id, at(9)).await.expect("closed");
    let told = |new: NewSession| SessionStatus {
        id: new.id,
        role: new.role,
        host: new.host,
        process: new.process,
        queues: new.queues,
        concurrency: new.concurrency,
        running: 0,
        started_at: at(5),
        renewed_at: at(5),
        expires_at: at(60_000_005),
        closed_at: None,
        claimed_at: None,
        finished_at: None,
    };
    let worker = SessionStatus {
        running: 2,
        renewed_at: at(10_000_000),
        expires_at: at(70_000_000),
        claimed_at: Some(at(7)),
        finished_at: Some(at(8)),
        ..told(worker)
    };
    let beat = SessionStatus { closed_at: Some(at(9)), ..told(beat) };
    assert_eq!(store.database.statistics().sessions().await.expect("listed"), [worker, beat]);
}
