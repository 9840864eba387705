//! The decisions of [`PersonController`], over mocked ports.

use super::*;
use crate::{
    MockBacklog, MockClock, MockDoorbell, MockIds, MockTaskRepository, Settle,
    testing::{at, ctx, story},
};
use domain::{NewTask, Place, Priority, QueueName, TaskId};
use mockall::predicate::eq;
use uuid::Uuid;

const ID: PersonId = PersonId(Uuid::from_u128(7));

fn details(name: &str, age: i64) -> PersonDetails {
    PersonDetails {
        name: PersonName::parse(name).unwrap(),
        email: EmailAddress::parse("ada@example.com").unwrap(),
        age: Age::new(age).unwrap(),
    }
}

/// A person of version 2, last written at second 0.
fn stored(age: i64) -> Person {
    Person::restore(ID, details("Ada", age), Version::FIRST.next(), at(0), at(0))
}

/// A controller over `persons` that schedules nothing, at second 9; ids are [`ID`].
fn controller(persons: MockPersonRepository) -> PersonController {
    controller_with(persons, MockTaskRepository::new(), MockBacklog::new())
}

fn controller_with(
    persons: MockPersonRepository,
    tasks: MockTaskRepository,
    backlog: MockBacklog,
) -> PersonController {
    let (mut clock, mut ids) = (MockClock::new(), MockIds::new());
    clock.expect_now().return_const(at(9));
    ids.expect_next().with(eq(at(9))).return_const(ID.0);
    let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(clock), Arc::new(ids));
    let tasks = TaskController::new(Arc::new(tasks), Arc::new(MockDoorbell::new()), clock.clone());
    let scheduler = Scheduler::new(clock.clone(), ids.clone(), Arc::new(backlog));
    PersonController::new(Arc::new(persons), Arc::new(tasks), Arc::new(scheduler), clock, ids)
}

/// The birthday that is scheduled.
fn birthday() -> NewTask {
    NewTask {
        id: TaskId(ID.0),
        kind: "ADD_ONE_YEAR".to_owned(),
        queue: QueueName::parse("default").unwrap(),
        priority: Priority::Normal,
        max_retries: 3,
        timeout: std::time::Duration::from_secs(300),
        payload: format!(r#"{{"person_id":"{}"}}"#, ID.0),
        due_at: at(9),
        unique_key: None,
        place: Place::Alone,
        request_id: "test".to_owned(),
        parent: None,
        created_at: at(9),
    }
}

/// A repository that finds `person` once.
fn finding(person: Option<Person>) -> MockPersonRepository {
    let mut persons = MockPersonRepository::new();
    persons.expect_find().with(eq(ID)).once().return_once(move |_| Ok(person));
    persons
}

#[tokio::test]
async fn a_new_person_gets_its_id_and_time_from_the_ports() {
    let mut persons = MockPersonRepository::new();
    let expected = Person::new(ID, details("Ada", 36), at(9));
    persons.expect_insert().with(eq(expected.clone()), eq(Then::nothing())).once().returning(|_, _| Ok(()));
    assert_eq!(controller(persons).create(&ctx(), details("Ada", 36)).await.unwrap(), expected);
}

#[tokio::test]
async fn who_does_not_exist_is_not_found() {
    let error = controller(finding(None)).get(&ctx(), ID).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { kind: "person", id } if id == ID.0.to_string()));
}

#[tokio::test]
async fn a_replacement_is_guarded_by_the_version_that_was_read() {
    let mut persons = finding(Some(stored(36)));
    persons
        .expect_update()
        .withf(|person, read, then| {
            let details = person.details();
            details.name.as_str() == "Countess"
                && person.updated_at() == at(9)
                && read.number() == 2
                && then.is_nothing()
        })
        .once()
        .returning(|_, _, _| Ok(()));
    let person = controller(persons).replace(&ctx(), ID, None, details("Countess", 36)).await.unwrap();
    assert_eq!(person.version().number(), 3);
}

#[tokio::test]
async fn an_outdated_expectation_is_stale_and_nothing_is_written() {
    let first = Some(Version::FIRST);
    let stale = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Stale { kind: "person" })));
    // The mocks have no expectation of a write: one would panic.
    let controller = |()| controller(finding(Some(stored(36))));
    stale(controller(()).replace(&ctx(), ID, first, details("Ada", 1)).await.map(drop));
    stale(controller(()).patch(&ctx(), ID, first, PersonPatch::default()).await.map(drop));
    stale(controller(()).delete(&ctx(), ID, first).await);
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let mut persons = finding(Some(stored(36)));
    persons
        .expect_update()
        .withf(|person, read, then| {
            *person.details() == details("Ada", 40) && read.number() == 2 && then.is_nothing()
        })
        .once()
        .returning(|_, _, _| Ok(()));
    let patch = PersonPatch { age: Some(Age::new(40).unwrap()), ..Default::default() };
    controller(persons).patch(&ctx(), ID, None, patch).await.unwrap();
}

#[tokio::test]
async fn a_patch_that_says_nothing_new_writes_nothing() {
    let patch = PersonPatch { age: Some(Age::new(36).unwrap()), ..Default::default() };
    let person = controller(finding(Some(stored(36)))).patch(&ctx(), ID, None, patch).await.unwrap();
    assert_eq!(person, stored(36));
}

