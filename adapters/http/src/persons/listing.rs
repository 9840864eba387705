//! The parameters of a list of persons.

use super::{parse_email, within};
use crate::{
    cursor::{self, Position},
    extract::whole,
    problem::ApiError,
};
use domain::{
    Invalid, Limit, NamePrefix, PersonFilter, PersonId, PersonName, PersonOrder, PersonPosition, PersonQuery,
    PersonSort, Violation,
};
use uuid::Uuid;

/// As they were sent.
pub(crate) struct Listing {
    pub(crate) limit: Option<String>,
    pub(crate) cursor: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) sort: Option<String>,
}

impl Listing {
    /// The query, and its order as a text for cursors. `name_field` is the name of a person in this version.
    pub(crate) fn parse(self, name_field: &str) -> Result<(PersonQuery, String), ApiError> {
        let mut invalid = Invalid::default();
        let limit = self.limit.map(|raw| whole(&raw).and_then(Limit::new));
        let limit = limit.and_then(|limit| invalid.check("limit", limit)).unwrap_or_default();
        let prefix = self.name.map(|raw| within(&raw, PersonName::MAX_LENGTH, NamePrefix::parse));
        let prefix = prefix.and_then(|prefix| invalid.check(name_field, prefix));
        let email = self.email.map(|raw| parse_email(&raw));
        let email = email.and_then(|email| invalid.check("email", email));
        let sort = self.sort.map(|raw| sort(&raw, name_field));
        let sort = sort.and_then(|sort| invalid.check("sort", sort)).unwrap_or_default();
        let order = order_text(sort);
        let keyed = sort.order != PersonOrder::Created;
        let cursor = self.cursor.map(|raw| cursor::decode(&raw, &order, keyed));
        let cursor = cursor.and_then(|cursor| invalid.check("cursor", cursor));
        if !invalid.is_empty() {
            return Err(ApiError::invalid(&invalid));
        }
        let filter = PersonFilter { name: prefix, email };
        Ok((PersonQuery { filter, sort, limit, cursor }, order))
    }
}

impl Position for PersonPosition {
    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn new(key: Option<String>, id: Uuid) -> Self {
        Self { key, id: PersonId(id) }
    }
}

fn sort(raw: &str, name_field: &str) -> Result<PersonSort, Violation> {
    let (key, descending) = raw.strip_prefix('-').map_or((raw, false), |key| (key, true));
    let order = match key {
        "created_at" => PersonOrder::Created,
        "email" => PersonOrder::Email,
        key if key == name_field => PersonOrder::Name,
        _ => {
            let message =
                format!("must be created_at, {name_field} or email, or one of them with - in front");
            return Err(Violation::new("sort", message));
        }
    };
    Ok(PersonSort { order, descending })
}

/// The same in all versions, so that a cursor does not depend on one.
fn order_text(sort: PersonSort) -> String {
    let key = match sort.order {
        PersonOrder::Created => "created_at",
        PersonOrder::Name => "name",
        PersonOrder::Email => "email",
    };
    format!("{}{key}", if sort.descending { "-" } else { "" })
}
