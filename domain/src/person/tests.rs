use super::*;
use chrono::TimeDelta;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

fn ada(age: i64) -> Person {
    let details = PersonDetails {
        name: PersonName::parse("Ada Lovelace").unwrap(),
        email: EmailAddress::parse("ada@example.com").unwrap(),
        age: Age::new(age).unwrap(),
    };
    Person::new(PersonId(Uuid::nil()), details, at(0))
}

#[test]
fn a_change_raises_the_version_and_keeps_the_time_of_creation() {
    let mut person = ada(36);
    person.add_one_year(at(5)).unwrap();
    assert_eq!(person.details().age.years(), 37);
    assert_eq!(person.version().number(), 2);
    assert_eq!((person.created_at(), person.updated_at()), (at(0), at(5)));
}

#[test]
fn nobody_grows_older_than_the_greatest_age() {
    let mut person = ada(150);
    let before = person.clone();
    assert_eq!(person.add_one_year(at(5)), Err(TooOld));
    assert_eq!(person, before);
}

#[test]
fn names_are_trimmed_bounded_and_printable() {
    assert_eq!(PersonName::parse("  Ada ").unwrap().as_str(), "Ada");
    assert!(PersonName::parse(&"é".repeat(200)).is_ok());
    let long = "a".repeat(201);
    for (raw, code) in
        [("", "too_short"), (" \t ", "too_short"), (&long, "too_long"), ("a\0b", "control_character")]
    {
        assert_eq!(PersonName::parse(raw).unwrap_err().code, code, "{raw:?}");
    }
}

#[test]
fn an_age_is_0_to_150() {
    for wrong in [i64::MIN, -1, 151, i64::MAX] {
        assert_eq!(Age::new(wrong).unwrap_err().code, "range", "{wrong}");
    }
    assert_eq!([0, 150].map(|n| Age::new(n).unwrap().years()), [0, 150]);
}

#[test]
fn a_prefix_is_a_range() {
    let end = |prefix: &str| NamePrefix::parse(prefix).unwrap().end();
    assert_eq!(end("Ad").as_deref(), Some("Ae"));
    assert_eq!(end("a\u{10ffff}").as_deref(), Some("b"));
    assert_eq!(end("\u{d7ff}").as_deref(), Some("\u{e000}"));
    assert_eq!(end("\u{10ffff}"), None);
    assert_eq!(NamePrefix::parse(" Ada ").unwrap().as_str(), "Ada ");
}
