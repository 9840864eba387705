//! One person at a time.

use super::{NOTHING, at};
use application::{Error, PersonRepository};
use chrono::{DateTime, Utc};
use domain::{Age, EmailAddress, Person, PersonDetails, PersonId, PersonName, Version};
use uuid::Uuid;

pub(super) fn details(name: &str, email: &str, age: i64) -> PersonDetails {
    PersonDetails {
        name: PersonName::parse(name).expect("a name"),
        email: EmailAddress::parse(email).expect("an address"),
        age: Age::new(age).expect("an age"),
    }
}

/// A new person; `number` makes the id.
pub(super) fn person(number: u128, name: &str, email: &str) -> Person {
    Person::new(PersonId(Uuid::from_u128(number)), details(name, email, 36), at(0))
}

fn assert_taken(result: Result<(), Error>) {
    match result {
        Err(Error::Conflict { field: "email", violation }) => assert_eq!(violation.code, "taken"),
        other => panic!("not a conflict on email: {other:?}"),
    }
}

fn assert_stale(result: Result<(), Error>) {
    assert!(matches!(result, Err(Error::Stale { kind: "person" })), "{result:?}");
}

pub(super) async fn what_is_inserted_is_found(persons: &dyn PersonRepository) {
    let details =
        details("Ada \u{1f469}\u{200d}\u{1f4bb} Lovelace, \"Gräfin\"; --", "Ada.Lovelace+x@Example.COM", 36);
    let id = PersonId(Uuid::from_u128(0x0190_b6f0_1234_7abc_8def_0123_4567_89ab));
    let version = Version::new(7).expect("a version");
    let ada = Person::restore(id, details, version, at(1), at(999_999));
    persons.insert(&ada, &NOTHING).await.expect("inserted");
    assert_eq!(persons.find(id).await.expect("found"), Some(ada));
}

pub(super) async fn the_extremes_of_every_field_are_kept(persons: &dyn PersonRepository) {
    let time = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
    let (early, late) = (time("1970-01-01T00:00:00Z"), time("9999-12-31T23:59:59.999999Z"));
    let long = format!("{}@{}.example", "a".repeat(64), "b".repeat(63));
    for (number, name, email, age, version) in
        [(0, "a", "a@b", 0, 1), (u128::MAX, &*"\u{10ffff}".repeat(200), &*long, 150, i64::MAX)]
    {
        let id = PersonId(Uuid::from_u128(number));
        let version = Version::new(version).expect("a version");
        let person = Person::restore(id, details(name, email, age), version, early, late);
        persons.insert(&person, &NOTHING).await.expect("inserted");
        assert_eq!(persons.find(id).await.expect("found"), Some(person));
    }
}

pub(super) async fn who_is_not_there_is_none(persons: &dyn PersonRepository) {
    assert_eq!(persons.find(PersonId(Uuid::from_u128(1))).await.expect("an answer"), None);
}

pub(super) async fn an_address_is_taken_regardless_of_case(persons: &dyn PersonRepository) {
    persons.insert(&person(1, "Ada", "Ada@example.com"), &NOTHING).await.expect("inserted");
    assert_taken(persons.insert(&person(2, "Eve", "aDA@EXAMPLE.com"), &NOTHING).await);
    assert_eq!(persons.find(PersonId(Uuid::from_u128(2))).await.expect("an answer"), None);
}

pub(super) async fn a_change_to_the_address_of_another_is_a_conflict_and_changes_nothing(
    persons: &dyn PersonRepository,
) {
    let (ada, eve) = (person(1, "Ada", "ada@example.com"), person(2, "Eve", "eve@example.com"));
    persons.insert(&ada, &NOTHING).await.expect("inserted");
    persons.insert(&eve, &NOTHING).await.expect("inserted");
    let mut envious = eve.clone();
    envious.replace(details("Ada", "ADA@example.com", 36), at(1));
    assert_taken(persons.update(&envious, eve.version(), &NOTHING).await);
    assert_eq!(persons.find(eve.id()).await.expect("found"), Some(eve));
}

pub(super) async fn everybody_may_change_the_case_of_the_own_address(persons: &dyn PersonRepository) {
    let mut ada = person(1, "Ada", "ada@example.com");
    persons.insert(&ada, &NOTHING).await.expect("inserted");
    let read = ada.version();
    ada.replace(details("Ada", "Ada@Example.com", 37), at(1));
    persons.update(&ada, read, &NOTHING).await.expect("updated");
    assert_eq!(persons.find(ada.id()).await.expect("found"), Some(ada));
}

pub(super) async fn a_change_is_guarded_by_the_version(persons: &dyn PersonRepository) {
    let mut ada = person(1, "Ada", "ada@example.com");
    persons.insert(&ada, &NOTHING).await.expect("inserted");
    let (old, read) = (ada.clone(), ada.version());
    ada.replace(details("Countess", "countess@example.com", 37), at(1));
    assert_stale(persons.update(&ada, read.next(), &NOTHING).await);
    assert_eq!(persons.find(ada.id()).await.expect("found"), Some(old));
    persons.update(&ada, read, &NOTHING).await.expect("updated");
    assert_eq!(persons.find(ada.id()).await.expect("found"), Some(ada.clone()));
    assert_stale(persons.update(&ada, read, &NOTHING).await);
}

pub(super) async fn of_two_changes_at_once_one_is_stale(persons: &dyn PersonRepository) {
    let ada = person(1, "Ada", "ada@example.com");
    persons.insert(&ada, &NOTHING).await.expect("inserted");
    let older = |years| {
        let mut older = ada.clone();
        older.replace(details("Ada", "ada@example.com", years), at(years));
        older
    };
    let (first, second) = (older(40), older(50));
    let (a, b) = tokio::join!(
        persons.update(&first, ada.version(), &NOTHING),
        persons.update(&second, ada.version(), &NOTHING)
    );
    let winner = if a.is_ok() { first } else { second };
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    assert_stale(a.and(b));
    assert_eq!(persons.find(ada.id()).await.expect("found"), Some(winner));
}

pub(super) async fn who_is_gone_cannot_be_changed(persons: &dyn PersonRepository) {
    let ada = person(1, "Ada", "ada@example.com");
    assert_stale(persons.update(&ada, ada.version(), &NOTHING).await);
    assert_stale(persons.delete(ada.id(), ada.version(), &NOTHING).await);
}

pub(super) async fn a_deletion_is_guarded_by_the_version_and_frees_the_address(
    persons: &dyn PersonRepository,
) {
    let ada = person(1, "Ada", "ada@example.com");
    persons.insert(&ada, &NOTHING).await.expect("inserted");
    assert_stale(persons.delete(ada.id(), ada.version().next(), &NOTHING).await);
    persons.delete(ada.id(), ada.version(), &NOTHING).await.expect("deleted");
    assert_eq!(persons.find(ada.id()).await.expect("an answer"), None);
    persons.insert(&person(2, "Ada", "Ada@example.com"), &NOTHING).await.expect("the address is free");
}
