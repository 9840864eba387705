//! What has ended long ago goes.

use super::{
    super::{Store, at},
    build::{Worker, alone, chain, group, queue, task_at},
};
use application::{Error, Expiry, Fired, Firing, Retention};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{NewTask, Overlap, ScheduleName, TaskEvent, TaskId, TaskState, Timing};
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    tasks_go_by_their_end_and_their_state,
    a_state_that_is_not_named_stays,
    faults_go_with_their_task,
    a_chain_goes_as_a_whole_by_its_last_end_and_its_longest_retention,
    a_group_goes_with_its_callback,
    what_is_not_over_keeps_those_that_belong_to_it,
    tasks_go_in_batches_and_chains_as_a_whole,
    chains_that_are_not_over_do_not_hide_what_is_behind_them,
    fires_go_with_their_tasks_but_for_the_last,
    a_retry_and_a_deletion_at_once_leave_all_or_nothing,
);

fn day(number: i64) -> DateTime<Utc> {
    at(0) + TimeDelta::days(number)
}

/// A new task of that day.
fn new(day_number: i64, number: u128) -> NewTask {
    task_at(day(day_number), number)
}

fn expired(now: DateTime<Utc>) -> Expiry {
    Retention::DEFAULT.expired(now)
}

/// Of `ids`, those that are there.
async fn kept(store: &Store, ids: &[TaskId]) -> Vec<TaskId> {
    let stories = store.database.tasks().stories(ids).await.expect("an answer");
    ids.iter().copied().filter(|id| stories.iter().any(|story| story.task.id == *id)).collect()
}

async fn prune(store: &Store, now: DateTime<Utc>) -> u32 {
    store.database.tasks().prune(&expired(now), 1000).await.expect("pruned")
}

async fn tasks_go_by_their_end_and_their_state(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    let mut ids = Vec::new();
    for number in 1..7 {
        ids.extend(store.scheduled(&alone(new(0, number))).await);
    }
    tasks.cancel(ids[0], day(1)).await.expect("cancelled");
    for (id, event, on) in [(1, TaskEvent::Success, 1), (2, TaskEvent::Fatal, 1), (3, TaskEvent::Success, 20)]
    {
        let claim = worker.claim_one_of(ids[id], day(0)).await;
        worker.settle(claim, event, day(on)).await;
    }
    worker.claim_one_of(ids[4], day(0)).await;
    assert_eq!(prune(&store, day(8)).await, 0, "what ended seven days ago is not older than that");
    assert_eq!(prune(&store, day(8) + TimeDelta::microseconds(1)).await, 2);
    assert_eq!(kept(&store, &ids).await, ids[2..]);
    assert_eq!(prune(&store, day(91)).await, 1);
    assert_eq!(kept(&store, &ids).await, [ids[2], ids[4], ids[5]]);
    assert_eq!(prune(&store, day(92)).await, 1);
    assert_eq!(prune(&store, day(10_000)).await, 0);
    assert_eq!(kept(&store, &ids).await, ids[4..], "what has not ended stays, however old");
}

async fn a_state_that_is_not_named_stays(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    let mut ids = Vec::new();
    for number in 1..4 {
        ids.extend(store.scheduled(&alone(new(0, number))).await);
    }
    store.database.tasks().cancel(ids[0], day(1)).await.expect("cancelled");
    worker.run_all(&ids[1..2], day(1)).await;
    let only = |state| Expiry { before: vec![(state, day(100))] };
    for (state, left) in [(TaskState::Running, 3), (TaskState::Failed, 2), (TaskState::Cancelled, 1)] {
        store.database.tasks().prune(&only(state), 1000).await.expect("pruned");
        assert_eq!(kept(&store, &ids).await.len(), left);
    }
    assert_eq!(store.database.tasks().prune(&Expiry::default(), 1000).await.expect("pruned"), 0);
    assert_eq!(kept(&store, &ids).await, ids[2..]);
}

async fn faults_go_with_their_task(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    for number in 1..3 {
        let id = store.scheduled(&alone(new(0, number))).await[0];
        worker.fail(worker.claim_one_of(id, day(0)).await, day(number as i64)).await;
    }
    assert_eq!(store.kept.count("task_faults").await, 2);
    assert_eq!(prune(&store, day(92)).await, 1);
    assert_eq!(store.kept.count("task_faults").await, 1);
}

async fn a_chain_goes_as_a_whole_by_its_last_end_and_its_longest_retention(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    let well = store.scheduled(&chain((1..4).map(|n| new(0, n)).collect())).await;
    for on in [0, 0, 30] {
        worker.succeed(worker.claim_one(day(on)).await, day(on)).await;
    }
    let failed = store.scheduled(&chain((4..7).map(|n| new(0, n)).collect())).await;
    worker.succeed(worker.claim_one(day(30)).await, day(30)).await;
    worker.fail(worker.claim_one(day(31)).await, day(31)).await;
    assert_eq!(prune(&store, day(37)).await, 0);
    assert_eq!(prune(&store, day(38)).await, 3);
    assert_eq!((kept(&store, &well).await, kept(&store, &failed).await), (vec![], failed.clone()));
    assert_eq!(prune(&store, day(31 + 90)).await, 0);
    assert_eq!(prune(&store, day(31 + 91)).await, 3);
}

