//! The contract of `Schedules`: a slot fires once, whoever asks.

use super::{
    Store, at,
    tasks::build::{queue, task, task_at},
};
use application::{Fired, Firing, ScheduleStatus, UNSEEN};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{NewTask, Overlap, ScheduleName, TaskState, Timing, UniqueKey};
use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    a_schedule_begins_when_it_is_first_seen,
    one_with_another_timing_begins_anew,
    one_that_was_out_of_force_begins_anew,
    no_beat_is_no_reason_to_begin_anew,
    a_slot_fires_once_and_none_before_it_does,
    the_second_guard_holds_where_a_schedule_was_set_back,
    schedules_do_not_mind_each_other,
    whoever_fires_a_slot_rings_for_its_queue,
    a_slot_that_may_not_overlap_is_left_out_while_an_earlier_task_is_unfinished,
    one_may_wait_while_another_runs,
    an_overlap_that_is_allowed_fires,
    a_unique_key_makes_two_slots_one_task,
    schedules_are_listed_with_their_last_task,
    five_beats_fire_each_slot_once,
    of_many_that_see_a_schedule_first_all_begin_at_one_time,
);

fn name(raw: &str) -> ScheduleName {
    ScheduleName::parse(raw).expect("a name")
}

fn timing() -> Timing {
    each("* * * * * *", "UTC")
}

fn each(cron: &str, zone: &str) -> Timing {
    Timing::parse(cron, zone).expect("a timing")
}

fn slot(number: i64) -> DateTime<Utc> {
    at(0) + TimeDelta::seconds(number)
}

/// The slot of that number; so is its task.
fn firing(schedule: &str, number: i64, overlap: Overlap) -> Firing {
    let task = task_at(slot(number), u128::try_from(number).expect("not negative"));
    Firing { schedule: name(schedule), timing: timing(), slot: slot(number), overlap, task }
}

async fn fire(store: &Store, firing: &Firing) -> Fired {
    store.database.schedules().fire(firing).await.expect("an answer")
}

async fn a_schedule_begins_when_it_is_first_seen(setup: Setup) {
    let store = Store::new(&setup).await;
    let schedules = store.database.schedules();
    assert_eq!(schedules.last(&name("hourly"), &timing(), slot(1)).await.expect("an answer"), slot(1));
    assert_eq!(schedules.last(&name("hourly"), &timing(), slot(2)).await.expect("an answer"), slot(1));
    assert_eq!(schedules.last(&name("daily"), &timing(), slot(3)).await.expect("an answer"), slot(3));
    assert_eq!(fire(&store, &firing("hourly", 1, Overlap::Allow)).await, Fired::Taken);
    assert_eq!(fire(&store, &firing("hourly", 4, Overlap::Allow)).await, Fired::Scheduled);
    assert_eq!(schedules.last(&name("hourly"), &timing(), slot(9)).await.expect("an answer"), slot(4));
}

async fn one_with_another_timing_begins_anew(setup: Setup) {
    let store = Store::new(&setup).await;
    let schedules = store.database.schedules();
    let last = async |timing: &Timing, since: i64| {
        schedules.last(&name("hourly"), timing, slot(since)).await.expect("an answer")
    };
    let (noon, local, midnight) =
        (each("0 12 * * *", "UTC"), each("0 12 * * *", "Asia/Tokyo"), each("0 0 * * *", "Asia/Tokyo"));
    assert_eq!(last(&noon, 1).await, slot(1));
    assert_eq!(last(&local, 5).await, slot(5));
    assert_eq!(last(&midnight, 8).await, slot(8));
    assert_eq!(last(&midnight, 9).await, slot(8));
    // Of two beats that differ none has the other's slots, and none sets back what was fired.
    let fired = Firing { timing: noon.clone(), ..firing("hourly", 20, Overlap::Allow) };
    assert_eq!(fire(&store, &fired).await, Fired::Scheduled);
    assert_eq!(last(&midnight, 10).await, slot(20));
    assert_eq!(last(&noon, 11).await, slot(20));
}

