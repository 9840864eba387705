//! What version 2 says of persons, and what it lets clients say.

use super::super::PageBody;
use crate::{
    extract::{Field, Whole},
    persons::{Listing, PersonInput},
    reply::Instant,
    schema,
};
use domain::{Person, PersonDetails};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

/// A person.
#[derive(Serialize, ToSchema)]
#[schema(as = Person)]
pub(super) struct PersonBody<'a> {
    id: Uuid,
    #[schema(value_type = schema::PersonName)]
    full_name: &'a str,
    #[schema(value_type = schema::EmailAddress)]
    email: &'a str,
    #[schema(value_type = schema::Age)]
    age: u8,
    meta: Meta,
}

/// What the service says of it.
#[derive(Serialize, ToSchema)]
struct Meta {
    /// How often it was written.
    #[schema(minimum = 1)]
    version: i64,
    #[schema(value_type = String, format = DateTime, example = "2026-11-30T12:00:00.000000Z")]
    created_at: Instant,
    /// When it was last written.
    #[schema(value_type = String, format = DateTime, example = "2026-11-30T12:00:00.000000Z")]
    updated_at: Instant,
}

impl<'a> From<&'a Person> for PersonBody<'a> {
    fn from(person: &'a Person) -> Self {
        let PersonDetails { name, email, age } = person.details();
        Self {
            id: person.id().0,
            full_name: name.as_str(),
            email: email.as_str(),
            age: age.years(),
            meta: Meta {
                version: person.version().number(),
                created_at: Instant(person.created_at()),
                updated_at: Instant(person.updated_at()),
            },
        }
    }
}

/// The person in examples of answers.
pub(super) fn example() -> Value {
    json!({
        "id": schema::EXAMPLE_ID, "full_name": "Ada Lovelace", "email": "ada@example.com", "age": 36,
        "meta": {
            "version": 1, "created_at": "2026-11-30T12:00:00.000000Z", "updated_at": "2026-11-30T12:00:00.000000Z",
        },
    })
}

/// A page of persons.
#[derive(Serialize, ToSchema)]
#[schema(as = Persons)]
pub(super) struct PersonsBody<'a> {
    pub(super) items: Vec<PersonBody<'a>>,
    pub(super) page: PageBody,
}

/// Everything that a client may say of a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPerson {
    #[serde(default)]
    #[schema(required = true, value_type = schema::PersonName)]
    full_name: Field<String>,
    #[serde(default)]
    #[schema(required = true, value_type = schema::EmailAddress)]
    email: Field<String>,
    #[serde(default)]
    #[schema(required = true, value_type = schema::Age)]
    age: Field<Whole>,
}

impl From<NewPerson> for PersonInput {
    fn from(NewPerson { full_name: name, email, age }: NewPerson) -> Self {
        Self { name, email, age }
    }
}

/// What is to change of a person: what is left out stays as it is (RFC 7396).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonPatch {
    #[serde(default)]
    #[schema(required = false, value_type = schema::PersonName)]
    full_name: Field<String>,
    #[serde(default)]
    #[schema(required = false, value_type = schema::EmailAddress)]
    email: Field<String>,
    #[serde(default)]
    #[schema(required = false, value_type = schema::Age)]
    age: Field<Whole>,
}

impl From<PersonPatch> for PersonInput {
    fn from(PersonPatch { full_name: name, email, age }: PersonPatch) -> Self {
        Self { name, email, age }
    }
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// How many persons at most.
    #[param(inline, required = false, value_type = schema::Limit)]
    limit: Option<String>,
    /// No parameter to be made up: it comes with `next` and `prev`, so the document does not list it.
    #[param(ignore)]
    cursor: Option<String>,
    /// Only persons whose name starts so, case included.
    #[param(inline, required = false, value_type = schema::PersonName)]
    full_name: Option<String>,
    /// Only the person with this e-mail address, regardless of case.
    #[param(inline, required = false, value_type = schema::EmailAddress)]
    email: Option<String>,
    /// By what to sort; `-` in front sorts from the greatest to the least.
    #[param(inline, required = false, value_type = Sort)]
    sort: Option<String>,
}

/// See [`ListParams::sort`].
struct Sort;

impl PartialSchema for Sort {
    fn schema() -> RefOr<Schema> {
        schema::sort(&["created_at", "full_name", "email"])
    }
}

impl ToSchema for Sort {}

impl From<ListParams> for Listing {
    fn from(ListParams { limit, cursor, full_name: name, email, sort }: ListParams) -> Self {
        Self { limit, cursor, name, email, sort }
    }
}
