//! Many persons, against a model: the same persons in memory, sorted and filtered by the rules of the domain.

use super::{NOTHING, persons::person};
use application::{Error, PersonRepository};
use domain::{
    Cursor, Direction, EmailAddress, Limit, NamePrefix, Page, Person, PersonFilter, PersonOrder,
    PersonPosition, PersonQuery, PersonSort,
};

/// Ties, both cases, accents, characters around the surrogates and beyond (UTF-16 would sort them otherwise), and
/// what is special in patterns.
const NAMES: [&str; 16] = [
    "Ada",
    "Zoë",
    "ada",
    "Ada",
    "Ärger",
    "Ad",
    "Ada",
    "a\u{d7ff}",
    "a\u{e000}",
    "a\u{ffff}",
    "a\u{1f600}",
    "A_a",
    "A%a",
    "\u{10ffff}",
    "Ada L",
    "Ae",
];

const SORTS: [PersonSort; 6] = {
    const fn sort(order: PersonOrder, descending: bool) -> PersonSort {
        PersonSort { order, descending }
    }
    [
        sort(PersonOrder::Created, false),
        sort(PersonOrder::Created, true),
        sort(PersonOrder::Name, false),
        sort(PersonOrder::Name, true),
        sort(PersonOrder::Email, false),
        sort(PersonOrder::Email, true),
    ]
};

async fn populate(persons: &dyn PersonRepository) -> Vec<Person> {
    let mut all = Vec::new();
    for (place, name) in NAMES.iter().enumerate() {
        // Neither ids nor addresses in the order of the names, and addresses of both cases.
        let (number, letter) =
            ((place * 7 % NAMES.len()) as u128 + 1, char::from(b'a' + (place * 5 % 16) as u8));
        let letter = if place % 2 == 0 { letter } else { letter.to_ascii_uppercase() };
        all.push(person(number, name, &format!("{letter}@example.com")));
    }
    for person in &all {
        persons.insert(person, &NOTHING).await.expect("inserted");
    }
    all
}

/// What a list should be.
fn expected(all: &[Person], sort: PersonSort, filter: &PersonFilter) -> Vec<Person> {
    let wanted = |person: &&Person| {
        let name = person.details().name.as_str();
        filter.name.as_ref().is_none_or(|prefix| name.starts_with(prefix.as_str()))
            && filter.email.as_ref().is_none_or(|email| person.details().email.key() == email.key())
    };
    let mut list: Vec<Person> = all.iter().filter(wanted).cloned().collect();
    let place = |person: &Person| {
        let PersonPosition { key, id } = sort.order.position(person);
        (key, id)
    };
    list.sort_by_key(place);
    if sort.descending {
        list.reverse();
    }
    list
}

type Persons = Page<Person, PersonPosition>;

async fn page(
    persons: &dyn PersonRepository,
    sort: PersonSort,
    filter: &PersonFilter,
    limit: i64,
    cursor: Option<Cursor<PersonPosition>>,
) -> Result<Persons, Error> {
    let limit = Limit::new(limit).expect("a limit");
    persons.list(&PersonQuery { filter: filter.clone(), sort, limit, cursor }).await
}

/// All pages from the first, each with the way to the next.
async fn walk(
    persons: &dyn PersonRepository,
    sort: PersonSort,
    filter: &PersonFilter,
    limit: i64,
) -> Vec<Persons> {
    let mut pages = vec![page(persons, sort, filter, limit, None).await.expect("a page")];
    while let Some(next) = pages.last().and_then(|page| page.next.clone()) {
        assert_eq!(next.direction, Direction::After);
        pages.push(page(persons, sort, filter, limit, Some(next)).await.expect("a page"));
        assert!(pages.len() <= NAMES.len(), "the list does not end");
    }
    pages
}

fn items(pages: &[Persons]) -> Vec<Person> {
    pages.iter().flat_map(|page| page.items.clone()).collect()
}

