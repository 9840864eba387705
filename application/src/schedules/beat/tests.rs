//! The decisions of the beat, over mocked ports.

use super::*;
use crate::{
    MockClock, MockDoorbell, MockIds, MockImports, MockSchedules, MockTaskLedger, MockTaskRepository,
    Renewed, Retention, Role, ScheduleStatus,
    kinds::prune_tasks::{PruneTasks, Pruning},
    testing::{Lines, at, ctx, story},
};
use domain::{Misfire, Overlap, QueueName, ScheduleName, SessionId, TaskId, Timing};
use mockall::{Sequence, predicate::eq};
use std::sync::atomic::{AtomicUsize, Ordering};
use uuid::Uuid;

/// As tokio's clock has it, so that a test can let time pass.
struct Ticking(Instant);

impl Clock for Ticking {
    fn now(&self) -> DateTime<Utc> {
        at(0) + self.0.elapsed()
    }
}

/// At second 9; ids are 7.
struct Fixture {
    schedules: MockSchedules,
    ledger: MockTaskLedger,
    tasks: MockTaskRepository,
    clock: Arc<dyn Clock>,
    log: Logger,
}

impl Fixture {
    fn new() -> Self {
        let mut clock = MockClock::new();
        clock.expect_now().return_const(at(9));
        let (ledger, tasks) = (MockTaskLedger::new(), MockTaskRepository::new());
        let log = Logger::root(slog::Discard, slog::o!());
        Self { schedules: MockSchedules::new(), ledger, tasks, clock: Arc::new(clock), log }
    }

    /// A beat of these schedules.
    fn beat(mut self, plan: Vec<Schedule>) -> BeatController {
        self.schedules.expect_seen().returning(|_, _| Ok(()));
        let mut ids = MockIds::new();
        ids.expect_next().return_const(Uuid::from_u128(7));
        let pruning = Pruning {
            tasks: Arc::new(MockTaskRepository::new()),
            imports: Arc::new(MockImports::new()),
            retention: Retention::DEFAULT,
        };
        let doorbell = Arc::new(MockDoorbell::new());
        let tasks = TaskController::new(Arc::new(self.tasks), doorbell, self.clock.clone());
        let ports = BeatPorts {
            schedules: Arc::new(self.schedules),
            ledger: Arc::new(self.ledger),
            tasks: Arc::new(tasks),
            registry: Arc::new(Registry::new().with::<PruneTasks>(Arc::new(pruning))),
            clock: self.clock,
            ids: Arc::new(ids),
        };
        let settings = BeatSettings { host: "here".to_owned(), process: 5, ..BeatSettings::default() };
        BeatController::new(ports, settings, plan, self.log).unwrap()
    }
}

fn name(name: &str) -> ScheduleName {
    ScheduleName::parse(name).unwrap()
}

fn timing(cron: &str) -> Timing {
    Timing::parse(cron, "UTC").unwrap()
}

fn schedule(called: &str, cron: &str) -> Schedule {
    Schedule {
        name: name(called),
        timing: timing(cron),
        misfire: Misfire::CatchUp,
        overlap: Overlap::QueueOne,
        kind: "PRUNE_TASKS".to_owned(),
        payload: "{}".to_owned(),
    }
}

fn gone() -> Error {
    Error::unavailable("the database", "connection refused")
}

/// The slot of `called` at that second, fired at second `now`.
fn is_slot(firing: &Firing, called: &str, slot: i64, now: i64) -> bool {
    let task = &firing.task;
    firing.schedule == name(called)
        && firing.timing == timing("* * * * *")
        && firing.slot == at(slot)
        && firing.overlap == Overlap::QueueOne
        && (task.kind.as_str(), task.payload.as_str()) == ("PRUNE_TASKS", "{}")
        && task.queue == QueueName::parse("maintenance").unwrap()
        && (task.due_at, task.created_at) == (at(now), at(now))
}

