//! The parameters of a list of tasks.

use crate::{
    cursor::{self, Position},
    extract::whole,
    problem::ApiError,
};
use application::RequestId;
use domain::{Invalid, Limit, QueueName, TaskFilter, TaskId, TaskQuery, TaskState, Violation};
use uuid::Uuid;

/// The one order, newest first, as a text for cursors.
pub(crate) const ORDER: &str = "-created_at";

/// As they were sent.
pub(crate) struct Listing {
    pub(crate) limit: Option<String>,
    pub(crate) cursor: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) queue: Option<String>,
    pub(crate) request_id: Option<String>,
}

impl Listing {
    /// The query. `state_field` is the state of a task in this version.
    pub(crate) fn parse(self, state_field: &str) -> Result<TaskQuery, ApiError> {
        let mut invalid = Invalid::default();
        let limit = self.limit.map(|raw| whole(&raw).and_then(Limit::new));
        let limit = limit.and_then(|limit| invalid.check("limit", limit)).unwrap_or_default();
        let state = self.state.and_then(|raw| invalid.check(state_field, state(&raw)));
        let kind = self.kind.and_then(|raw| invalid.check("kind", kind(raw)));
        let queue = self.queue.and_then(|raw| invalid.check("queue", QueueName::parse(&raw)));
        let request_id = self.request_id.and_then(|raw| invalid.check("request_id", request_id(raw)));
        let cursor = self.cursor.map(|raw| cursor::decode(&raw, ORDER, false));
        let cursor = cursor.and_then(|cursor| invalid.check("cursor", cursor));
        if !invalid.is_empty() {
            return Err(ApiError::invalid(&invalid));
        }
        let filter = TaskFilter { state, kind, queue, request_id };
        Ok(TaskQuery { filter, limit, cursor })
    }
}

impl Position for TaskId {
    fn key(&self) -> Option<&str> {
        None
    }

    fn id(&self) -> Uuid {
        self.0
    }

    fn new(_: Option<String>, id: Uuid) -> Self {
        Self(id)
    }
}

fn state(raw: &str) -> Result<TaskState, Violation> {
    let words: Vec<_> = TaskState::ALL.iter().map(|state| state.as_str()).collect();
    TaskState::parse(raw)
        .ok_or_else(|| Violation::new("choice", format!("must be one of {}", words.join(", "))))
}

/// In characters.
pub(crate) const MAX_KIND: usize = 100;

fn kind(raw: String) -> Result<String, Violation> {
    let is_sane = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if (1..=MAX_KIND).contains(&raw.len()) && raw.bytes().all(is_sane) {
        return Ok(raw);
    }
    Err(Violation::new(
        "kind",
        format!("must be 1 to {MAX_KIND} letters, digits and _, such as ADD_ONE_YEAR"),
    ))
}

fn request_id(raw: String) -> Result<String, Violation> {
    if RequestId::parse(&raw).is_some() {
        return Ok(raw);
    }
    let message = format!("must be 1 to {} of A-Z a-z 0-9 . _ : -", RequestId::MAX_LENGTH);
    Err(Violation::new("request_id", message))
}
