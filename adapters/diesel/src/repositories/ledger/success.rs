//! Success: what most runs end with, in one statement.

use super::{Conn, PlaceRow, followers};
use crate::{
    fragments::constant,
    schema::tasks,
    types::{At, Document, Id},
};
use application::{Claim, faults::mutant};
use chrono::{DateTime, Utc};
use diesel::{dsl::exists, prelude::*};
use diesel_async::RunQueryDsl;
use domain::{QueueName, TaskState};

/// Writes the success and frees those that wait for it; the queues in which something is due now. `None` if the claim does
/// not hold.
pub(crate) async fn succeed(
    conn: &mut Conn,
    claim: Claim,
    result: &str,
    now: DateTime<Utc>,
) -> QueryResult<Option<Vec<QueueName>>> {
    let claim = believed(conn, claim).await?;
    let held = tasks::fence.eq(claim.fence).and(tasks::state.eq(TaskState::Running.as_str()));
    let success = diesel::update(tasks::table.filter(tasks::id.eq(Id(claim.id.0)).and(held)))
        .set((
            tasks::state.eq(TaskState::Succeeded.as_str()),
            tasks::result.eq(Document(result.to_owned())),
            tasks::finished_at.eq(At::from(now)),
            tasks::session_id.eq(None::<Id>),
            tasks::version.eq(tasks::version + 1),
        ))
        .returning(PlaceRow::as_returning());
    match constant(success).get_result(conn).await.optional()? {
        Some(place) => followers::free(conn, place, now).await.map(Some),
        None => Ok(None),
    }
}

/// Whether the task has succeeded by this very claim: as long as the fence is the last one, nobody else had the task, so that
/// its own handler has settled it, or an answer to its worker was lost.
pub(crate) async fn settled_before(conn: &mut Conn, claim: Claim) -> QueryResult<bool> {
    let succeeded = tasks::fence.eq(claim.fence).and(tasks::state.eq(TaskState::Succeeded.as_str()));
    let succeeded = tasks::table.filter(tasks::id.eq(Id(claim.id.0)).and(succeeded));
    diesel::select(exists(succeeded)).get_result(conn).await
}

/// The claim as it is; or, as a defect that the fault tests must notice, whatever claim holds now.
pub(super) async fn believed(conn: &mut Conn, claim: Claim) -> QueryResult<Claim> {
    if !mutant("no_fence_check") {
        return Ok(claim);
    }
    let fence = tasks::table.find(Id(claim.id.0)).select(tasks::fence).first(conn).await.optional()?;
    Ok(Claim { fence: fence.unwrap_or(claim.fence), ..claim })
}
