//! Persons in version 1: flat bodies, no conditions on writes.

use super::error;
use crate::{
    extract::{Field, Whole, json, query},
    list::list_with_pagination,
    persons::{Listing, Said, id},
    problem::{ApiError, Kind},
    reply::{self, Instant},
    route::{Declared, Deprecation, Request, Response, route},
    schema,
};
use application::PersonController;
use domain::{Person, PersonDetails};
use http::Method;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};
use uuid::Uuid;

type Persons = Arc<PersonController>;

/// The routes.
pub(super) fn declared() -> Vec<Declared<Persons>> {
    vec![
        route!(list),
        route!(create).fails(&[Kind::Conflict]),
        route!(get),
        route!(replace).fails(&[Kind::Conflict]).deprecated(REPLACE),
        route!(patch).fails(&[Kind::Conflict]),
        route!(delete).fails(&[Kind::Conflict]),
        route!(add_one_year).fails(&[Kind::Conflict]),
    ]
}

/// A replacement undoes what its client has not read; a patch says what shall change.
const REPLACE: Deprecation = Deprecation {
    since: 1_793_491_200,  // 2026-11-01
    sunset: 1_825_027_200, // 2027-11-01
    successor: (Method::PATCH, "/v1/persons/{id}"),
};

/// A person.
#[derive(Serialize, ToSchema)]
#[schema(as = Person)]
struct PersonBody<'a> {
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

/// A page of persons.
#[derive(Serialize, ToSchema)]
#[schema(as = Persons)]
struct PersonsBody<'a> {
    objects: Vec<PersonBody<'a>>,
    /// The address of the page that follows; null on the last.
    #[schema(required = true, format = "uri-reference")]
    next: Option<String>,
    /// The address of the page that precedes; null on the first.
    #[schema(required = true, format = "uri-reference")]
    prev: Option<String>,
}

/// Everything that a client may say of a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPerson {
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

impl From<NewPerson> for Said {
    fn from(NewPerson { name, email, age }: NewPerson) -> Self {
        Self { name, email, age }
    }
}

/// What shall change of a person: what is left out stays as it is (RFC 7396).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonPatch {
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

impl From<PersonPatch> for Said {
    fn from(PersonPatch { name, email, age }: PersonPatch) -> Self {
        Self { name, email, age }
    }
}

#[derive(Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// How many persons at most.
    #[param(inline, required = false, value_type = schema::Limit)]
    limit: Option<String>,
    /// No parameter to be made up: it comes with `next` and `prev`, so the document does not list it.
    #[param(ignore)]
    cursor: Option<String>,
    /// Only persons whose name starts so, case included.
    #[param(inline, required = false, value_type = schema::PersonName)]
    name: Option<String>,
    /// Only the person with this address, regardless of case.
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

/// List persons
///
/// Pages are followed by the addresses in `next` and `prev`, which work as they are and keep every parameter. The
/// `cursor` in them is opaque.
#[utoipa::path(
    get, path = "/v1/persons", tag = "persons", params(ListParams),
    responses((status = 200, description = "A page of persons.", body = PersonsBody,
        example = json!({"objects": [], "next": null, "prev": null})))
)]
async fn list(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let (query, order) = Listing::from(query::<ListParams>(request.query())?).parse("name")?;
    let ctx = request.context();
    let page = async { persons.list(&ctx, &query).await.map_err(error) };
    let page = list_with_pagination(&request, &order, page).await?;
    let objects = page.items.iter().map(PersonBody::from).collect();
    Ok(reply::json(&PersonsBody { objects, next: page.next, prev: page.prev }))
}

/// Create a person
///
/// Its address is in `Location`. An e-mail address that somebody has already is a conflict.
#[utoipa::path(
    post, path = "/v1/persons", tag = "persons",
    request_body(content = NewPerson, example = json!({"name": "Ada Lovelace", "email": "ada@example.com", "age": 36})),
    responses((status = 201, description = "The person.", body = PersonBody,
        headers(("Location" = String, description = "The address of the person."))))
)]
async fn create(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let details = Said::from(json::<NewPerson>(&request)?).details("name")?;
    let person = persons.create(&request.context(), details).await.map_err(error)?;
    let location = request.url(&format!("/v1/persons/{}", person.id().0));
    Ok(reply::created(&location, &PersonBody::from(&person)))
}

/// Get a person
///
/// By its id.
#[utoipa::path(
    get, path = "/v1/persons/{id}", tag = "persons",
    params(("id" = Uuid, Path, description = "Of the person.")),
    responses((status = 200, description = "The person.", body = PersonBody))
)]
async fn get(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let person = persons.get(&request.context(), id(&request)?).await.map_err(error)?;
    Ok(reply::json(&PersonBody::from(&person)))
}

/// Replace a person
///
/// Every field is written, whatever it was.
#[utoipa::path(
    put, path = "/v1/persons/{id}", tag = "persons",
    params(("id" = Uuid, Path, description = "Of the person.")),
    request_body(content = NewPerson, example = json!({"name": "Ada King", "email": "ada@example.com", "age": 36})),
    responses((status = 200, description = "The person.", body = PersonBody))
)]
async fn replace(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let id = id(&request)?;
    let details = Said::from(json::<NewPerson>(&request)?).details("name")?;
    let person = persons.replace(&request.context(), id, None, details).await.map_err(error)?;
    Ok(reply::json(&PersonBody::from(&person)))
}

/// Change a person
///
/// A merge patch (RFC 7396): members that are left out stay as they are. No member can be removed by `null`.
#[utoipa::path(
    patch, path = "/v1/persons/{id}", tag = "persons",
    params(("id" = Uuid, Path, description = "Of the person.")),
    request_body(content(
        (PersonPatch = "application/merge-patch+json", example = json!({"age": 37})),
        (PersonPatch = "application/json", example = json!({"age": 37})),
    )),
    responses((status = 200, description = "The person.", body = PersonBody))
)]
async fn patch(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let id = id(&request)?;
    let patch = Said::from(json::<PersonPatch>(&request)?).patch("name")?;
    let person = persons.patch(&request.context(), id, None, patch).await.map_err(error)?;
    Ok(reply::json(&PersonBody::from(&person)))
}

/// Delete a person
///
/// For good.
#[utoipa::path(
    delete, path = "/v1/persons/{id}", tag = "persons",
    params(("id" = Uuid, Path, description = "Of the person.")),
    responses((status = 204, description = "The person is gone."))
)]
async fn delete(persons: Persons, request: Request) -> Result<Response, ApiError> {
    persons.delete(&request.context(), id(&request)?, None).await.map_err(error)?;
    Ok(reply::no_content())
}

/// Add one year to the age of a person
///
/// Conflicts at the greatest age.
#[utoipa::path(
    post, path = "/v1/persons/{id}/add-one-year", tag = "persons",
    params(("id" = Uuid, Path, description = "Of the person.")),
    responses((status = 200, description = "The person.", body = PersonBody))
)]
async fn add_one_year(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let person = persons.add_one_year(&request.context(), id(&request)?, None).await.map_err(error)?;
    Ok(reply::json(&PersonBody::from(&person)))
}

#[cfg(test)]
mod tests;
