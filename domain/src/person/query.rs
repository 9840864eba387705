//! Which persons to list, in which order, from where.

use crate::{Cursor, EmailAddress, Limit, PersonId, Violation, text};

/// Everything that decides a page of persons.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonQuery {
    /// Which.
    pub filter: PersonFilter,
    /// In which order.
    pub sort: PersonSort,
    /// How many at most.
    pub limit: Limit,
    /// From where; `None` for the first page. Its position must be one of `sort`'s order.
    pub cursor: Option<Cursor<PersonPosition>>,
}

/// Conditions that must all hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PersonFilter {
    /// The name starts with this, case included.
    pub name: Option<NamePrefix>,
    /// The address is this one, regardless of case.
    pub email: Option<EmailAddress>,
}

/// The start of a name: like a name, but an unfinished word may end in a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePrefix(String);

impl NamePrefix {
    /// 1 to 200 characters without control characters; leading white space is dropped, for no name has any.
    pub fn parse(raw: &str) -> Result<Self, Violation> {
        text::single_line(raw, super::PersonName::MAX_LENGTH)?;
        Ok(Self(raw.trim_start().to_owned()))
    }

    /// The prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first text behind all that start with the prefix, in the order of code points: a prefix is then a range,
    /// `prefix <= name < end`, which every database answers from an index. `None` if there is no such text.
    pub fn end(&self) -> Option<String> {
        let mut chars: Vec<char> = self.0.chars().collect();
        while let Some(last) = chars.pop() {
            // The step over the surrogates, which are no characters.
            let next =
                if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
            if let Some(next) = next {
                chars.push(next);
                return Some(chars.into_iter().collect());
            }
        }
        None
    }
}

/// A sort key and its direction; ties are broken by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PersonSort {
    /// By what.
    pub order: PersonOrder,
    /// From the greatest to the least.
    pub descending: bool,
}

/// What persons can be sorted by. Text sorts by code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PersonOrder {
    /// By time of creation, that is by id: UUIDv7 starts with it.
    #[default]
    Created,
    /// By name.
    Name,
    /// By lower-cased e-mail address.
    Email,
}

/// Where a person stands in a list: the sort key, and the id that breaks ties.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonPosition {
    /// The value of the sort key, or nothing where the order goes by id alone.
    pub key: Option<String>,
    /// Breaks ties.
    pub id: PersonId,
}

impl PersonOrder {
    /// Where `person` stands in this order.
    pub fn position(self, person: &super::Person) -> PersonPosition {
        let key = match self {
            Self::Created => None,
            Self::Name => Some(person.details().name.as_str().to_owned()),
            Self::Email => Some(person.details().email.key().to_owned()),
        };
        PersonPosition { key, id: person.id() }
    }
}
