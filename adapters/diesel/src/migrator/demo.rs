//! The demo persons of `plinth db seed`: people who made programming what it is, and e-mail addresses that reach nobody
//! (RFC 2606).

use application::{Clock, Ids};
use domain::{Age, EmailAddress, Person, PersonDetails, PersonId, PersonName};

const DEMO: [(&str, &str, i64); 14] = [
    ("Ada Lovelace", "ada@example.com", 36),
    ("Alan Turing", "alan@example.com", 41),
    ("Annie Easley", "annie@example.com", 78),
    ("Barbara Liskov", "barbara@example.com", 68),
    ("Donald Knuth", "donald@example.com", 64),
    ("Edsger Dijkstra", "edsger@example.com", 72),
    ("Frances Allen", "frances@example.com", 88),
    ("Grace Hopper", "grace@example.com", 85),
    ("John von Neumann", "john@example.com", 53),
    ("Katherine Johnson", "katherine@example.com", 101),
    ("Konrad Zuse", "konrad@example.com", 85),
    ("Margaret Hamilton", "margaret@example.com", 33),
    ("Radia Perlman", "radia@example.com", 49),
    ("Tony Hoare", "tony@example.com", 46),
];

/// All of them, newly made. One that broke a rule of the domain would be left out, and a test would fail.
pub(crate) fn demo_persons(clock: &dyn Clock, ids: &dyn Ids) -> Vec<Person> {
    let now = clock.now();
    let details = |&(name, email, age): &(&str, &str, i64)| {
        let (name, email) = (PersonName::parse(name).ok()?, EmailAddress::parse(email).ok()?);
        Some(PersonDetails { name, email, age: Age::new(age).ok()? })
    };
    let persons = DEMO.iter().filter_map(details);
    persons.map(|details| Person::new(PersonId(ids.next(now)), details, now)).collect()
}
