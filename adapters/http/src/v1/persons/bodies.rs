//! What version 1 says of persons, and what it lets clients say.

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
    name: &'a str,
    #[schema(value_type = schema::EmailAddress)]
    email: &'a str,
    #[schema(value_type = schema::Age)]
    age: u8,
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
            name: name.as_str(),
            email: email.as_str(),
            age: age.years(),
            created_at: Instant(person.created_at()),
            updated_at: Instant(person.updated_at()),
        }
    }
}

/// The person in examples of answers.
pub(super) fn example() -> Value {
    json!({
        "id": schema::EXAMPLE_ID, "name": "Ada Lovelace", "email": "ada@example.com", "age": 36,
        "created_at": "2026-11-30T12:00:00.000000Z", "updated_at": "2026-11-30T12:00:00.000000Z",
    })
}

/// A page of persons.
#[derive(Serialize, ToSchema)]
#[schema(as = Persons)]
pub(super) struct PersonsBody<'a> {
    pub(super) objects: Vec<PersonBody<'a>>,
    /// The URL of the page that follows; null on the last.
    #[schema(required = true, format = "uri-reference")]
    pub(super) next: Option<String>,
    /// The URL of the page that precedes; null on the first.
    #[schema(required = true, format = "uri-reference")]
    pub(super) prev: Option<String>,
}

/// Everything that a client may say of a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPerson {
    #[serde(default)]
    #[schema(required = true, value_type = schema::PersonName)]
    name: Field<String>,
    #[serde(default)]
    #[schema(required = true, value_type = schema::EmailAddress)]
    email: Field<String>,
    #[serde(default)]
    #[schema(required = true, value_type = schema::Age)]
    age: Field<Whole>,
}

impl From<NewPerson> for PersonInput {
    fn from(NewPerson { name, email, age }: NewPerson) -> Self {
        Self { name, email, age }
    }
}

/// What is to change of a person: what is left out stays as it is (RFC 7396).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonPatch {
    #[serde(default)]
    #[schema(required = false, value_type = schema::PersonName)]
    name: Field<String>,
    #[serde(default)]
    #[schema(required = false, value_type = schema::EmailAddress)]
    email: Field<String>,
    #[serde(default)]
    #[schema(required = false, value_type = schema::Age)]
    age: Field<Whole>,
}

impl From<PersonPatch> for PersonInput {
    fn from(PersonPatch { name, email, age }: PersonPatch) -> Self {
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
    name: Option<String>,
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
        schema::sort(&["created_at", "name", "email"])
    }
}

impl ToSchema for Sort {}

impl From<ListParams> for Listing {
    fn from(ListParams { limit, cursor, name, email, sort }: ListParams) -> Self {
        Self { limit, cursor, name, email, sort }
    }
}
