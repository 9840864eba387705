//! Rows of `tasks`, and how the domain sees them.

use super::PlaceRow;
use crate::{
    error::Undone,
    schema::tasks,
    types::{At, Document, Id},
};
use application::Error;
use diesel::prelude::*;
use domain::{
    EndReason, Place, Priority, Progress, QueueName, Standing, Task, TaskId, TaskLink, TaskState, Version,
};
use std::time::Duration;
use uuid::Uuid;

/// All that is shown of a task.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(super) struct TaskRow {
    pub(super) id: Id,
    kind: String,
    queue: String,
    priority: i32,
    #[diesel(embed)]
    standing: StandingRow,
    fence: i64,
    version: i64,
    #[diesel(embed)]
    pub(super) place: PlaceRow,
    payload: Document,
    result: Option<Document>,
    #[diesel(embed)]
    progress: ProgressRow,
    reason: Option<String>,
    timeout_ms: i64,
    request_id: String,
    parent_id: Option<Id>,
    due_at: At,
    created_at: At,
    started_at: Option<At>,
    finished_at: Option<At>,
}

/// What is shown of a task beside others.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(super) struct LinkRow {
    pub(super) id: Id,
    kind: String,
    state: String,
    #[diesel(embed)]
    progress: ProgressRow,
    version: i64,
    #[diesel(embed)]
    pub(super) place: PlaceRow,
}

/// The columns of a [`Standing`].
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(crate) struct StandingRow {
    pub(crate) state: String,
    pub(crate) attempt: i32,
    pub(crate) max_retries: i32,
    pub(crate) crashes: i32,
    pub(crate) cancel_requested_at: Option<At>,
}

/// The columns of a [`Progress`].
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(super) struct ProgressRow {
    progress: Option<f64>,
    progress_note: Option<String>,
}

/// The database holds what the domain does not allow.
#[derive(Debug, thiserror::Error)]
#[error("tasks.{column} of {id} breaks a rule")]
pub(crate) struct Inconsistent {
    id: Uuid,
    column: &'static str,
}

impl From<Inconsistent> for Undone {
    fn from(inconsistent: Inconsistent) -> Self {
        Self::Refused(Error::internal("cannot read a task", inconsistent))
    }
}

/// `value`, or that `column` of the task is wrong.
pub(crate) fn sane<T>(id: Id, column: &'static str, value: Option<T>) -> Result<T, Inconsistent> {
    value.ok_or(Inconsistent { id: id.0, column })
}

impl TaskRow {
    /// As it is shown beside others.
    pub(super) fn to_link(&self) -> LinkRow {
        let Self { id, kind, standing, progress, version, place, .. } = self.clone();
        LinkRow { id, kind, state: standing.state, progress, version, place }
    }
}

impl StandingRow {
    pub(crate) fn standing(&self, id: Id) -> Result<Standing, Inconsistent> {
        Ok(Standing {
            state: sane(id, "state", TaskState::parse(&self.state))?,
            attempt: sane(id, "attempt", u32::try_from(self.attempt).ok())?,
            max_retries: sane(id, "max_retries", u32::try_from(self.max_retries).ok())?,
            crashes: sane(id, "crashes", u32::try_from(self.crashes).ok())?,
            cancel_requested: self.cancel_requested_at.is_some(),
        })
    }
}

/// The place that the columns say.
pub(crate) fn place(id: Id, row: PlaceRow) -> Result<Place, Inconsistent> {
    let number = |column, value: Option<i32>| sane(id, column, value.and_then(|n| u32::try_from(n).ok()));
    match (row.chain_id, row.group_id, row.callback_of) {
        (Some(chain), ..) => Ok(Place::Link {
            chain: TaskId(chain.0),
            position: number("chain_position", row.chain_position)?,
            length: number("chain_length", row.chain_length)?,
        }),
        (None, Some(group), _) => Ok(Place::Member { group: group.0 }),
        (None, None, Some(group)) => Ok(Place::Callback { group: group.0 }),
        (None, None, None) => Ok(Place::Alone),
    }
}

impl From<ProgressRow> for Option<Progress> {
    fn from(row: ProgressRow) -> Self {
        let note = row.progress_note.unwrap_or_default();
        row.progress.map(|fraction| Progress::new(fraction, &note))
    }
}

impl TryFrom<TaskRow> for Task {
    type Error = Inconsistent;

    fn try_from(row: TaskRow) -> Result<Self, Inconsistent> {
        let id = row.id;
        let reason = |word: String| sane(id, "reason", EndReason::parse(&word));
        Ok(Self {
            id: TaskId(id.0),
            kind: row.kind,
            queue: sane(id, "queue", QueueName::parse(&row.queue).ok())?,
            priority: sane(id, "priority", Priority::from_rank(row.priority))?,
            standing: row.standing.standing(id)?,
            fence: row.fence,
            version: sane(id, "version", Version::new(row.version))?,
            place: place(id, row.place)?,
            payload: row.payload.0,
            result: row.result.map(|result| result.0),
            progress: row.progress.into(),
            reason: row.reason.map(reason).transpose()?,
            timeout: Duration::from_millis(sane(id, "timeout_ms", u64::try_from(row.timeout_ms).ok())?),
            request_id: row.request_id,
            parent: row.parent_id.map(|id| TaskId(id.0)),
            due_at: row.due_at.into(),
            created_at: row.created_at.into(),
            started_at: row.started_at.map(Into::into),
            finished_at: row.finished_at.map(Into::into),
        })
    }
}

impl TryFrom<LinkRow> for TaskLink {
    type Error = Inconsistent;

    fn try_from(row: LinkRow) -> Result<Self, Inconsistent> {
        Ok(Self {
            id: TaskId(row.id.0),
            kind: row.kind,
            state: sane(row.id, "state", TaskState::parse(&row.state))?,
            progress: row.progress.into(),
            version: sane(row.id, "version", Version::new(row.version))?,
        })
    }
}
