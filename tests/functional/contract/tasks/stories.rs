//! Tasks one by one, with all that belongs to them.

use super::{
    super::{Store, at},
    build::{alone, chain, group, id, queue, task},
};
use chrono::TimeDelta;
use domain::{
    FaultCode, NewTask, Place, Priority, Progress, Task, TaskEvent, TaskId, TaskState, UniqueKey, Version,
};
use plinth_tests::{Setup, on_both_stacks};
use std::time::Duration;
use uuid::Uuid;

on_both_stacks!(
    what_is_scheduled_is_found,
    a_payload_is_kept_as_it_came,
    who_is_not_there_is_left_out,
    the_links_of_a_chain_are_told_in_their_order,
    the_members_of_a_group_are_told_and_then_its_callback,
    faults_are_told_from_the_oldest,
    many_stories_are_told_at_once,
    of_a_long_chain_the_beginning_and_the_task_itself_are_told,
    of_a_large_group_some_members_are_told,
    a_revision_does_not_grow_with_members_that_run_beside_the_task,
    a_revision_grows_with_whatever_the_task_waits_for,
);

fn full() -> NewTask {
    NewTask {
        queue: queue("mail"),
        priority: Priority::Low,
        max_retries: 20,
        timeout: Duration::from_millis(86_400_000),
        due_at: at(5_000_001),
        unique_key: Some(UniqueKey::parse("of Ada \u{1f469}").expect("a key")),
        request_id: "request:1.2_x".to_owned(),
        parent: Some(TaskId(Uuid::from_u128(7))),
        ..task(1)
    }
}

async fn what_is_scheduled_is_found(setup: Setup) {
    let store = Store::new(&setup).await;
    let new = full();
    assert_eq!(store.scheduled(&alone(new.clone())).await, [new.id]);
    let story = store.story(new.id).await;
    let expected = Task {
        id: new.id,
        kind: new.kind.clone(),
        queue: new.queue.clone(),
        priority: new.priority,
        standing: new.standing(),
        fence: 0,
        version: Version::FIRST,
        place: Place::Alone,
        payload: new.payload.clone(),
        result: None,
        progress: None,
        reason: None,
        timeout: new.timeout,
        request_id: new.request_id.clone(),
        parent: new.parent,
        due_at: new.due_at,
        created_at: new.created_at,
        started_at: None,
        finished_at: None,
    };
    assert_eq!(story.task, expected);
    assert_eq!((story.links, story.faults), (vec![], vec![]));
}

async fn a_payload_is_kept_as_it_came(setup: Setup) {
    let store = Store::new(&setup).await;
    let payload = "{\"b\" : 1.0e0,\n \"a\": \"\\u00e9 \u{1f469}\", \"a\": 12345678901234567890 }";
    let new = NewTask { payload: payload.to_owned(), ..task(1) };
    store.scheduled(&alone(new.clone())).await;
    assert_eq!(store.task(new.id).await.payload, payload);
    let largest = format!("\"{}\"", "x".repeat(NewTask::MAX_PAYLOAD - 2));
    let new = NewTask { payload: largest.clone(), ..task(2) };
    store.scheduled(&alone(new.clone())).await;
    assert_eq!(store.task(new.id).await.payload, largest);
}

async fn who_is_not_there_is_left_out(setup: Setup) {
    let store = Store::new(&setup).await;
    store.scheduled(&alone(task(1))).await;
    let ids = [1, 2].map(|number| task(number).id);
    let stories = store.database.tasks().stories(&ids).await.expect("an answer");
    assert_eq!(stories.iter().map(|story| story.task.id).collect::<Vec<_>>(), [ids[0]]);
    assert_eq!(store.database.tasks().stories(&[]).await.expect("an answer"), []);
}

async fn the_links_of_a_chain_are_told_in_their_order(setup: Setup) {
    let store = Store::new(&setup).await;
    // Ids need not be in the order of the links.
    let ids = store.scheduled(&chain(vec![task(2), task(3), task(1)])).await;
    store.scheduled(&chain(vec![task(4), task(5)])).await;
    for (position, id) in (0..).zip(&ids) {
        let story = store.story(*id).await;
        assert_eq!(story.links.iter().map(|link| link.id).collect::<Vec<_>>(), ids);
        let states = story.links.iter().map(|link| link.state).collect::<Vec<_>>();
        assert_eq!(states, [TaskState::Queued, TaskState::Waiting, TaskState::Waiting]);
        assert_eq!(story.task.place, Place::Link { chain: ids[0], position, length: 3 });
    }
}