async fn one_that_was_out_of_force_begins_anew(setup: Setup) {
    let store = Store::new(&setup).await;
    let schedules = store.database.schedules();
    let (one, other) = (name("one"), name("other"));
    for name in [&one, &other] {
        schedules.last(name, &timing(), slot(0)).await.expect("an answer");
    }
    let both = [one.clone(), other.clone(), name("unknown")];
    schedules.seen(&both, slot(60)).await.expect("noted");
    let unseen = 60 + UNSEEN.num_seconds();
    for (seen, since, last) in [(unseen, 500, 0), (unseen + 1, 500, 500), (unseen + 60, 700, 700)] {
        schedules.seen(std::slice::from_ref(&other), slot(seen)).await.expect("noted");
        let found = schedules.last(&one, &timing(), slot(since)).await.expect("an answer");
        assert_eq!(found, slot(last), "{seen}");
    }
    schedules.seen(&both, slot(unseen + 90)).await.expect("noted");
    assert_eq!(schedules.last(&one, &timing(), slot(900)).await.expect("an answer"), slot(700));
    assert_eq!(schedules.last(&other, &timing(), slot(900)).await.expect("an answer"), slot(0));
    assert_eq!(store.kept.count("schedules").await, 2);
}

async fn no_beat_is_no_reason_to_begin_anew(setup: Setup) {
    let store = Store::new(&setup).await;
    let schedules = store.database.schedules();
    schedules.last(&name("one"), &timing(), slot(0)).await.expect("an answer");
    schedules.seen(&[name("one")], slot(60)).await.expect("noted");
    // One that is new after the pause does not make the others old.
    let pause = 40 * 86_400;
    assert_eq!(schedules.last(&name("new"), &timing(), slot(pause)).await.expect("an answer"), slot(pause));
    assert_eq!(schedules.last(&name("one"), &timing(), slot(pause)).await.expect("an answer"), slot(0));
}

async fn a_slot_fires_once_and_none_before_it_does(setup: Setup) {
    let store = Store::new(&setup).await;
    let first = firing("hourly", 5, Overlap::Allow);
    assert_eq!(fire(&store, &first).await, Fired::Scheduled);
    for late in [5, 4, 1] {
        let again = Firing {
            task: task(u128::try_from(late).expect("small") << 20),
            ..firing("hourly", late, Overlap::Allow)
        };
        assert_eq!(fire(&store, &again).await, Fired::Taken, "{late}");
    }
    assert_eq!(fire(&store, &firing("hourly", 6, Overlap::Allow)).await, Fired::Scheduled);
    assert_eq!(store.kept.count("tasks").await, 2);
    assert_eq!(store.task(first.task.id).await.due_at, slot(5));
    assert_eq!(store.worker().await.claim(9, slot(9)).await.len(), 2);
}

async fn the_second_guard_holds_where_a_schedule_was_set_back(setup: Setup) {
    let store = Store::new(&setup).await;
    assert_eq!(fire(&store, &firing("hourly", 5, Overlap::Allow)).await, Fired::Scheduled);
    store.kept.execute("UPDATE schedules SET last_slot = '2026-01-01T00:00:01.000000Z'").await;
    let again = Firing { task: task(99), ..firing("hourly", 5, Overlap::Allow) };
    assert_eq!(fire(&store, &again).await, Fired::Taken);
    assert_eq!(store.kept.count("tasks").await, 1);
    let last = store.database.schedules().last(&name("hourly"), &timing(), slot(9)).await;
    assert_eq!(last.expect("an answer"), slot(5), "nobody asks for it again");
}

async fn schedules_do_not_mind_each_other(setup: Setup) {
    let store = Store::new(&setup).await;
    assert_eq!(fire(&store, &firing("hourly", 5, Overlap::Skip)).await, Fired::Scheduled);
    let other = Firing { task: task(99), ..firing("daily", 5, Overlap::Skip) };
    assert_eq!(fire(&store, &other).await, Fired::Scheduled);
}

async fn whoever_fires_a_slot_rings_for_its_queue(setup: Setup) {
    let store = Store::new(&setup).await;
    for (number, rung) in [(1, vec!["default"]), (1, vec![]), (2, vec![])] {
        fire(&store, &firing("hourly", number, Overlap::Skip)).await;
        assert_eq!(store.rung(), rung);
    }
}

async fn a_slot_that_may_not_overlap_is_left_out_while_an_earlier_task_is_unfinished(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    assert_eq!(fire(&store, &firing("hourly", 1, Overlap::Skip)).await, Fired::Scheduled);
    assert_eq!(fire(&store, &firing("hourly", 2, Overlap::Skip)).await, Fired::Overlapped);
    let claim = worker.claim_one(slot(2)).await;
    assert_eq!(fire(&store, &firing("hourly", 3, Overlap::Skip)).await, Fired::Overlapped);
    assert_eq!(fire(&store, &firing("hourly", 3, Overlap::Skip)).await, Fired::Taken, "it is dealt with");
    worker.succeed(claim, slot(3)).await;
    assert_eq!(fire(&store, &firing("hourly", 2, Overlap::Skip)).await, Fired::Taken);
    assert_eq!(fire(&store, &firing("hourly", 4, Overlap::Skip)).await, Fired::Scheduled);
    assert_eq!(store.kept.count("tasks").await, 2);
    assert_eq!(store.kept.count("schedule_fires").await, 2);
}

