//! What the forms of the pages do: cancel and retry a task, run a schedule now. Each leads back to a page.

use super::{Pages, flash::Flash, task_id};
use crate::{
    problem::ApiError,
    route::{Request, Response},
};
use domain::{TaskState, TaskStory};
use std::sync::Arc;

/// POST `/mon/tasks/{id}/cancel`
pub(super) async fn cancel(pages: Arc<Pages>, request: Request) -> Result<Response, ApiError> {
    if let Err(reason) = pages.frame.guard.admit(&request) {
        return pages.refused(&request, reason);
    }
    let Some(id) = task_id(&request) else { return pages.no_such_task(&request) };
    match pages.tasks.cancel(&request.context(), id).await {
        Ok(story) if story.task.standing.state == TaskState::Cancelled => {
            Ok(back(&pages, &request, &story, Flash::Cancelled))
        }
        Ok(story) => Ok(back(&pages, &request, &story, Flash::AskedToEnd)),
        Err(error) => pages.failed(&request, error),
    }
}

/// POST `/mon/tasks/{id}/retry`
pub(super) async fn retry(pages: Arc<Pages>, request: Request) -> Result<Response, ApiError> {
    if let Err(reason) = pages.frame.guard.admit(&request) {
        return pages.refused(&request, reason);
    }
    let Some(id) = task_id(&request) else { return pages.no_such_task(&request) };
    match pages.tasks.retry(&request.context(), id).await {
        Ok(story) => Ok(back(&pages, &request, &story, Flash::Retried)),
        Err(error) => pages.failed(&request, error),
    }
}

/// POST `/mon/schedules/{name}/run`
pub(super) async fn run(pages: Arc<Pages>, request: Request) -> Result<Response, ApiError> {
    if let Err(reason) = pages.frame.guard.admit(&request) {
        return pages.refused(&request, reason);
    }
    match pages.beat.run_now(&request.context(), request.param("name")).await {
        Ok(story) => Ok(back(&pages, &request, &story, Flash::Scheduled)),
        Err(error) => pages.failed(&request, error),
    }
}

/// To the page about the task.
fn back(pages: &Pages, request: &Request, story: &TaskStory, flash: Flash) -> Response {
    let mut response = pages.see_other(request, &format!("/{}", story.task.id.0));
    flash.leave(request.call(), response.headers_mut());
    response
}
