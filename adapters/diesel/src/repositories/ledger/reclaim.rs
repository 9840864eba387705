//! Taking back what dead and closed sessions hold.

use super::{
    Conn, Scheduled,
    ends::{self, End, HeldRow},
    skip_locked,
};
use crate::{
    error::Undone,
    schema::{task_sessions, tasks},
    types::{At, Id},
};
use application::{Lost, Reclaimed};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    dsl::{exists, not},
    prelude::*,
};
use diesel_async::RunQueryDsl;
use domain::{Fault, FaultCode, TaskEvent, TaskId, TaskState};
use std::{collections::HashMap, time::Duration};

/// What is said of a run whose worker is lost.
const LOST: &str = "the worker that ran it is lost";

/// A session that is over.
#[derive(Queryable, Selectable)]
#[diesel(table_name = task_sessions)]
struct OverRow {
    id: Id,
    expires_at: At,
    closed_at: Option<At>,
}

/// See `TaskLedger::reclaim`. The tasks are looked for among all that are unfinished, since nothing is indexed by session;
/// therefore only while there is a session that is over.
pub(super) async fn reclaim(
    conn: &mut Conn,
    now: DateTime<Utc>,
    lease: Duration,
    limit: u32,
) -> Result<(Reclaimed, Scheduled), Undone> {
    let (mut reclaimed, mut scheduled) = (Reclaimed::default(), Scheduled::default());
    let is_over = task_sessions::closed_at.is_not_null().or(task_sessions::expires_at.le(At::from(now)));
    let over: Vec<OverRow> =
        task_sessions::table.filter(is_over).select(OverRow::as_select()).load(conn).await?;
    if over.is_empty() {
        return Ok((reclaimed, scheduled));
    }
    let closed: HashMap<_, _> =
        over.iter().map(|session| (session.id.0, session.closed_at.is_some())).collect();
    let lost = Fault::new(FaultCode::WorkerLost, LOST);
    for held in abandoned(conn, now, limit).await? {
        let is_closed = held.session_id.is_some_and(|id| closed.get(&id.0).copied().unwrap_or_default());
        let event = if is_closed { TaskEvent::Release } else { TaskEvent::Reclaim };
        let due_at = held.due_at.into();
        let fault = (!is_closed).then_some(&lost);
        let (state, due) = ends::end(conn, &held, &End { event, reason: None, fault, due_at, now }).await?;
        scheduled.due.extend(due);
        match (state, event) {
            (TaskState::Cancelled, _) => reclaimed.cancelled += 1,
            (TaskState::Failed, _) => reclaimed.failed.extend(failed(held)),
            (_, TaskEvent::Release) => reclaimed.released += 1,
            _ => reclaimed.requeued += 1,
        }
    }
    reclaimed.sessions = forget(conn, &over, now, lease).await?;
    Ok((reclaimed, scheduled))
}

fn failed(held: HeldRow) -> Option<Lost> {
    Some(Lost { id: TaskId(held.id.0), queue: held.queue()?, kind: held.kind })
}

/// Running tasks whose session is not alive, locked; those that somebody else is about to end are left out. In the order of
/// their groups, so that two that take members of the same groups do not wait for each other.
async fn abandoned(conn: &mut Conn, now: DateTime<Utc>, limit: u32) -> QueryResult<Vec<HeldRow>> {
    let alive = task_sessions::table
        .filter(task_sessions::id.nullable().eq(tasks::session_id))
        .filter(task_sessions::closed_at.is_null().and(task_sessions::expires_at.gt(At::from(now))));
    let held = tasks::table
        .filter(tasks::finished_at.is_null().and(tasks::state.eq(TaskState::Running.as_str())))
        // Whatever was claimed was due: what is not yet need not be looked at.
        .filter(tasks::due_at.le(At::from(now)))
        .filter(not(exists(alive)))
        .order((tasks::group_id, tasks::id))
        .limit(i64::from(limit))
        .select(HeldRow::as_select());
    skip_locked!(held).load(conn).await
}

/// Deletes the rows of sessions that nobody can have claimed for any more, and that hold nothing.
async fn forget(conn: &mut Conn, over: &[OverRow], now: DateTime<Utc>, lease: Duration) -> QueryResult<u32> {
    let lease = TimeDelta::from_std(lease).unwrap_or(TimeDelta::MAX);
    let since = |session: &OverRow| DateTime::<Utc>::from(session.closed_at.unwrap_or(session.expires_at));
    let old = over.iter().filter(|session| now - since(session) >= lease).map(|session| session.id);
    let old: Vec<Id> = old.collect();
    if old.is_empty() {
        return Ok(0);
    }
    let holds = tasks::table
        .filter(tasks::finished_at.is_null().and(tasks::state.eq(TaskState::Running.as_str())))
        .filter(tasks::due_at.le(At::from(now)))
        .filter(tasks::session_id.eq(task_sessions::id.nullable()));
    let old = task_sessions::table.filter(task_sessions::id.eq_any(old).and(not(exists(holds))));
    let deleted = diesel::delete(old).execute(conn).await?;
    Ok(u32::try_from(deleted).unwrap_or(u32::MAX))
}
