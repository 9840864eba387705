//! Tasks in version 2.

mod bodies;
mod examples;

pub(super) use bodies::TaskBody;
pub(super) use examples::example;

use super::{PageBody, error};
use crate::{
    events::Event,
    extract::{none_match, query},
    list::list_with_pagination,
    problem::{ApiError, Kind},
    reply,
    route::{Declared, Request, Response, route},
    schema::{IfNoneMatchHeader, LastEventIdHeader},
    tasks::{Listing, ORDER, TAG, TaskEvent, TaskPath, Tasks, tag, task_id},
};
use bodies::{ListParams, TasksBody};
use domain::{TaskState, TaskStory};
use examples::{example_in_list, example_of_event};
use http::header;

/// The routes.
pub(super) fn declared() -> Vec<Declared<Tasks>> {
    vec![
        route!(list),
        route!(get),
        route!(cancel).fails(&[Kind::Conflict]),
        route!(retry).fails(&[Kind::Conflict]),
        route!(events),
    ]
}

/// 202: the task goes on by itself, and its URL says how.
pub(super) fn accepted(request: &Request, story: &TaskStory) -> Response {
    let urls = urls(request);
    let location = format!("{urls}{}", story.task.id.0);
    tagged(reply::accepted(&location, &TaskBody::of(story, &urls)), story)
}

/// What stands before the id in the URL of a task.
fn urls(request: &Request) -> String {
    request.url("/v2/tasks/")
}

fn task_reply(request: &Request, story: &TaskStory) -> Response {
    tagged(reply::json(&TaskBody::of(story, &urls(request))), story)
}

fn tagged(response: Response, story: &TaskStory) -> Response {
    reply::with_header(response, header::ETAG, &tag(story).text())
}

/// List tasks
///
/// Newest first. Pages are followed by the URLs in `next` and `prev`, which work as they are and keep every parameter.
/// The `cursor` in them is opaque. What went wrong, and what belongs together, is told of a single task alone.
#[utoipa::path(
    get, path = "/v2/tasks", params(ListParams),
    responses((status = 200, description = "A page of tasks.", body = TasksBody,
        example = json!({"items": [example_in_list()], "page": {"limit": 20, "next": null, "prev": null}})))
)]
async fn list(tasks: Tasks, request: Request) -> Result<Response, ApiError> {
    let query = Listing::from(query::<ListParams>(request.query())?).parse("status")?;
    let ctx = request.context();
    let page = async { tasks.controller.list(&ctx, &query).await.map_err(error) };
    let page = list_with_pagination(&request, ORDER, page).await?;
    Ok(reply::json(&TasksBody {
        items: page.items.iter().map(TaskBody::from).collect(),
        page: PageBody { limit: query.limit.get(), next: page.next, prev: page.prev },
    }))
}

/// Get a task
///
/// With all that belongs to it. With the tag of the version that the client has in `If-None-Match`, an unchanged task is
/// not sent again.
#[utoipa::path(
    get, path = "/v2/tasks/{id}",
    params(TaskPath, IfNoneMatchHeader),
    responses(
        (status = 200, description = "The task.",
            headers(("ETag" = String, description = "Names this version of the task.")),
            body = TaskBody, example = json!(example("running"))),
        (status = 304, description = "The client has this version already.",
            headers(("ETag" = String, description = "Names this version of the task."))),
    )
)]
async fn get(tasks: Tasks, request: Request) -> Result<Response, ApiError> {
    let story = tasks.controller.get(&request.context(), task_id(&request)?).await.map_err(error)?;
    if none_match(request.headers(), tag(&story)) {
        return Ok(tagged(reply::not_modified(), &story));
    }
    Ok(task_reply(&request, &story))
}

/// Cancel a task
///
/// One that runs is asked to end (202); any other is cancelled at once, with all that waits for it. One that has ended
/// is a conflict.
#[utoipa::path(
    post, path = "/v2/tasks/{id}/cancel",
    params(TaskPath),
    responses(
        (status = 200, description = "The task is cancelled.",
            headers(("ETag" = String, description = "Names this version of the task.")),
            body = TaskBody, example = json!(example("cancelled"))),
        (status = 202, description = "The task runs, and is asked to end.",
            headers(
                ("Location" = String, description = "The URL of the task."),
                ("ETag" = String, description = "Names this version of the task."),
            ),
            body = TaskBody, example = json!(example("running"))),
    )
)]
async fn cancel(tasks: Tasks, request: Request) -> Result<Response, ApiError> {
    let story = tasks.controller.cancel(&request.context(), task_id(&request)?).await.map_err(error)?;
    Ok(match story.task.standing.state {
        TaskState::Cancelled => task_reply(&request, &story),
        _ => accepted(&request, &story),
    })
}

/// Retry a task
///
/// One that failed or was cancelled gets a new budget of attempts. A conflict if it did not, or if it waits for another
/// that has to be retried first.
#[utoipa::path(
    post, path = "/v2/tasks/{id}/retry",
    params(TaskPath),
    responses((status = 202, description = "The task is queued again.",
        headers(
            ("Location" = String, description = "The URL of the task."),
            ("ETag" = String, description = "Names this version of the task."),
        ),
        body = TaskBody, example = json!(example("queued"))))
)]
async fn retry(tasks: Tasks, request: Request) -> Result<Response, ApiError> {
    let story = tasks.controller.retry(&request.context(), task_id(&request)?).await.map_err(error)?;
    Ok(accepted(&request, &story))
}

/// Follow a task
///
/// Server-sent events, each with the task as it is then, from now until it has ended. A client that comes back with
/// `Last-Event-ID` is told what is new; if it has seen the end, 204.
#[utoipa::path(
    get, path = "/v2/tasks/{id}/events",
    params(TaskPath, LastEventIdHeader),
    responses(
        (status = 200, description = "Events called `task`, whose data is the task.",
            content_type = "text/event-stream", body = TaskEvent, example = json!(example_of_event())),
        (status = 204, description = "The task has ended, and the client knows."),
    )
)]
async fn events(tasks: Tasks, request: Request) -> Result<Response, ApiError> {
    let urls = urls(&request);
    let event = move |story: &TaskStory| Event::new(story.revision(), "task", &TaskBody::of(story, &urls));
    tasks.events(request, error, event).await
}

#[cfg(test)]
mod tests;
