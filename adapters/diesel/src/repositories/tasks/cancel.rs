//! A user wants a task to end.

use super::{Conn, followers, hold};
use crate::{
    error::Undone,
    schema::tasks,
    types::{At, Id},
};
use application::{Cancellation, Error};
use chrono::{DateTime, Utc};
use diesel::{QueryResult, prelude::*};
use diesel_async::RunQueryDsl;
use domain::{EndReason, TaskEvent, TaskId, TaskState};

/// One that nobody runs ends here, with all that wait for it. A worker is told by its next renewal, if not before.
pub(super) async fn cancel(conn: &mut Conn, id: TaskId, now: DateTime<Utc>) -> Result<Cancellation, Undone> {
    let held = hold(conn, id).await?;
    let standing = held.standing()?;
    let Ok(next) = standing.transition(TaskEvent::Cancel) else {
        return Err(Undone::Refused(Error::conflict("state", "ended", has_ended(standing.state))));
    };
    match next.state {
        TaskState::Running => {
            if !standing.cancel_requested {
                request(conn, held.id, now).await?;
            }
            Ok(Cancellation::Requested)
        }
        _ => {
            end(conn, held.id, next.state, now).await?;
            followers::orphan(conn, held.place, now).await?;
            Ok(Cancellation::Done)
        }
    }
}

async fn request(conn: &mut Conn, id: Id, now: DateTime<Utc>) -> QueryResult<()> {
    let requested = (tasks::cancel_requested_at.eq(At::from(now)), tasks::version.eq(tasks::version + 1));
    diesel::update(tasks::table.find(id)).set(requested).execute(conn).await.map(drop)
}

async fn end(conn: &mut Conn, id: Id, state: TaskState, now: DateTime<Utc>) -> QueryResult<()> {
    let ended = (
        tasks::state.eq(state.as_str()),
        tasks::reason.eq(EndReason::Cancelled.as_str()),
        tasks::finished_at.eq(At::from(now)),
        tasks::version.eq(tasks::version + 1),
    );
    diesel::update(tasks::table.find(id)).set(ended).execute(conn).await.map(drop)
}

fn has_ended(state: TaskState) -> String {
    match state {
        TaskState::Cancelled => "is cancelled already".to_owned(),
        other => format!("has {} already", other.as_str()),
    }
}
