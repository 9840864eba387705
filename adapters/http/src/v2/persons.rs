//! Persons in version 2: entity tags, and a condition on every write of an existing person.

mod bodies;

use super::{
    DIALECT, PageBody, error,
    tasks::{self, TaskBody},
};
use crate::{
    extract::{id, json, none_match, query},
    list::list_with_pagination,
    persons::{Listing, PersonInput, PersonPath, TAG, expected, tag},
    problem::{ApiError, Kind},
    reply,
    route::{Declared, Request, Response, route},
    schema::{IfMatchHeader, IfNoneMatchHeader},
};
use application::{Context, PersonController};
use bodies::{ListParams, NewPerson, PersonBody, PersonPatch, PersonsBody, example};
use domain::{Person, PersonId, Version};
use http::header;
use std::sync::Arc;

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
        route!(add_one_year).fails(&[Kind::TooManyRequests]),
    ]
}

const WRITE: &[Kind] = &[Kind::Conflict, Kind::PreconditionFailed, Kind::PreconditionRequired];

/// The person with its entity tag.
fn person_reply(person: &Person) -> Response {
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
    let id = PersonId(id(request)?);
    Ok((id, expected(persons, ctx, id, request.headers(), &DIALECT).await?))
}

/// List persons
///
/// Pages are followed by the URLs in `next` and `prev`, which work as they are and keep every parameter. The
/// `cursor` in them is opaque.
#[utoipa::path(
    get, path = "/v2/persons", params(ListParams),
    responses((status = 200, description = "A page of persons.", body = PersonsBody,
        example = json!({"items": [example()], "page": {"limit": 20, "next": null, "prev": null}})))
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
/// Its URL is in `Location`. An e-mail address that somebody has already is a conflict.
#[utoipa::path(
    post, path = "/v2/persons",
    request_body(
        content = NewPerson,
        example = json!({"full_name": "Ada Lovelace", "email": "ada@example.com", "age": 36})
    ),
    responses((status = 201, description = "The person.",
        headers(
            ("Location" = String, description = "The URL of the person."),
            ("ETag" = String, description = "Names this version of the person."),
        ),
        body = PersonBody, example = json!(example())))
)]
async fn create(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let details = PersonInput::from(json::<NewPerson>(&request)?).details("full_name")?;
    let person = persons.create(&request.context(), details).await.map_err(error)?;
    let location = request.url(&format!("/v2/persons/{}", person.id().0));
    Ok(tagged(reply::created(&location, &PersonBody::from(&person)), &person))
}

/// Get a person
///
/// With the tag of the version that the client has in `If-None-Match`, an unchanged person is not sent again.
#[utoipa::path(
    get, path = "/v2/persons/{id}",
    params(PersonPath, IfNoneMatchHeader),
    responses(
        (status = 200, description = "The person.",
            headers(("ETag" = String, description = "Names this version of the person.")),
            body = PersonBody, example = json!(example())),
        (status = 304, description = "The client has this version already.",
            headers(("ETag" = String, description = "Names this version of the person."))),
    )
)]
async fn get(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let person = persons.get(&request.context(), PersonId(id(&request)?)).await.map_err(error)?;
    if none_match(request.headers(), tag(&person)) {
        return Ok(tagged(reply::not_modified(), &person));
    }
    Ok(person_reply(&person))
}

/// Replace a person
///
/// Every field is written, whatever it was.
#[utoipa::path(
    put, path = "/v2/persons/{id}",
    params(PersonPath, IfMatchHeader),
    request_body(
        content = NewPerson,
        example = json!({"full_name": "Ada King", "email": "ada@example.com", "age": 36})
    ),
    responses((status = 200, description = "The person.",
        headers(("ETag" = String, description = "Names this version of the person.")),
        body = PersonBody, example = json!(example())))
)]
async fn replace(persons: Persons, request: Request) -> Result<Response, ApiError> {
    id(&request)?;
    let details = PersonInput::from(json::<NewPerson>(&request)?).details("full_name")?;
    let ctx = request.context();
    let (id, expected) = condition(&persons, &ctx, &request).await?;
    Ok(person_reply(&persons.replace(&ctx, id, expected, details).await.map_err(error)?))
}

/// Change a person
///
/// A merge patch (RFC 7396): members that are left out stay as they are. No member can be removed by `null`.
#[utoipa::path(
    patch, path = "/v2/persons/{id}",
    params(PersonPath, IfMatchHeader),
    request_body(content(
        (PersonPatch = "application/merge-patch+json", example = json!({"age": 37})),
        (PersonPatch = "application/json", example = json!({"age": 37})),
    )),
    responses((status = 200, description = "The person.",
        headers(("ETag" = String, description = "Names this version of the person.")),
        body = PersonBody, example = json!(example())))
)]
async fn patch(persons: Persons, request: Request) -> Result<Response, ApiError> {
    id(&request)?;
    let patch = PersonInput::from(json::<PersonPatch>(&request)?).patch("full_name")?;
    let ctx = request.context();
    let (id, expected) = condition(&persons, &ctx, &request).await?;
    Ok(person_reply(&persons.patch(&ctx, id, expected, patch).await.map_err(error)?))
}

/// Delete a person
///
/// It cannot be brought back.
#[utoipa::path(
    delete, path = "/v2/persons/{id}",
    params(PersonPath, IfMatchHeader),
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
/// By a task, whose result is the new age. It fails at the greatest age. There is no condition: the task reads the person
/// when it runs.
#[utoipa::path(
    post, path = "/v2/persons/{id}/add-one-year",
    params(PersonPath),
    responses((status = 202, description = "The task is scheduled.",
        headers(
            ("Location" = String, description = "The URL of the task."),
            ("ETag" = String, description = "Names this version of the task."),
        ),
        body = TaskBody, example = json!(tasks::example("queued"))))
)]
async fn add_one_year(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let id = PersonId(id(&request)?);
    let story = persons.schedule_add_one_year(&request.context(), id).await.map_err(error)?;
    Ok(tasks::accepted(&request, &story))
}

#[cfg(test)]
mod tests;
