//! What the tests of several modules share.

use crate::{
    Clock, Context, MockBacklog, MockClock, MockDoorbell, MockIds, MockPersonRepository, MockTaskRepository,
    PersonController, RequestId, Scheduler, TaskController,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Age, EmailAddress, NewTask, Person, PersonDetails, PersonId, PersonName, Task, TaskStory, Version,
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// So many seconds after the beginning of the Unix epoch.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// Of the request `test`, without a log.
pub(crate) fn ctx() -> Context {
    Context {
        request_id: RequestId::parse("test").unwrap(),
        log: slog::Logger::root(slog::Discard, slog::o!()),
    }
}

/// Somebody whose record is new, at second 0.
pub(crate) fn person(id: PersonId, name: &str, age: i64) -> Person {
    let (name, email) = (PersonName::parse(name), EmailAddress::parse("ada@example.com"));
    let details = PersonDetails { name: name.unwrap(), email: email.unwrap(), age: Age::new(age).unwrap() };
    Person::new(id, details, at(0))
}

/// A controller over `persons` that makes nobody and schedules nothing, at second 0.
pub(crate) fn person_controller(persons: MockPersonRepository) -> Arc<PersonController> {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(at(0));
    let (clock, ids): (Arc<dyn Clock>, _) = (Arc::new(clock), Arc::new(MockIds::new()));
    let (tasks, doorbell) = (MockTaskRepository::new(), MockDoorbell::new());
    let tasks = Arc::new(TaskController::new(Arc::new(tasks), Arc::new(doorbell), clock.clone()));
    let scheduler = Arc::new(Scheduler::new(clock.clone(), ids.clone(), Arc::new(MockBacklog::new())));
    Arc::new(PersonController::new(Arc::new(persons), tasks, scheduler, clock, ids))
}

/// What the ledger tells of a task that has just been scheduled, alone.
pub(crate) fn story(new: NewTask) -> TaskStory {
    let task = Task {
        id: new.id,
        standing: new.standing(),
        kind: new.kind,
        queue: new.queue,
        priority: new.priority,
        fence: 0,
        version: Version::FIRST,
        place: new.place,
        payload: new.payload,
        result: None,
        progress: None,
        reason: None,
        timeout: new.timeout,
        request_id: new.request_id,
        parent: new.parent,
        due_at: new.due_at,
        created_at: new.created_at,
        started_at: None,
        finished_at: None,
    };
    TaskStory { task, links: Vec::new(), faults: Vec::new() }
}

/// Counts lines.
pub(crate) struct Lines(pub(crate) Arc<AtomicUsize>);

impl slog::Drain for Lines {
    type Ok = ();
    type Err = slog::Never;

    fn log(&self, _: &slog::Record<'_>, _: &slog::OwnedKVList) -> Result<(), slog::Never> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
