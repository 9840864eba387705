//! What a worker writes about a task that it holds.

use super::{
    Conn, Scheduled,
    ends::{self, End},
    insert,
    success::{self, believed},
};
use crate::{error::Undone, fragments::constant, schema::tasks, types::Id};
use application::{Claim, Settled, Settlement, faults::failpoint};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::{Progress, TaskEvent, TaskState};

/// See `TaskLedger::settle`.
pub(super) async fn settle(conn: &mut Conn, settlement: &Settlement) -> Result<(Settled, Scheduled), Undone> {
    let done = if settlement.event == TaskEvent::Success {
        succeed(conn, settlement).await?
    } else {
        end(conn, settlement).await?
    };
    failpoint("in_finish");
    Ok(done)
}

async fn succeed(conn: &mut Conn, settlement: &Settlement) -> Result<(Settled, Scheduled), Undone> {
    let result = settlement.result.as_deref().unwrap_or("null");
    let Some(freed) = success::succeed(conn, settlement.claim, result, settlement.now).await? else {
        return without_claim(conn, settlement.claim).await;
    };
    let mut scheduled = insert::insert(conn, &settlement.then).await?;
    scheduled.due.extend(freed);
    Ok((Settled::As(TaskState::Succeeded), scheduled))
}

async fn end(conn: &mut Conn, settlement: &Settlement) -> Result<(Settled, Scheduled), Undone> {
    let claim = believed(conn, settlement.claim).await?;
    let Some(held) = ends::hold(conn, claim.id).await? else {
        return Ok((Settled::Stale, Scheduled::default()));
    };
    if held.fence != claim.fence || held.standing()?.state != TaskState::Running {
        return without_claim(conn, claim).await;
    }
    let Settlement { event, reason, fault, due_at, now, .. } = settlement;
    let run = End { event: *event, reason: *reason, fault: fault.as_ref(), due_at: *due_at, now: *now };
    let (state, due) = ends::end(conn, &held, &run).await?;
    Ok((Settled::As(state), Scheduled { ids: Vec::new(), due: due.into_iter().collect() }))
}

async fn without_claim(conn: &mut Conn, claim: Claim) -> Result<(Settled, Scheduled), Undone> {
    let before = success::settled_before(conn, claim).await?;
    Ok((if before { Settled::Already } else { Settled::Stale }, Scheduled::default()))
}

/// Whether somebody wants the task to end; `None` if the claim does not hold.
pub(super) async fn progress(
    conn: &mut Conn,
    claim: Claim,
    progress: &Progress,
) -> QueryResult<Option<bool>> {
    let claim = believed(conn, claim).await?;
    let held = tasks::fence.eq(claim.fence).and(tasks::state.eq(TaskState::Running.as_str()));
    let progress = diesel::update(tasks::table.filter(tasks::id.eq(Id(claim.id.0)).and(held)))
        .set((
            tasks::progress.eq(progress.fraction()),
            tasks::progress_note.eq(progress.note()),
            tasks::version.eq(tasks::version + 1),
        ))
        .returning(tasks::cancel_requested_at.is_not_null());
    constant(progress).get_result(conn).await.optional()
}
