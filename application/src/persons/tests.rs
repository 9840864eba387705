//! The decisions of [`PersonController`], over mocked ports.

use super::*;
use crate::{MockClock, MockIds, RequestId};
use chrono::{DateTime, TimeDelta, Utc};
use mockall::predicate::eq;
use uuid::Uuid;

const ID: PersonId = PersonId(Uuid::from_u128(7));

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn ctx() -> Context {
    Context {
        request_id: RequestId::parse("test").unwrap(),
        log: slog::Logger::root(slog::Discard, slog::o!()),
    }
}

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

/// A controller over `persons`, at second 9; ids are [`ID`].
fn controller(persons: MockPersonRepository) -> PersonController {
    let (mut clock, mut ids) = (MockClock::new(), MockIds::new());
    clock.expect_now().return_const(at(9));
    ids.expect_next().with(eq(at(9))).return_const(ID.0);
    PersonController::new(Arc::new(persons), Arc::new(clock), Arc::new(ids))
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
    persons.expect_insert().with(eq(expected.clone())).once().returning(|_| Ok(()));
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
        .withf(|person, read| {
            person.details().name.as_str() == "Countess" && person.updated_at() == at(9) && read.number() == 2
        })
        .once()
        .returning(|_, _| Ok(()));
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
    stale(controller(()).add_one_year(&ctx(), ID, first).await.map(drop));
    stale(controller(()).delete(&ctx(), ID, first).await);
}

#[tokio::test]
async fn a_patch_changes_what_it_names() {
    let mut persons = finding(Some(stored(36)));
    persons
        .expect_update()
        .withf(|person, read| *person.details() == details("Ada", 40) && read.number() == 2)
        .once()
        .returning(|_, _| Ok(()));
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
async fn the_greatest_age_is_a_conflict_and_nothing_is_written() {
    let error = controller(finding(Some(stored(150)))).add_one_year(&ctx(), ID, None).await.unwrap_err();
    assert!(matches!(error, Error::Conflict { field: "age", .. }));
}

#[tokio::test]
async fn a_deletion_names_the_version_that_was_read() {
    let mut persons = finding(Some(stored(36)));
    persons.expect_delete().with(eq(ID), eq(Version::FIRST.next())).once().returning(|_, _| Ok(()));
    controller(persons).delete(&ctx(), ID, None).await.unwrap();
}

#[tokio::test]
async fn without_an_expectation_a_lost_race_is_run_again() {
    let mut persons = MockPersonRepository::new();
    persons.expect_find().with(eq(ID)).times(3).returning(|_| Ok(Some(stored(36))));
    let mut races = 0;
    persons.expect_update().times(3).returning(move |_, _| {
        races += 1;
        if races < 3 { Err(Error::Stale { kind: "person" }) } else { Ok(()) }
    });
    let person = controller(persons).add_one_year(&ctx(), ID, None).await.unwrap();
    assert_eq!(person.details().age.years(), 37);
}

#[tokio::test]
async fn with_an_expectation_a_lost_race_is_stale() {
    let mut persons = finding(Some(stored(36)));
    persons.expect_delete().once().returning(|_, _| Err(Error::Stale { kind: "person" }));
    let error = controller(persons).delete(&ctx(), ID, Some(Version::FIRST.next())).await.unwrap_err();
    assert!(matches!(error, Error::Stale { kind: "person" }));
}

#[tokio::test]
async fn a_race_that_is_always_lost_ends() {
    let mut persons = MockPersonRepository::new();
    persons.expect_find().times(100).returning(|_| Ok(Some(stored(36))));
    persons.expect_delete().times(100).returning(|_, _| Err(Error::Stale { kind: "person" }));
    assert!(matches!(controller(persons).delete(&ctx(), ID, None).await, Err(Error::Stale { .. })));
}
