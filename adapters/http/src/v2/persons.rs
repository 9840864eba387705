//! Persons in version 2: entity tags, and a condition on every write of an existing person.

use super::{DIALECT, error};
use crate::{
    extract::{Field, Whole, json, none_match, query},
    list::list_with_pagination,
    persons::{Listing, Said, expected, id, tag},
    problem::{ApiError, Kind},
    reply::{self, Instant},
    route::{Declared, Request, Response, route},
    schema,
};
use application::{Context, PersonController};
use domain::{Person, PersonDetails, PersonId, Version};
use http::header;
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
        route!(replace).fails(WRITE),
        route!(patch).fails(WRITE),
        route!(delete).fails(&[Kind::PreconditionFailed, Kind::PreconditionRequired]),
        route!(add_one_year).fails(WRITE),
    ]
}

const IF_MATCH: &str =
    "Entity tags of the versions that may be written over, or `*` for any. Required if the person exists.";
const WRITE: &[Kind] = &[Kind::Conflict, Kind::PreconditionFailed, Kind::PreconditionRequired];

/// A person.
#[derive(Serialize, ToSchema)]
#[schema(as = Person)]
struct PersonBody<'a> {
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

/// A page of persons.
#[derive(Serialize, ToSchema)]
#[schema(as = Persons)]
struct PersonsBody<'a> {
    items: Vec<PersonBody<'a>>,
    page: PageBody,
}

/// Where the page stands in the list.
#[derive(Serialize, ToSchema)]
#[schema(as = Page)]
struct PageBody {
    /// How many items a page has at most.
    #[schema(minimum = 1, maximum = 100)]
    limit: u8,
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
    full_name: Field<String>,
    #[serde(default)]
    #[schema(required = true, value_type = schema::EmailAddress)]
    email: Field<String>,
    #[serde(default)]
    #[schema(required = true, value_type = schema::Age)]
    age: Field<Whole>,
}

impl From<NewPerson> for Said {
    fn from(NewPerson { full_name: name, email, age }: NewPerson) -> Self {
        Self { name, email, age }
    }
}

/// What shall change of a person: what is left out stays as it is (RFC 7396).
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PersonPatch {
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

impl From<PersonPatch> for Said {
    fn from(PersonPatch { full_name: name, email, age }: PersonPatch) -> Self {
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
    full_name: Option<String>,
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
        schema::sort(&["created_at", "full_name", "email"])
    }
}

impl ToSchema for Sort {}

impl From<ListParams> for Listing {
    fn from(ListParams { limit, cursor, full_name: name, email, sort }: ListParams) -> Self {
        Self { limit, cursor, name, email, sort }
    }
}

/// The person with its entity tag.
fn reply(person: &Person) -> Response {
    tagged(reply::json(&PersonBody::from(person)), person)
}

fn tagged(response: Response, person: &Person) -> Response {
    reply::with_header(response, header::ETAG, &tag(person).text())
}

async fn condition(
    persons: &Persons,
    ctx: &Context,
    request: &Request,
) -> Result<(PersonId, Option<Version>), ApiError> {
    let id = id(request)?;
    Ok((id, expected(persons, ctx, id, request.headers(), &DIALECT).await?))
}

/// List persons
///
/// Pages are followed by the addresses in `next` and `prev`, which work as they are and keep every parameter. The
/// `cursor` in them is opaque.
#[utoipa::path(
    get, path = "/v2/persons", tag = "persons", params(ListParams),
    responses((status = 200, description = "A page of persons.", body = PersonsBody,
        example = json!({"items": [], "page": {"limit": 20, "next": null, "prev": null}})))
)]
async fn list(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let (query, order) = Listing::from(query::<ListParams>(request.query())?).parse("full_name")?;
    let ctx = request.context();
    let page = async { persons.list(&ctx, &query).await.map_err(error) };
    let page = list_with_pagination(&request, &order, page).await?;
    Ok(reply::json(&PersonsBody {
        items: page.items.iter().map(PersonBody::from).collect(),
        page: PageBody { limit: query.limit.get(), next: page.next, prev: page.prev },
    }))
}

/// Create a person
///
/// Its address is in `Location`. An e-mail address that somebody has already is a conflict.
#[utoipa::path(
    post, path = "/v2/persons", tag = "persons",
    request_body(
        content = NewPerson,
        example = json!({"full_name": "Ada Lovelace", "email": "ada@example.com", "age": 36})
    ),
    responses((status = 201, description = "The person.", body = PersonBody, headers(
        ("Location" = String, description = "The address of the person."),
        ("ETag" = String, description = "Names this version of the person."),
    )))
)]
async fn create(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let details = Said::from(json::<NewPerson>(&request)?).details("full_name")?;
    let person = persons.create(&request.context(), details).await.map_err(error)?;
    let location = request.url(&format!("/v2/persons/{}", person.id().0));
    Ok(tagged(reply::created(&location, &PersonBody::from(&person)), &person))
}

