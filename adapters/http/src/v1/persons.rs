//! Persons in version 1: flat bodies, no conditions on writes.

mod bodies;

use super::{
    error,
    tasks::{self, TaskBody},
};
use crate::{
    extract::{id, json, query},
    list::list_with_pagination,
    persons::{Listing, PersonInput, PersonPath, TAG},
    problem::{ApiError, Kind},
    reply,
    route::{Declared, Deprecation, Request, Response, route},
};
use application::PersonController;
use bodies::{ListParams, NewPerson, PersonBody, PersonPatch, PersonsBody, example};
use domain::PersonId;
use http::Method;
use std::sync::Arc;

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
        route!(add_one_year).fails(&[Kind::TooManyRequests]),
    ]
}

/// A replacement undoes what its client has not read; a patch says what is to change.
const REPLACE: Deprecation = Deprecation {
    since: 1_793_491_200,  // 2026-11-01
    sunset: 1_825_027_200, // 2027-11-01
    successor: (Method::PATCH, "/v1/persons/{id}"),
};

/// List persons
///
/// Pages are followed by the URLs in `next` and `prev`, which work as they are and keep every parameter. The
/// `cursor` in them is opaque.
#[utoipa::path(
    get, path = "/v1/persons", params(ListParams),
    responses((status = 200, description = "A page of persons.", body = PersonsBody,
        example = json!({"objects": [example()], "next": null, "prev": null})))
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
/// Its URL is in `Location`. An e-mail address that somebody has already is a conflict.
#[utoipa::path(
    post, path = "/v1/persons",
    request_body(content = NewPerson, example = json!({"name": "Ada Lovelace", "email": "ada@example.com", "age": 36})),
    responses((status = 201, description = "The person.",
        headers(("Location" = String, description = "The URL of the person.")),
        body = PersonBody, example = json!(example())))
)]
async fn create(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let details = PersonInput::from(json::<NewPerson>(&request)?).details("name")?;
    let person = persons.create(&request.context(), details).await.map_err(error)?;
    let location = request.url(&format!("/v1/persons/{}", person.id().0));
    Ok(reply::created(&location, &PersonBody::from(&person)))
}

/// Get a person
///
/// The person with this id, as it is now.
#[utoipa::path(
    get, path = "/v1/persons/{id}",
    params(PersonPath),
    responses((status = 200, description = "The person.", body = PersonBody, example = json!(example())))
)]
async fn get(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let person = persons.get(&request.context(), PersonId(id(&request)?)).await.map_err(error)?;
    Ok(reply::json(&PersonBody::from(&person)))
}

/// Replace a person
///
/// Every field is written, whatever it was.
#[utoipa::path(
    put, path = "/v1/persons/{id}",
    params(PersonPath),
    request_body(content = NewPerson, example = json!({"name": "Ada King", "email": "ada@example.com", "age": 36})),
    responses((status = 200, description = "The person.", body = PersonBody, example = json!(example())))
)]
async fn replace(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let id = PersonId(id(&request)?);
    let details = PersonInput::from(json::<NewPerson>(&request)?).details("name")?;
    let person = persons.replace(&request.context(), id, None, details).await.map_err(error)?;
    Ok(reply::json(&PersonBody::from(&person)))
}

/// Change a person
///
/// A merge patch (RFC 7396): members that are left out stay as they are. No member can be removed by `null`.
#[utoipa::path(
    patch, path = "/v1/persons/{id}",
    params(PersonPath),
    request_body(content(
        (PersonPatch = "application/merge-patch+json", example = json!({"age": 37})),
        (PersonPatch = "application/json", example = json!({"age": 37})),
    )),
    responses((status = 200, description = "The person.", body = PersonBody, example = json!(example())))
)]
async fn patch(persons: Persons, request: Request) -> Result<Response, ApiError> {
    let id = PersonId(id(&request)?);
    let patch = PersonInput::from(json::<PersonPatch>(&request)?).patch("name")?;
    let person = persons.patch(&request.context(), id, None, patch).await.map_err(error)?;
    Ok(reply::json(&PersonBody::from(&person)))
}

/// Delete a person
///
/// It cannot be brought back.
#[utoipa::path(
    delete, path = "/v1/persons/{id}",
    params(PersonPath),
    responses((status = 204, description = "The person is gone."))
)]
async fn delete(persons: Persons, request: Request) -> Result<Response, ApiError> {
    persons.delete(&request.context(), PersonId(id(&request)?), None).await.map_err(error)?;
    Ok(reply::no_content())
}

/// Add one year to the age of a person
///
/// By a task, whose result is the new age. It fails at the greatest age.
#[utoipa::path(
    post, path = "/v1/persons/{id}/add-one-year",
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