#[tokio::test]
async fn a_slot_fires_with_its_task_once() {
    let mut fixture = Fixture::new();
    let first = fixture.schedules.expect_last().with(eq(name("a")), eq(timing("* * * * *")), eq(at(120)));
    first.once().returning(|_, _, _| Ok(at(60)));
    let fire = fixture.schedules.expect_fire().withf(|firing| {
        is_slot(firing, "a", 120, 120) && firing.task.request_id == "schedule:a:1970-01-01T00:02:00Z"
    });
    fire.once().returning(|_| Ok(Fired::Scheduled));
    let beat = fixture.beat(vec![schedule("a", "* * * * *")]);
    assert_eq!(beat.tick(at(120)).await.unwrap(), 1);
    assert_eq!(beat.progress(), BeatProgress { looked_at: Some(at(120)), fired_at: Some(at(120)) });
    // The database is asked again when the next slot is due, and not before.
    assert_eq!(beat.tick(at(179)).await.unwrap(), 0);
    assert_eq!(beat.progress(), BeatProgress { looked_at: Some(at(179)), fired_at: Some(at(120)) });
}

#[tokio::test]
async fn what_is_in_force_is_said_each_minute_and_after_a_change_at_once() {
    let mut fixture = Fixture::new();
    let mut order = Sequence::new();
    fixture.schedules.expect_last().times(3).returning(|_, _, since| Ok(since));
    for (names, second, answer) in [
        (vec!["a"], 10, Err(gone())),
        (vec!["a"], 11, Ok(())),
        (vec!["a"], 71, Ok(())),
        (vec!["a", "b"], 72, Ok(())),
        (vec![], 73, Ok(())),
    ] {
        let names: Vec<_> = names.into_iter().map(name).collect();
        let seen = fixture.schedules.expect_seen().with(eq(names), eq(at(second)));
        seen.once().in_sequence(&mut order).return_once(|_, _| answer);
    }
    let beat = fixture.beat(vec![schedule("a", "0 3 * * *")]);
    assert!(beat.tick(at(10)).await.is_err());
    for second in [11, 12, 70, 71] {
        beat.tick(at(second)).await.unwrap();
    }
    beat.set_schedules(vec![schedule("a", "0 3 * * *"), schedule("b", "0 3 * * *")]).unwrap();
    beat.tick(at(72)).await.unwrap();
    beat.set_schedules(Vec::new()).unwrap();
    beat.tick(at(73)).await.unwrap();
}

#[tokio::test]
async fn a_schedule_is_in_force_from_the_first_look_on() {
    let mut fixture = Fixture::new();
    let last = fixture.schedules.expect_last().with(eq(name("a")), eq(timing("* * * * *")), eq(at(5)));
    last.times(2).returning(|_, _, since| Ok(since));
    let fire = fixture.schedules.expect_fire().withf(|firing| is_slot(firing, "a", 60, 61));
    fire.once().returning(|_| Ok(Fired::Scheduled));
    let beat = fixture.beat(vec![schedule("a", "* * * * *")]);
    assert_eq!(beat.tick(at(5)).await.unwrap(), 0);
    assert_eq!(beat.tick(at(61)).await.unwrap(), 1);
}

#[tokio::test]
async fn how_far_a_schedule_is_comes_from_the_database_each_time() {
    let mut fixture = Fixture::new();
    // Between the two looks another beat has fired two slots.
    let mut last = [at(0), at(240)].into_iter();
    fixture.schedules.expect_last().times(2).returning(move |_, _, _| Ok(last.next().unwrap()));
    for (slot, now) in [(60, 120), (120, 120), (300, 301)] {
        let fire = fixture.schedules.expect_fire().withf(move |firing| is_slot(firing, "a", slot, now));
        fire.once().returning(|_| Ok(Fired::Scheduled));
    }
    let beat = fixture.beat(vec![schedule("a", "* * * * *")]);
    assert_eq!(beat.tick(at(120)).await.unwrap(), 2);
    assert_eq!(beat.tick(at(301)).await.unwrap(), 1);
}

#[tokio::test]
async fn what_another_beat_has_taken_and_what_overlaps_is_not_scheduled_here() {
    let mut fixture = Fixture::new();
    fixture.schedules.expect_last().once().returning(|_, _, _| Ok(at(0)));
    let mut fired = [Fired::Taken, Fired::Overlapped, Fired::Scheduled].into_iter();
    fixture.schedules.expect_fire().times(3).returning(move |_| Ok(fired.next().unwrap()));
    let beat = fixture.beat(vec![schedule("a", "* * * * *")]);
    assert_eq!(beat.tick(at(180)).await.unwrap(), 1);
}