/// Get a person
///
/// With the tag of the version that the client has in `If-None-Match`, an unchanged person is not sent again.
#[utoipa::path(
    get, path = "/v2/persons/{id}", tag = "persons",
    params(
        ("id" = Uuid, Path, description = "Of the person."),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the client has already."),
    ),
    responses(
        (status = 200, description = "The person.", body = PersonBody,
            headers(("ETag" = String, description = "Names this version of the person."))),
        (status = 304, description = "The client has this version already.",
            headers(("ETag" = String, description = "Names this version of the person."))),
    )
)]
async fn get(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let person = persons.get(&request.context(), id(&request)?).await.map_err(error)?;
    if none_match(request.headers(), tag(&person)) {
        return Ok(tagged(reply::not_modified(), &person));
    }
    Ok(reply(&person))
}

/// Replace a person
///
/// Every field is written, whatever it was.
#[utoipa::path(
    put, path = "/v2/persons/{id}", tag = "persons",
    params(
        ("id" = Uuid, Path, description = "Of the person."),
        ("If-Match" = String, Header, description = IF_MATCH),
    ),
    request_body(
        content = NewPerson,
        example = json!({"full_name": "Ada King", "email": "ada@example.com", "age": 36})
    ),
    responses((status = 200, description = "The person.", body = PersonBody,
        headers(("ETag" = String, description = "Names this version of the person."))))
)]
async fn replace(persons: Persons, request: Request) -> Result<Response, ApiError> {
    id(&request)?;
    let details = Said::from(json::<NewPerson>(&request)?).details("full_name")?;
    let ctx = request.context();
    let (id, expected) = condition(&persons, &ctx, &request).await?;
    Ok(reply(&persons.replace(&ctx, id, expected, details).await.map_err(error)?))
}

/// Change a person
///
/// A merge patch (RFC 7396): members that are left out stay as they are. No member can be removed by `null`.
#[utoipa::path(
    patch, path = "/v2/persons/{id}", tag = "persons",
    params(
        ("id" = Uuid, Path, description = "Of the person."),
        ("If-Match" = String, Header, description = IF_MATCH),
    ),
    request_body(content(
        (PersonPatch = "application/merge-patch+json", example = json!({"age": 37})),
        (PersonPatch = "application/json", example = json!({"age": 37})),
    )),
    responses((status = 200, description = "The person.", body = PersonBody,
        headers(("ETag" = String, description = "Names this version of the person."))))
)]
async fn patch(persons: Persons, request: Request) -> Result<Response, ApiError> {
    id(&request)?;
    let patch = Said::from(json::<PersonPatch>(&request)?).patch("full_name")?;
    let ctx = request.context();
    let (id, expected) = condition(&persons, &ctx, &request).await?;
    Ok(reply(&persons.patch(&ctx, id, expected, patch).await.map_err(error)?))
}

/// Delete a person
///
/// For good.
#[utoipa::path(
    delete, path = "/v2/persons/{id}", tag = "persons",
    params(
        ("id" = Uuid, Path, description = "Of the person."),
        ("If-Match" = String, Header, description = IF_MATCH),
    ),
    responses((status = 204, description = "The person is gone."))
)]
async fn delete(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let ctx = request.context();
    let (id, expected) = condition(&persons, &ctx, &request).await?;
    persons.delete(&ctx, id, expected).await.map_err(error)?;
    Ok(reply::no_content())
}

/// Add one year to the age of a person
///
/// Conflicts at the greatest age.
#[utoipa::path(
    post, path = "/v2/persons/{id}/add-one-year", tag = "persons",
    params(
        ("id" = Uuid, Path, description = "Of the person."),
        ("If-Match" = String, Header, description = IF_MATCH),
    ),
    responses((status = 200, description = "The person.", body = PersonBody,
        headers(("ETag" = String, description = "Names this version of the person."))))
)]
async fn add_one_year(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let ctx = request.context();
    let (id, expected) = condition(&persons, &ctx, &request).await?;
    Ok(reply(&persons.add_one_year(&ctx, id, expected).await.map_err(error)?))
}

#[cfg(test)]
mod tests;