async fn a_group_goes_with_its_callback(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    let ids = store.scheduled(&group(vec![new(0, 1), new(0, 2)], new(0, 3))).await;
    let failed = store.scheduled(&group(vec![new(0, 4), new(0, 5)], new(0, 6))).await;
    worker.run_all(&failed[..1], day(1)).await;
    assert_eq!(prune(&store, day(9)).await, 3);
    assert_eq!((kept(&store, &ids).await, kept(&store, &failed).await), (vec![], failed.clone()));
    assert_eq!(store.kept.count("task_groups").await, 1);
    // An operator comes late: the failure is what is kept longest, and counts from the last end.
    store.database.tasks().retry(failed[0], day(80)).await.expect("retried");
    worker.fail(worker.claim_one(day(85)).await, day(85)).await;
    assert_eq!(prune(&store, day(85 + 90)).await, 0);
    assert_eq!(prune(&store, day(85 + 91)).await, 3);
    assert_eq!(store.kept.count("task_groups").await, 0);
}

async fn what_is_not_over_keeps_those_that_belong_to_it(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    let links = store.scheduled(&chain(vec![new(0, 1), new(0, 2)])).await;
    let members = store.scheduled(&group(vec![new(0, 3), new(0, 4)], new(0, 5))).await;
    for claimed in worker.claim(2, day(0)).await {
        worker.succeed(claimed.claim, day(0)).await;
    }
    assert_eq!(prune(&store, day(1000)).await, 0);
    assert_eq!(kept(&store, &links).await, links);
    assert_eq!(kept(&store, &members).await, members);
}

async fn tasks_go_in_batches_and_chains_as_a_whole(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    for number in 0..5 {
        store.scheduled(&alone(new(0, number))).await;
    }
    store.scheduled(&chain((10..14).map(|n| new(0, n)).collect())).await;
    store.scheduled(&group((20..29).map(|n| new(0, n)).collect(), new(0, 29))).await;
    store.scheduled(&alone(new(0, 30))).await;
    worker.run_all(&[], day(0)).await;
    let mut batches = Vec::new();
    loop {
        match store.database.tasks().prune(&expired(day(100)), 6).await.expect("pruned") {
            0 => break,
            some => batches.push(some),
        }
    }
    assert_eq!(batches, [5, 4, 10, 1], "the group is larger than a batch, and is one by itself");
    assert_eq!(store.kept.count("tasks").await, 0);
}

async fn chains_that_are_not_over_do_not_hide_what_is_behind_them(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    for number in 0..20 {
        store.scheduled(&chain(vec![new(0, number * 10), new(0, number * 10 + 1)])).await;
    }
    for claimed in worker.claim(20, day(0)).await {
        worker.succeed(claimed.claim, day(0)).await;
    }
    Worker::open(&store, 2).await.claim(20, day(0)).await;
    let last = store.scheduled(&alone(new(1, 1))).await[0];
    worker.succeed(worker.claim_one(day(1)).await, day(1)).await;
    let pruned = store.database.tasks().prune(&expired(day(100)), 3).await.expect("pruned");
    assert_eq!((pruned, kept(&store, &[last]).await), (1, vec![]));
    assert_eq!(store.kept.count("tasks").await, 40);
}

async fn fires_go_with_their_tasks_but_for_the_last(setup: Setup) {
    let store = Store::new(&setup).await;
    let (worker, schedules) = (store.worker().await, store.database.schedules());
    let name = ScheduleName::parse("hourly").expect("a name");
    for slot in 1..5 {
        let task = NewTask { queue: queue("default"), ..new(slot, 1) };
        let timing = Timing::parse("0 0 * * *", "UTC").expect("a timing");
        let schedule = name.clone();
        let firing = Firing { schedule, timing, slot: day(slot), overlap: Overlap::Allow, task };
        assert_eq!(schedules.fire(&firing).await.expect("fired"), Fired::Scheduled);
    }
    let failing = new(1, 1).id;
    worker.run_all(&[failing], day(5)).await;
    assert_eq!(prune(&store, day(20)).await, 3);
    assert_eq!(store.kept.count("schedule_fires").await, 2, "of the task that failed, and the last one");
    let status = schedules.list().await.expect("listed").remove(0);
    assert_eq!((status.last_slot, status.last_task), (day(4), None));
}

async fn a_retry_and_a_deletion_at_once_leave_all_or_nothing(setup: Setup) {
    let store = Store::new(&setup).await;
    let (tasks, worker) = (store.database.tasks(), store.worker().await);
    for round in 0..20 {
        let ids = if round % 2 == 0 {
            let ids = store.scheduled(&chain((1..4).map(|n| new(0, round * 10 + n)).collect())).await;
            worker.run_all(&ids[..1], day(1)).await;
            ids
        } else {
            let members = (1..3).map(|n| new(0, round * 10 + n)).collect();
            let ids = store.scheduled(&group(members, new(0, round * 10 + 3))).await;
            worker.run_all(&ids[..1], day(1)).await;
            ids
        };
        let expired = expired(day(100));
        let (retried, pruned) = tokio::join!(tasks.retry(ids[0], day(100)), tasks.prune(&expired, 1000));
        match retried {
            Ok(()) => {
                assert_eq!((pruned.expect("pruned"), kept(&store, &ids).await), (0, ids.clone()));
                worker.run_all(&[], day(100)).await;
                assert_eq!(store.states(&ids).await, [TaskState::Succeeded; 3]);
            }
            Err(Error::NotFound { .. }) => {
                assert_eq!((pruned.expect("pruned"), kept(&store, &ids).await), (3, vec![]));
            }
            other => panic!("neither retried nor gone: {other:?}"),
        }
    }
}

impl Worker {
    /// Of all that is due this one; the others are given back.
    async fn claim_one_of(&self, id: TaskId, now: DateTime<Utc>) -> application::Claim {
        let mut found = None;
        for claimed in self.claim(100, now).await {
            if claimed.claim.id == id {
                found = Some(claimed.claim);
            } else {
                self.settle(claimed.claim, TaskEvent::Release, now - TimeDelta::seconds(1)).await;
            }
        }
        found.expect("it is due")
    }
}