#[tokio::test]
async fn what_fails_is_due_still_and_the_others_have_their_turn() {
    let mut fixture = Fixture::new();
    fixture
        .schedules
        .expect_last()
        .with(eq(name("a")), eq(timing("* * * * *")), eq(at(60)))
        .once()
        .returning(|_, _, _| Err(gone()));
    fixture
        .schedules
        .expect_last()
        .with(eq(name("a")), eq(timing("* * * * *")), eq(at(60)))
        .once()
        .returning(|_, _, _| Ok(at(0)));
    fixture
        .schedules
        .expect_last()
        .with(eq(name("b")), eq(timing("* * * * *")), eq(at(60)))
        .once()
        .returning(|_, _, _| Ok(at(0)));
    fixture
        .schedules
        .expect_last()
        .with(eq(name("b")), eq(timing("* * * * *")), eq(at(60)))
        .once()
        .returning(|_, _, _| Ok(at(0)));
    for (called, now) in [("b", 60), ("a", 61), ("b", 61)] {
        let fire = fixture.schedules.expect_fire().withf(move |firing| is_slot(firing, called, 60, now));
        fire.once().returning(move |_| if now == 60 { Err(gone()) } else { Ok(Fired::Scheduled) });
    }
    let beat = fixture.beat(vec![schedule("a", "* * * * *"), schedule("b", "* * * * *")]);
    assert!(matches!(beat.tick(at(60)).await, Err(Error::Unavailable { .. })));
    assert_eq!(beat.progress(), BeatProgress::default());
    assert_eq!(beat.tick(at(61)).await.unwrap(), 2);
}

#[tokio::test]
async fn new_schedules_replace_the_old_ones_unless_something_is_wrong_with_them() {
    let mut fixture = Fixture::new();
    fixture.schedules.expect_list().times(3).returning(|| Ok(Vec::new()));
    let beat = fixture.beat(vec![schedule("old", "* * * * *")]);
    let names = async || -> Vec<String> {
        beat.statuses().await.unwrap().iter().map(|report| report.name.as_str().to_owned()).collect()
    };
    assert_eq!(names().await, ["old"]);
    let wrong = vec![
        Schedule { kind: "NOBODY_KNOWS".to_owned(), ..schedule("a", "* * * * *") },
        Schedule { payload: "5".to_owned(), ..schedule("b", "* * * * *") },
        schedule("c", "* * * * *"),
        schedule("c", "* * * * *"),
    ];
    let invalid = beat.set_schedules(wrong).unwrap_err();
    let fields = invalid.errors().iter().map(|error| (error.field.as_str(), error.violation.code));
    let expected = [
        ("schedules.a.kind", "unknown_kind"),
        ("schedules.b.payload", "payload"),
        ("schedules.c", "duplicate"),
    ];
    assert!(fields.eq(expected), "{invalid}");
    assert_eq!(names().await, ["old"]);
    beat.set_schedules(vec![schedule("new", "* * * * *"), schedule("newer", "* * * * *")]).unwrap();
    assert_eq!(names().await, ["new", "newer"]);
}

#[tokio::test]
async fn a_report_tells_what_is_set_and_how_far_it_is() {
    let mut fixture = Fixture::new();
    let known = [("gone", 1), ("nightly", 5)].map(|(called, slot)| ScheduleStatus {
        name: name(called),
        last_slot: at(slot),
        last_task: Some(TaskId(Uuid::from_u128(3))),
    });
    fixture.schedules.expect_list().once().return_once(|| Ok(known.into()));
    let beat = fixture.beat(vec![schedule("new", "* * * * *"), schedule("nightly", "0 3 * * *")]);
    let [new, nightly] = beat.statuses().await.unwrap().try_into().unwrap();
    assert_eq!((new.last_slot, new.last_task, new.next), (None, None, Some(at(60))));
    let expected = ScheduleReport {
        name: name("nightly"),
        cron: "0 3 * * *".to_owned(),
        zone: "UTC",
        kind: "PRUNE_TASKS".to_owned(),
        misfire: Misfire::CatchUp,
        overlap: Overlap::QueueOne,
        last_slot: Some(at(5)),
        next: Some(at(3 * 3600)),
        last_task: Some(TaskId(Uuid::from_u128(3))),
    };
    assert_eq!(nightly, expected);
}

