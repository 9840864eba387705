//! `/mon/tasks/list`: search among all tasks, page by page, newest first.

use super::{Pages, frame::Page, rows::TaskRow};
use crate::{
    cursor,
    extract::query,
    list::with_cursor,
    problem::{ApiError, Kind},
    route::{Request, Response},
    tasks::{Listing, ORDER},
};
use application::{Error, RequestId};
use domain::{Cursor, TaskId, TaskState};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

#[derive(Default, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Params {
    /// A word that may be many things: see [`search`].
    #[serde(skip_serializing)]
    q: Option<String>,
    state: Option<String>,
    kind: Option<String>,
    queue: Option<String>,
    request_id: Option<String>,
    #[serde(skip_serializing)]
    limit: Option<String>,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

#[derive(Serialize)]
struct List {
    params: Params,
    states: Vec<StateLink>,
    /// Whether anything but the state is asked for.
    filtered: bool,
    /// What cannot be searched for, and why.
    wrong: Vec<String>,
    rows: Vec<TaskRow>,
    next: Option<String>,
    prev: Option<String>,
}

/// The same search in one state, or in all.
#[derive(Serialize)]
struct StateLink {
    state: &'static str,
    query: String,
    current: bool,
}

/// The page; where it is clear what is looked for, the way there.
pub(super) async fn list(pages: Arc<Pages>, request: Request) -> Result<Response, ApiError> {
    let params = match query::<Params>(Some(&without_blanks(&request))) {
        Ok(params) => params,
        Err(wrong) => return answer(&pages, &request, Err(wrong), Params::default()).await,
    };
    if let Some(word) = &params.q {
        return search(&pages, &request, word.trim()).await;
    }
    let Params { limit, cursor, state, kind, queue, request_id, .. } = params.clone();
    let listing = Listing { limit, cursor, state, kind, queue, request_id };
    answer(&pages, &request, listing.parse("state"), params).await
}

/// A UUID is the id of a task or of a request, capitals are a kind, and anything else is a request's id.
async fn search(pages: &Pages, request: &Request, word: &str) -> Result<Response, ApiError> {
    if let Ok(id) = Uuid::try_parse(word) {
        match pages.tasks.get(&request.context(), TaskId(id)).await {
            Ok(_) => return Ok(pages.see_other(request, &format!("/{id}"))),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return pages.failed(request, error),
        }
    }
    let is_kind = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    if !word.is_empty() && word.bytes().all(is_kind) && !word.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(pages.see_other(request, &format!("/list?kind={word}")));
    }
    if RequestId::parse(word).is_some() {
        return Ok(pages.see_other(request, &format!("/list?request_id={word}")));
    }
    let wrong = ApiError::field("search", "choice", "takes the id of a task or of a request, or a kind");
    answer(pages, request, Err(wrong), Params::default()).await
}

async fn answer(
    pages: &Pages,
    request: &Request,
    query: Result<domain::TaskQuery, ApiError>,
    params: Params,
) -> Result<Response, ApiError> {
    let now = pages.clock.now();
    let page = |status| Page {
        template: "listing.html",
        status,
        title: "All tasks".to_owned(),
        place: "list",
        every: 2,
        now,
    };
    let query = match query {
        Ok(query) => query,
        Err(wrong) => {
            let view = List { wrong: sentences(&wrong), ..List::new(params) };
            let page = Page { every: 0, ..page(StatusCode::UNPROCESSABLE_ENTITY) };
            return pages.frame.answer(request, page, &view);
        }
    };
    let found = match pages.tasks.list(&request.context(), &query).await {
        Ok(found) => found,
        Err(error) => return pages.failed(request, error),
    };
    let url = |to: Option<Cursor<TaskId>>| to.map(|to| with_cursor(request, &cursor::encode(&to, ORDER)));
    let (next, prev) = (url(found.next), url(found.prev));
    let rows = found.items.iter().map(|task| TaskRow::new(task, now)).collect();
    let view = List { rows, next, prev, states: states(&params), ..List::new(params) };
    pages.frame.answer(request, page(StatusCode::OK), &view)
}

impl List {
    fn new(params: Params) -> Self {
        let filtered = params.kind.is_some() || params.queue.is_some() || params.request_id.is_some();
        let states = states(&Params::default());
        Self { params, states, filtered, wrong: Vec::new(), rows: Vec::new(), next: None, prev: None }
    }
}

/// `params` have been parsed, so that nothing in them has to be encoded.
fn states(params: &Params) -> Vec<StateLink> {
    let Params { kind, queue, request_id, .. } = params;
    let kept: Vec<String> = [("kind", kind), ("queue", queue), ("request_id", request_id)]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("&{name}={}", value.as_ref()?)))
        .collect();
    let kept = kept.concat();
    let link = |state: &'static str| StateLink {
        state,
        query: if state.is_empty() {
            kept.trim_start_matches('&').to_owned()
        } else {
            format!("state={state}{kept}")
        },
        current: params.state.as_deref().unwrap_or_default() == state,
    };
    [""].into_iter().chain(TaskState::ALL.iter().map(|state| state.as_str())).map(link).collect()
}

/// A form sends the fields that were left blank, too.
fn without_blanks(request: &Request) -> String {
    let pairs = request.query().unwrap_or_default().split('&');
    let filled = pairs.filter(|pair| pair.split_once('=').is_some_and(|(_, value)| !value.is_empty()));
    filled.collect::<Vec<_>>().join("&")
}

fn sentences(wrong: &ApiError) -> Vec<String> {
    let (kind, detail, errors) = wrong.parts();
    match kind {
        Kind::Unprocessable => {
            errors.iter().map(|e| format!("{} {}", e.field, e.violation.message)).collect()
        }
        _ => vec![detail.to_owned()],
    }
}