async fn the_members_of_a_group_are_told_and_then_its_callback(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&group(vec![task(2), task(3), task(4)], task(1))).await;
    store.scheduled(&group(vec![task(5)], task(6))).await;
    for id in &ids {
        let story = store.story(*id).await;
        assert_eq!(story.links.iter().map(|link| link.id).collect::<Vec<_>>(), ids);
    }
    let callback = store.story(ids[3]).await;
    assert_eq!(callback.task.standing.state, TaskState::Waiting);
    assert!(matches!(callback.task.place, Place::Callback { .. }));
}

async fn faults_are_told_from_the_oldest(setup: Setup) {
    let store = Store::new(&setup).await;
    let id = store.scheduled(&alone(task(1))).await[0];
    let worker = store.worker().await;
    for run in 0..3 {
        let now = at(0) + TimeDelta::minutes(run);
        worker.settle(worker.claim_one(now).await, TaskEvent::Error, now).await;
    }
    let faults = store.story(id).await.faults;
    let told: Vec<_> = faults.iter().map(|fault| (fault.attempt, fault.at, fault.fault.code)).collect();
    let at = |run| at(0) + TimeDelta::minutes(run);
    assert_eq!(
        told,
        [(1, at(0), FaultCode::Error), (2, at(1), FaultCode::Error), (3, at(2), FaultCode::Error)]
    );
    assert_eq!(faults[2].fault.message, format!("at {}", at(2)));
}

async fn many_stories_are_told_at_once(setup: Setup) {
    let store = Store::new(&setup).await;
    let mut ids = Vec::new();
    for number in 0..60 {
        ids.extend(store.scheduled(&alone(task(number * 10))).await);
        ids.extend(store.scheduled(&chain(vec![task(number * 10 + 1), task(number * 10 + 2)])).await);
        ids.extend(store.scheduled(&group(vec![task(number * 10 + 3)], task(number * 10 + 4))).await);
    }
    let stories = store.database.tasks().stories(&ids).await.expect("an answer");
    assert_eq!(stories.len(), 300);
    for story in stories {
        let own = story.links.iter().filter(|link| link.id == story.task.id).count();
        let (links, own_links) = if story.task.place == Place::Alone { (0, 0) } else { (2, 1) };
        assert_eq!((story.links.len(), own), (links, own_links), "{:?}", story.task.id);
    }
}

async fn of_a_long_chain_the_beginning_and_the_task_itself_are_told(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&chain((0..1005).map(task).collect())).await;
    for last in [999, 1000, 1004] {
        let links = store.story(ids[last]).await.links;
        let links: Vec<TaskId> = links.iter().map(|link| link.id).collect();
        assert_eq!(links.len(), 1000);
        assert_eq!((&links[..999], links[999]), (&ids[..999], ids[last]));
    }
}

async fn of_a_large_group_some_members_are_told(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&group((0..1500).map(task).collect(), task(5000))).await;
    for member in [0, 998, 1200, 1500] {
        let links = store.story(ids[member]).await.links;
        let links: Vec<TaskId> = links.iter().map(|link| link.id).collect();
        assert_eq!(links.len(), 1000);
        assert!(links.contains(&ids[member]));
        assert_eq!((&links[..998], links[999]), (&ids[..998], ids[1500]));
    }
}

async fn a_revision_does_not_grow_with_members_that_run_beside_the_task(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&group(vec![task(1), task(2)], task(3))).await;
    let stories = async || (store.story(ids[1]).await, store.story(ids[2]).await);
    let (member, callback) = stories().await;
    let worker = store.worker().await;
    assert_eq!(worker.claim(1, at(1)).await[0].claim.id, ids[0]);
    let (same_member, next_callback) = stories().await;
    assert_eq!(member.revision(), same_member.revision());
    assert!(member.total_version() < same_member.total_version());
    assert!(callback.revision() < next_callback.revision(), "it waits for all of them");
}

async fn a_revision_grows_with_whatever_the_task_waits_for(setup: Setup) {
    let store = Store::new(&setup).await;
    let ids = store.scheduled(&chain(vec![task(1), task(2)])).await;
    let worker = store.worker().await;
    let mut seen = vec![store.story(ids[1]).await.revision()];
    let claim = worker.claim_one(at(1)).await;
    seen.push(store.story(ids[1]).await.revision());
    let progress = Progress::new(0.25, "on the way");
    let held = store.database.ledger().progress(claim, &progress).await.expect("an answer");
    assert_eq!(held, Some(false));
    let story = store.story(ids[1]).await;
    assert_eq!(story.links[0].progress, Some(progress));
    seen.push(story.revision());
    worker.succeed(claim, at(3)).await;
    seen.push(store.story(ids[1]).await.revision());
    assert!(seen.is_sorted_by(|before, after| before < after), "{seen:?}");
    assert_eq!(store.task(ids[0]).await.result.as_deref(), Some("{\"done\": true}"));
    assert_eq!(store.task(TaskId(id(at(0), 2))).await.due_at, at(3));
}