pub(super) async fn an_empty_list_has_no_neighbours(persons: &dyn PersonRepository) {
    for sort in SORTS {
        let page = page(persons, sort, &PersonFilter::default(), 20, None).await.expect("a page");
        assert_eq!(page, Page { items: vec![], next: None, prev: None });
    }
}

pub(super) async fn every_order_is_that_of_code_points_and_ids(persons: &dyn PersonRepository) {
    let all = populate(persons).await;
    for sort in SORTS {
        let page = page(persons, sort, &PersonFilter::default(), 100, None).await.expect("a page");
        assert_eq!(page.items, expected(&all, sort, &PersonFilter::default()), "{sort:?}");
    }
}

pub(super) async fn every_list_can_be_walked_both_ways(persons: &dyn PersonRepository) {
    let all = populate(persons).await;
    let filter = PersonFilter::default();
    for sort in SORTS {
        let list = expected(&all, sort, &filter);
        for limit in [1, 2, 3, 7, 15, 16, 17] {
            let forth = walk(persons, sort, &filter, limit).await;
            assert_eq!(items(&forth), list, "{sort:?} by {limit}");
            let mut back = vec![forth.last().expect("a page").clone()];
            while let Some(prev) = back[0].prev.clone() {
                let previous = page(persons, sort, &filter, limit, Some(prev)).await.expect("a page");
                back.insert(0, previous);
            }
            assert_eq!(items(&back), list, "{sort:?} back by {limit}");
            assert_eq!(back.len(), forth.len(), "{sort:?} by {limit}");
        }
    }
}

pub(super) async fn a_prefix_is_found_whatever_its_characters(persons: &dyn PersonRepository) {
    let all = populate(persons).await;
    for prefix in
        ["A", "a", "Ad", "Ada", "Ada ", "A_", "A%", "a\u{d7ff}", "a\u{ffff}", "\u{10ffff}", "Ä", "x", "Zoë"]
    {
        let filter = PersonFilter { name: NamePrefix::parse(prefix).ok(), email: None };
        for sort in SORTS {
            let page = page(persons, sort, &filter, 100, None).await.expect("a page");
            assert_eq!(page.items, expected(&all, sort, &filter), "{prefix:?} {sort:?}");
        }
    }
}

pub(super) async fn an_address_is_found_regardless_of_case(persons: &dyn PersonRepository) {
    let all = populate(persons).await;
    for (raw, count) in [("A@EXAMPLE.com", 1), ("b@example.com", 1), ("a@example.co", 0)] {
        let filter = PersonFilter { name: None, email: EmailAddress::parse(raw).ok() };
        for sort in SORTS {
            let page = page(persons, sort, &filter, 100, None).await.expect("a page");
            assert_eq!(page.items, expected(&all, sort, &filter), "{raw} {sort:?}");
            assert_eq!(page.items.len(), count, "{raw}");
        }
    }
}

pub(super) async fn filters_and_cursors_go_together(persons: &dyn PersonRepository) {
    let all = populate(persons).await;
    let filter = PersonFilter { name: NamePrefix::parse("A").ok(), email: None };
    for sort in SORTS {
        assert_eq!(items(&walk(persons, sort, &filter, 2).await), expected(&all, sort, &filter), "{sort:?}");
    }
    let both = PersonFilter { email: EmailAddress::parse("A@example.com").ok(), ..filter };
    assert_eq!(items(&walk(persons, SORTS[2], &both, 2).await), expected(&all, SORTS[2], &both));
}

pub(super) async fn a_cursor_leads_on_when_its_person_is_gone(persons: &dyn PersonRepository) {
    let all = populate(persons).await;
    let filter = PersonFilter::default();
    for sort in SORTS {
        let first = page(persons, sort, &filter, 3, None).await.expect("a page");
        let edge = first.items.last().expect("a person").clone();
        persons.delete(edge.id(), edge.version(), &NOTHING).await.expect("deleted");
        let second = page(persons, sort, &filter, 3, first.next).await.expect("a page");
        assert_eq!(second.items, expected(&all, sort, &filter)[3..6], "{sort:?}");
        persons.insert(&edge, &NOTHING).await.expect("inserted again");
    }
}
