//! Success: what most tasks end with, in one statement.

use super::{
    Conn,
    followers::{self, PlaceRow},
};
use crate::{
    schema::tasks,
    types::{At, Document, Id},
};
use application::{Claim, faults::mutant};
use chrono::{DateTime, Utc};
use diesel::{prelude::*, sql_types::Bool};
use diesel_async::RunQueryDsl;
use domain::{QueueName, TaskState};

/// Writes the success and frees those that wait for it; the queues in which something is due now. `None` if the claim does
/// not hold.
pub(super) async fn succeed(
    conn: &mut Conn,
    claim: Claim,
    result: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Vec<QueueName>>> {
    let held = tasks::fence.eq(claim.fence).and(tasks::state.eq(TaskState::Running.as_str()));
    let held = held.or(mutant("no_fence_check").into_sql::<Bool>());
    let place = diesel::update(tasks::table.filter(tasks::id.eq(Id(claim.id.0)).and(held)))
        .set((
            tasks::state.eq(TaskState::Succeeded.as_str()),
            tasks::result.eq(Document(result.to_owned())),
            tasks::finished_at.eq(At::from(now)),
            tasks::session_id.eq(None::<Id>),
            tasks::reason.eq(None::<String>),
            tasks::version.eq(tasks::version + 1),
        ))
        .returning(PlaceRow::as_returning())
        .get_result(conn)
        .await
        .optional()?;
    match place {
        Some(place) => followers::free(conn, place, now).await.map(Some),
        None => Ok(None),
    }
}
