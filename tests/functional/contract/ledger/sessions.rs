//! Lives of workers.

use super::{
    super::{
        Store,
        tasks::build::{queue, task},
    },
    LEASE, Leased, second, session,
};
use application::{Minute, NewSession, Renewal, Renewed, Role, Then};
use chrono::TimeDelta;
use domain::{SessionId, TaskId};
use plinth_tests::{Setup, on_both_stacks};
use uuid::Uuid;

on_both_stacks!(
    a_session_that_is_renewed_lives_on,
    an_expired_session_never_revives,
    a_closed_session_never_revives,
    a_renewal_tells_which_tasks_are_to_end,
    what_a_session_tells_is_shown,
    figures_of_all_workers_are_added_up,
    figures_are_kept_for_the_last_hour,
);

fn renewal(worker: &Leased, now: i64) -> Renewal {
    Renewal {
        id: worker.id,
        now: second(now),
        lease: LEASE,
        running: Vec::new(),
        claimed_at: None,
        finished_at: None,
        minutes: Vec::new(),
    }
}

async fn renew(worker: &Leased, renewal: &Renewal) -> Renewed {
    worker.ledger.renew(renewal).await.expect("an answer")
}

async fn a_session_that_is_renewed_lives_on(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    for now in [15, 59, 118] {
        assert!(renew(&worker, &renewal(&worker, now)).await.alive, "{now}");
    }
    assert_eq!(worker.reclaim(second(177)).await.sessions, 0);
    store.scheduled(&Then { tasks: vec![task(1)], ..Then::default() }).await;
    assert_eq!(worker.claim(1, second(177)).await.len(), 1);
}

async fn an_expired_session_never_revives(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    assert_eq!(renew(&worker, &renewal(&worker, 60)).await, Renewed::default());
    assert_eq!(renew(&worker, &renewal(&worker, 61)).await, Renewed::default());
    let nobody = Leased { id: SessionId(Uuid::from_u128(9)), ..worker };
    assert_eq!(renew(&nobody, &renewal(&nobody, 1)).await, Renewed::default());
}

async fn a_closed_session_never_revives(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    worker.ledger.close(worker.id, second(1)).await.expect("closed");
    assert_eq!(renew(&worker, &renewal(&worker, 2)).await, Renewed::default());
}

async fn a_renewal_tells_which_tasks_are_to_end(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&Then { tasks: (1..=4).map(task).collect(), ..Then::default() }).await;
    let (worker, other) =
        (Leased::open(&store, 1, second(0)).await, Leased::open(&store, 2, second(0)).await);
    let ids = async |worker: &Leased| -> Vec<TaskId> {
        worker.claim(2, second(1)).await.iter().map(|claimed| claimed.claim.id).collect()
    };
    let (mine, theirs) = (ids(&worker).await, ids(&other).await);
    for id in [mine[1], theirs[0]] {
        store.database.tasks().cancel(id, second(2)).await.expect("asked");
    }
    let running = [mine.clone(), theirs].concat();
    let renewed = renew(&worker, &Renewal { running, ..renewal(&worker, 3) }).await;
    assert_eq!(renewed, Renewed { alive: true, cancelled: vec![mine[1]] });
}

async fn what_a_session_tells_is_shown(setup: Setup) {
    let store = Store::new(&setup).await;
    let (beat, worker) =
        (NewSession { role: Role::Beat, queues: Vec::new(), ..session(1, second(0)) }, second(1));
    store.database.ledger().open(&beat).await.expect("opened");
    let worker = Leased::open(&store, 2, worker).await;
    let (claimed_at, finished_at) = (Some(second(5)), Some(second(6)));
    let running = vec![task(1).id, task(2).id];
    renew(&worker, &Renewal { running, claimed_at, finished_at, ..renewal(&worker, 15) }).await;
    let sessions = store.database.statistics().sessions().await.expect("an answer");
    let [first, shown] = &sessions[..] else { panic!("{sessions:?}") };
    assert_eq!((first.id, first.role, &first.queues[..]), (beat.id, Role::Beat, &[][..]));
    assert_eq!(
        (shown.id, shown.role, shown.host.as_str(), shown.process),
        (worker.id, Role::Worker, "a-host", 4711)
    );
    assert_eq!((&shown.queues[..], shown.concurrency, shown.running), (&super::queues()[..], 16, 2));
    assert_eq!((shown.started_at, shown.renewed_at), (second(1), second(15)));
    assert_eq!((shown.expires_at, shown.closed_at), (second(75), None));
    assert_eq!((shown.claimed_at, shown.finished_at), (claimed_at, finished_at));
}

fn minute(name: &str, start: i64) -> Minute {
    Minute {
        queue: queue(name),
        minute: second(start),
        succeeded: 1,
        failed: 2,
        retried: 3,
        waited_us: 4,
        ran_us: 5,
    }
}

async fn figures_of_all_workers_are_added_up(setup: Setup) {
    let store = Store::new(&setup).await;
    let (a, b) = (Leased::open(&store, 1, second(0)).await, Leased::open(&store, 2, second(0)).await);
    let minutes = vec![minute("mail", 60), minute("default", 0), minute("mail", 0)];
    renew(&a, &Renewal { minutes: minutes.clone(), ..renewal(&a, 1) }).await;
    // What a session has done counts, even if it has just died.
    renew(&b, &Renewal { minutes: vec![minute("mail", 0)], ..renewal(&b, 99) }).await;
    let mut added = store.database.statistics().minutes(second(0)).await.expect("an answer");
    added.sort_by_key(|minute| (minute.queue.clone(), minute.minute));
    let twice = Minute { succeeded: 2, failed: 4, retried: 6, waited_us: 8, ran_us: 10, ..minute("mail", 0) };
    assert_eq!(added, [minute("default", 0), twice, minute("mail", 60)]);
}

async fn figures_are_kept_for_the_last_hour(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = Leased::open(&store, 1, second(0)).await;
    renew(&worker, &Renewal { minutes: vec![minute("mail", 0)], ..renewal(&worker, 1) }).await;
    let later = second(0) + TimeDelta::hours(1);
    let worker = Leased::open(&store, 2, later).await;
    let in_an_hour = Renewal { now: later, minutes: vec![minute("mail", 3600)], ..renewal(&worker, 0) };
    renew(&worker, &in_an_hour).await;
    assert_eq!(store.database.statistics().minutes(second(0)).await.expect("an answer").len(), 2);
    let tomorrow = second(0) + TimeDelta::days(1);
    let worker = Leased::open(&store, 3, tomorrow).await;
    renew(&worker, &Renewal { now: tomorrow, minutes: vec![minute("mail", 86_400)], ..renewal(&worker, 0) })
        .await;
    assert_eq!(store.kept.count("task_minutes").await, 1);
}