#[tokio::test]
async fn a_birthday_is_scheduled_for_a_person_that_exists() {
    let (mut tasks, mut backlog) = (MockTaskRepository::new(), MockBacklog::new());
    let expected = Then { tasks: vec![birthday()], ..Then::default() };
    tasks.expect_schedule().with(eq(expected)).once().returning(|_| Ok(vec![TaskId(ID.0)]));
    tasks
        .expect_stories()
        .withf(|ids| ids == [TaskId(ID.0)])
        .once()
        .returning(|_| Ok(vec![story(birthday())]));
    backlog.expect_admit().with(eq(birthday().queue)).once().returning(|_| Ok(()));
    let controller = controller_with(finding(Some(stored(36))), tasks, backlog);
    assert_eq!(controller.schedule_add_one_year(&ctx(), ID).await.unwrap(), story(birthday()));
}

#[tokio::test]
async fn nothing_is_scheduled_for_nobody_nor_into_a_full_queue() {
    let error = controller(finding(None)).schedule_add_one_year(&ctx(), ID).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { kind: "person", .. }));

    let mut backlog = MockBacklog::new();
    let retry_after = std::time::Duration::from_secs(2);
    let full = move |_: &QueueName| Err(Error::TooMany { what: "the queue is full".to_owned(), retry_after });
    backlog.expect_admit().once().returning(full);
    let controller = controller_with(finding(Some(stored(36))), MockTaskRepository::new(), backlog);
    let error = controller.schedule_add_one_year(&ctx(), ID).await.unwrap_err();
    assert!(matches!(error, Error::TooMany { retry_after, .. } if retry_after.as_secs() == 2));
}

#[tokio::test]
async fn what_follows_a_birthday_is_committed_with_it() {
    let settle = Settle {
        claim: crate::Claim { id: TaskId(Uuid::from_u128(1)), fence: 1 },
        result: "37".to_owned(),
        at: at(9),
    };
    let then = Then { settle: Some(settle), ..Then::default() };
    let mut persons = finding(Some(stored(36)));
    let expected = then.clone();
    persons
        .expect_update()
        .withf(move |person, read, then| {
            *person.details() == details("Ada", 37) && read.number() == 2 && *then == expected
        })
        .once()
        .returning(|_, _, _| Ok(()));
    let follows = |person: &Person| {
        assert_eq!(person.details().age.years(), 37);
        Ok(then.clone())
    };
    let person = controller(persons).add_one_year(&ctx(), ID, follows).await.unwrap();
    assert_eq!(person.version().number(), 3);
}

#[tokio::test]
async fn the_greatest_age_is_a_conflict_and_nothing_is_written() {
    let nothing = |_: &Person| panic!("nobody has grown older");
    let error = controller(finding(Some(stored(150)))).add_one_year(&ctx(), ID, nothing).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { field: "age", .. }));
}

#[tokio::test]
async fn a_lost_claim_ends_a_birthday_at_once() {
    let mut persons = finding(Some(stored(36)));
    persons.expect_update().once().returning(|_, _, _| Err(Error::Stale { kind: "task" }));
    let nothing = |_: &Person| Ok(Then::nothing());
    let error = controller(persons).add_one_year(&ctx(), ID, nothing).await.unwrap_err();
    assert!(matches!(error, Error::Stale { kind: "task" }));
}

#[tokio::test]
async fn a_deletion_names_the_version_that_was_read() {
    let mut persons = finding(Some(stored(36)));
    persons
        .expect_delete()
        .with(eq(ID), eq(Version::FIRST.next()), eq(Then::nothing()))
        .once()
        .returning(|_, _, _| Ok(()));
    controller(persons).delete(&ctx(), ID, None).await.unwrap();
}

#[tokio::test]
async fn without_an_expectation_a_lost_race_is_run_again() {
    let mut persons = MockPersonRepository::new();
    persons.expect_find().with(eq(ID)).times(3).returning(|_| Ok(Some(stored(36))));
    let mut races = 0;
    persons.expect_update().times(3).returning(move |_, _, _| {
        races += 1;
        if races < 3 { Err(Error::Stale { kind: "person" }) } else { Ok(()) }
    });
    let person = controller(persons).add_one_year(&ctx(), ID, |_| Ok(Then::nothing())).await.unwrap();
    assert_eq!(person.details().age.years(), 37);
}

#[tokio::test]
async fn with_an_expectation_a_lost_race_is_stale() {
    let mut persons = finding(Some(stored(36)));
    persons.expect_delete().once().returning(|_, _, _| Err(Error::Stale { kind: "person" }));
    let error = controller(persons).delete(&ctx(), ID, Some(Version::FIRST.next())).await.unwrap_err();
    assert!(matches!(error, Error::Stale { kind: "person" }));
}

#[tokio::test]
async fn a_race_that_is_always_lost_ends() {
    let mut persons = MockPersonRepository::new();
    persons.expect_find().times(100).returning(|_| Ok(Some(stored(36))));
    persons.expect_delete().times(100).returning(|_, _, _| Err(Error::Stale { kind: "person" }));
    assert!(matches!(controller(persons).delete(&ctx(), ID, None).await, Err(Error::Stale { .. })));
}
