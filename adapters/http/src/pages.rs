//! The pages about background tasks below `/mon/tasks`, on the internal listener: rendered here from templates, refreshed
//! by a small script, and complete without it.
//!
//! `overview.rs`, `listing.rs` and `story.rs` are a page each, `actions.rs` is what their forms do, and `frame.rs` what is
//! around them. Templates, style and script are in `assets/pages`.

mod actions;
mod assets;
mod chart;
mod cookies;
mod figures;
mod flash;
mod frame;
mod guard;
mod hour;
mod json;
mod labels;
mod listing;
mod overview;
mod rows;
mod story;
mod words;

use crate::{
    Services,
    problem::{ApiError, Dialect, Kind},
    reply,
    route::{Declared, Request, Response, Route},
};
use application::{BeatController, Clock, Error, TaskController};
use domain::TaskId;
use figures::Counter;
use frame::{Frame, Page, base};
use guard::Guard;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use std::sync::Arc;
use uuid::Uuid;
use words::capitalized;

/// What the pages need.
struct Pages {
    tasks: Arc<TaskController>,
    beat: Arc<BeatController>,
    counter: Counter,
    clock: Arc<dyn Clock>,
    frame: Frame,
}

/// The routes.
pub(crate) fn routes(services: &Services) -> Vec<Route> {
    let guard = Guard::new(&services.secret);
    let pages = Arc::new(Pages {
        tasks: services.tasks.clone(),
        beat: services.beat.clone(),
        counter: Counter::new(services.statistics.clone(), services.tasks.clone()),
        clock: services.clock.clone(),
        frame: Frame::new(guard, services.ids.clone(), services.build.version),
    });
    let page = |declared: Declared<Arc<Pages>>| declared.quiet().with(pages.clone());
    let form = |declared: Declared<Arc<Pages>>| declared.with(pages.clone());
    vec![
        page(Declared::page("/mon", start)),
        page(Declared::page("/mon/tasks/", start)),
        page(Declared::page("/mon/tasks", overview::overview)),
        page(Declared::page("/mon/tasks/list", listing::list)),
        page(Declared::page("/mon/tasks/assets/{name}", asset)),
        page(Declared::page("/mon/tasks/{id}", story::story)),
        form(Declared::form("/mon/tasks/{id}/cancel", actions::cancel)),
        form(Declared::form("/mon/tasks/{id}/retry", actions::retry)),
        form(Declared::form("/mon/schedules/{name}/run", actions::run)),
    ]
}

async fn start(pages: Arc<Pages>, request: Request) -> Result<Response, ApiError> {
    Ok(pages.see_other(&request, ""))
}

async fn asset(pages: Arc<Pages>, request: Request) -> Result<Response, ApiError> {
    let found = pages.frame.assets.answer(request.param("name"), request.headers());
    found.ok_or_else(|| ApiError::new(Kind::NotFound, "there is no such file"))
}

/// The id in the path; what is none is nobody's.
fn task_id(request: &Request) -> Option<TaskId> {
    Uuid::try_parse(request.param("id")).ok().map(TaskId)
}

/// A page that says what is wrong.
#[derive(Serialize)]
struct Problem<'a> {
    status: u16,
    heading: &'a str,
    text: &'a str,
    request_id: &'a str,
}

impl Pages {
    /// Leads to what is at `rest` below `/mon/tasks`.
    fn see_other(&self, request: &Request, rest: &str) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SEE_OTHER;
        response = reply::with_header(response, header::LOCATION, &format!("{}{rest}", base(request.path())));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    fn no_such_task(&self, request: &Request) -> Result<Response, ApiError> {
        self.failed(request, Error::not_found("task", request.param("id")))
    }

    fn refused(&self, request: &Request, reason: &'static str) -> Result<Response, ApiError> {
        slog::warn!(request.call().log(), "form refused"; "reason" => reason);
        let text = "It was not sent by a page of this server, or by one that is older than its last start. Go back, load \
                    the page again, and repeat.";
        self.problem(request, StatusCode::FORBIDDEN, "This form was refused", text)
    }

    /// Logs what is ours, and tells it.
    fn failed(&self, request: &Request, error: Error) -> Result<Response, ApiError> {
        const DIALECT: Dialect = Dialect { field: |field| field, stale: Kind::Conflict };
        let error = ApiError::from_application(error, &DIALECT);
        error.log(request.call());
        let (kind, detail, _) = error.parts();
        let heading = match kind {
            Kind::NotFound => "There is no such thing",
            Kind::Conflict => "That is not possible now",
            Kind::Unavailable => "Not available",
            _ => kind.title(),
        };
        self.problem(request, kind.status(), heading, &format!("{}.", capitalized(detail)))
    }

    fn problem(
        &self,
        request: &Request,
        status: StatusCode,
        heading: &str,
        text: &str,
    ) -> Result<Response, ApiError> {
        let page = Page {
            template: "problem.html",
            status,
            title: heading.to_owned(),
            place: "",
            every: if status == StatusCode::SERVICE_UNAVAILABLE { 2 } else { 0 },
            now: self.clock.now(),
        };
        let request_id = request.call().request_id.as_str();
        self.frame.answer(request, page, &Problem { status: status.as_u16(), heading, text, request_id })
    }
}

#[cfg(test)]
mod tests;