#[tokio::test]
async fn a_schedule_runs_now_besides_its_slots() {
    let mut fixture = Fixture::new();
    let (sent, received) = std::sync::mpsc::channel();
    fixture
        .tasks
        .expect_schedule()
        .withf(|then| {
            let [task] = then.tasks.as_slice() else { return false };
            task.kind == "PRUNE_TASKS" && task.due_at == at(9) && task.request_id == "test"
        })
        .once()
        .returning(move |then| {
            sent.send(then.tasks[0].clone()).unwrap();
            Ok(vec![then.tasks[0].id])
        });
    fixture.tasks.expect_stories().once().returning(move |_| Ok(vec![story(received.recv().unwrap())]));
    let beat = fixture.beat(vec![schedule("a", "* * * * *")]);
    assert_eq!(beat.run_now(&ctx(), "a").await.unwrap().task.kind, "PRUNE_TASKS");
    let error = beat.run_now(&ctx(), "b").await.unwrap_err();
    assert!(matches!(error, Error::NotFound { kind: "schedule", id } if id == "b"));
}

/// Runs the beat for so long, which takes no time.
async fn run_for(beat: BeatController, duration: Duration) {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    let running = tokio::spawn(async move { beat.run(stopped).await });
    tokio::time::sleep(duration).await;
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_running_beat_fires_each_slot_in_its_second_and_shows_itself() {
    let mut fixture = Fixture::new();
    fixture.clock = Arc::new(Ticking(Instant::now()));
    let mut last = at(0);
    let (tell, told) = std::sync::mpsc::channel();
    fixture.schedules.expect_last().returning(move |_, _, _| {
        last = told.try_iter().last().unwrap_or(last);
        Ok(last)
    });
    fixture
        .schedules
        .expect_fire()
        .withf(|firing| {
            let lag = firing.task.created_at - firing.slot;
            lag >= chrono::TimeDelta::zero() && lag < chrono::TimeDelta::milliseconds(20)
        })
        .times(9)
        .returning(move |firing| {
            tell.send(firing.slot).unwrap();
            Ok(Fired::Scheduled)
        });
    let is_mine = |id: &SessionId| id.0 == Uuid::from_u128(7);
    let opened = fixture.ledger.expect_open().withf(move |session| {
        let is_here = (session.host.as_str(), session.process) == ("here", 5);
        is_mine(&session.id) && session.role == Role::Beat && is_here && session.lease.as_secs() == 60
    });
    // The second one since the first has expired meanwhile.
    opened.times(2).returning(|_| Ok(()));
    let mut alive = [true, false, true, true, true, true].into_iter();
    let renewed = fixture.ledger.expect_renew().withf(move |renewal| {
        let fired =
            renewal.finished_at.is_some_and(|fired| renewal.now - fired < chrono::TimeDelta::seconds(11));
        is_mine(&renewal.id) && fired && renewal.running.is_empty()
    });
    renewed.times(6).returning(move |_| Ok(Renewed { alive: alive.next().unwrap(), ..Renewed::default() }));
    fixture.ledger.expect_close().withf(move |id, _| is_mine(id)).once().returning(|_, _| Ok(()));
    run_for(fixture.beat(vec![schedule("a", "*/10 * * * * *")]), Duration::from_millis(90_500)).await;
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_gone_is_asked_each_second_and_told_of_every_ten() {
    let lines = Arc::new(AtomicUsize::new(0));
    let mut fixture = Fixture::new();
    fixture.clock = Arc::new(Ticking(Instant::now()));
    fixture.log = Logger::root(Lines(lines.clone()), slog::o!());
    fixture.schedules.expect_last().times(25).returning(|_, _, _| Err(gone()));
    fixture.ledger.expect_open().times(25).returning(|_| Err(gone()));
    run_for(fixture.beat(vec![schedule("a", "* * * * *")]), Duration::from_millis(24_500)).await;
    assert_eq!(lines.load(Ordering::Relaxed), 3);
}
