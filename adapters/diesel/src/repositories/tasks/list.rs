//! Pages of tasks, newest first.

use super::{Backend, row::TaskRow};
use crate::{fragments::limited, schema::tasks, types::Id};
use diesel::{QueryResult, prelude::*};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::{Cursor, Direction, TaskFilter, TaskId, TaskQuery, TaskState};

/// The limit and at least one row more.
pub(super) async fn list<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    query: &TaskQuery,
) -> QueryResult<Vec<TaskRow>> {
    let page = sorted(filtered(&query.filter), query.cursor.as_ref()).select(TaskRow::as_select());
    limited(page, query.limit.get() + 1).load(conn).await
}

type Query<'a> = tasks::BoxedQuery<'a, Backend>;

/// Besides the state itself what it implies, since that is what the partial indices are of.
fn filtered<'a>(filter: &TaskFilter) -> Query<'a> {
    let mut rows = tasks::table.into_boxed();
    if let Some(state) = filter.state {
        rows = rows.filter(tasks::state.eq(state.as_str()));
        rows = match state {
            TaskState::Waiting | TaskState::Queued | TaskState::Running => {
                rows.filter(tasks::finished_at.is_null())
            }
            TaskState::Failed | TaskState::Cancelled => rows.filter(tasks::reason.is_not_null()),
            TaskState::Succeeded => rows,
        };
    }
    if let Some(kind) = &filter.kind {
        rows = rows.filter(tasks::kind.eq(kind.clone()));
    }
    if let Some(queue) = &filter.queue {
        rows = rows.filter(tasks::queue.eq(queue.as_str().to_owned()));
    }
    if let Some(request_id) = &filter.request_id {
        rows = rows.filter(tasks::request_id.eq(request_id.clone()));
    }
    rows
}

/// The part of the list beyond the cursor, leading away from it.
fn sorted<'a>(rows: Query<'a>, cursor: Option<&Cursor<TaskId>>) -> Query<'a> {
    match cursor {
        None => rows.order(tasks::id.desc()),
        Some(Cursor { position, direction: Direction::After }) => {
            rows.filter(tasks::id.lt(Id(position.0))).order(tasks::id.desc())
        }
        Some(Cursor { position, direction: Direction::Before }) => {
            rows.filter(tasks::id.gt(Id(position.0))).order(tasks::id.asc())
        }
    }
}