async fn one_may_wait_while_another_runs(setup: Setup) {
    let store = Store::new(&setup).await;
    let worker = store.worker().await;
    assert_eq!(fire(&store, &firing("hourly", 1, Overlap::QueueOne)).await, Fired::Scheduled);
    assert_eq!(fire(&store, &firing("hourly", 2, Overlap::QueueOne)).await, Fired::Overlapped);
    worker.claim_one(slot(2)).await;
    assert_eq!(fire(&store, &firing("hourly", 3, Overlap::QueueOne)).await, Fired::Scheduled);
    assert_eq!(fire(&store, &firing("hourly", 4, Overlap::QueueOne)).await, Fired::Overlapped);
    let states = [1, 3].map(|number| firing("hourly", number, Overlap::QueueOne).task.id);
    assert_eq!(store.states(&states).await, [TaskState::Running, TaskState::Queued]);
}

async fn an_overlap_that_is_allowed_fires(setup: Setup) {
    let store = Store::new(&setup).await;
    for number in 1..150 {
        assert_eq!(fire(&store, &firing("hourly", number, Overlap::Allow)).await, Fired::Scheduled);
    }
    assert_eq!(store.kept.count("tasks").await, 149);
}

async fn a_unique_key_makes_two_slots_one_task(setup: Setup) {
    let store = Store::new(&setup).await;
    for number in 1..3 {
        let plain = firing("hourly", number, Overlap::Allow);
        let key = Some(UniqueKey::parse("one").expect("a key"));
        let unique = Firing { task: NewTask { unique_key: key, ..plain.task }, ..plain };
        assert_eq!(fire(&store, &unique).await, Fired::Scheduled);
    }
    assert_eq!(store.kept.count("tasks").await, 1);
    let status = store.database.schedules().list().await.expect("listed").remove(0);
    assert_eq!(status.last_task, Some(firing("hourly", 1, Overlap::Allow).task.id));
}

async fn schedules_are_listed_with_their_last_task(setup: Setup) {
    let store = Store::new(&setup).await;
    let schedules = store.database.schedules();
    assert_eq!(schedules.list().await.expect("listed"), []);
    schedules.last(&name("never"), &timing(), slot(7)).await.expect("an answer");
    for number in [1, 2] {
        fire(&store, &firing("hourly", number, Overlap::Allow)).await;
    }
    fire(&store, &Firing { task: task(99), ..firing("daily", 3, Overlap::Skip) }).await;
    fire(&store, &Firing { task: task(98), ..firing("daily", 4, Overlap::Skip) }).await;
    let status = |raw, last, last_task| ScheduleStatus { name: name(raw), last_slot: slot(last), last_task };
    let expected = [
        status("daily", 4, Some(task(99).id)),
        status("hourly", 2, Some(firing("hourly", 2, Overlap::Allow).task.id)),
        status("never", 7, None),
    ];
    assert_eq!(schedules.list().await.expect("listed"), expected);
}

async fn five_beats_fire_each_slot_once(setup: Setup) {
    const SLOTS: i64 = 200;
    let store = Store::new(&setup).await;
    let schedules = store.database.schedules();
    let beat = async |beat: u128| {
        let mut fired = Vec::new();
        for number in 1..=SLOTS {
            let plain = firing("each-second", number, Overlap::Allow);
            let own = NewTask { queue: queue("mail"), ..task_at(slot(number), beat) };
            if schedules.fire(&Firing { task: own, ..plain }).await.expect("an answer") == Fired::Scheduled {
                fired.push(number);
            }
        }
        fired
    };
    let mut fired = join_all((1..6).map(beat)).await.concat();
    fired.sort_unstable();
    assert_eq!(fired, (1..=SLOTS).collect::<Vec<_>>());
    assert_eq!((store.kept.count("tasks").await, store.kept.count("schedule_fires").await), (SLOTS, SLOTS));
}

async fn of_many_that_see_a_schedule_first_all_begin_at_one_time(setup: Setup) {
    let store = Store::new(&setup).await;
    let schedules = store.database.schedules();
    let hourly = name("hourly");
    let timing = timing();
    let begun = join_all((1..9).map(|number| schedules.last(&hourly, &timing, slot(number)))).await;
    let begun: Vec<_> = begun.into_iter().map(|last| last.expect("an answer")).collect();
    assert!(begun.iter().all(|last| *last == begun[0]), "{begun:?}");
}
