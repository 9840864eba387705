//! What the tests of several modules share.

use crate::{Context, RequestId};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{NewTask, Task, TaskStory, Version};

/// So many seconds after the beginning of the Unix epoch.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

/// Of the request `test`, without a log.
pub(crate) fn ctx() -> Context {
    Context {
        request_id: RequestId::parse("test").unwrap(),
        log: slog::Logger::root(slog::Discard, slog::o!()),
    }
}

/// What the ledger tells of a task that has just been scheduled, alone.
pub(crate) fn story(new: NewTask) -> TaskStory {
    let task = Task {
        id: new.id,
        standing: new.standing(),
        kind: new.kind,
        queue: new.queue,
        priority: new.priority,
        fence: 0,
        version: Version::FIRST,
        place: new.place,
        payload: new.payload,
        result: None,
        progress: None,
        reason: None,
        timeout: new.timeout,
        request_id: new.request_id,
        parent: new.parent,
        due_at: new.due_at,
        created_at: new.created_at,
        started_at: None,
        finished_at: None,
    };
    TaskStory { task, links: Vec::new(), faults: Vec::new() }
}
