//! The other ends of a run: errors, releases, lost workers. Rarer than success, and done row by row: lock, let the domain
//! decide, write.

use super::{Conn, PlaceRow, StandingRow, faults, followers, for_update};
use crate::{
    error::Undone,
    fragments::constant,
    schema::tasks,
    types::{At, Id},
};
use application::Error;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::{EndReason, Fault, QueueName, Standing, TaskEvent, TaskId, TaskState};

/// A row whose lock is held.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(crate) struct HeldRow {
    pub(crate) id: Id,
    pub(super) kind: String,
    queue: String,
    pub(super) fence: i64,
    pub(super) due_at: At,
    pub(super) session_id: Option<Id>,
    #[diesel(embed)]
    standing: StandingRow,
    #[diesel(embed)]
    pub(crate) place: PlaceRow,
}

impl HeldRow {
    /// Where it waits.
    pub(crate) fn queue(&self) -> Option<QueueName> {
        QueueName::parse(&self.queue).ok()
    }

    /// Where it stands.
    pub(crate) fn standing(&self) -> Result<Standing, Undone> {
        Ok(self.standing.standing(self.id)?)
    }
}

/// How a run ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) event: TaskEvent,
    /// Why the task ends with it, if it fails; otherwise that follows from the event.
    pub(super) reason: Option<EndReason>,
    pub(super) fault: Option<&'a Fault>,
    /// When it is due if it goes back to the queue.
    pub(super) due_at: DateTime<Utc>,
    pub(super) now: DateTime<Utc>,
}

/// The row of the task, locked until the end of the transaction; `None` if there is none.
pub(crate) async fn hold(conn: &mut Conn, id: TaskId) -> QueryResult<Option<HeldRow>> {
    let row = for_update!(tasks::table.find(Id(id.0)).select(HeldRow::as_select()));
    row.first(conn).await.optional()
}

/// Ends the run of `held`: its new state, and its queue if it is due there at once.
pub(super) async fn end(
    conn: &mut Conn,
    held: &HeldRow,
    end: &End<'_>,
) -> Result<(TaskState, Option<QueueName>), Undone> {
    let standing = held.standing()?;
    let next = standing.transition(end.event);
    let next =
        next.map_err(|illegal| Undone::Refused(Error::internal("cannot end the run of a task", illegal)))?;
    let again = next.state == TaskState::Queued;
    let due_at = if again { At::from(end.due_at) } else { held.due_at };
    let reason = reason(next.state, end);
    let run = diesel::update(tasks::table.find(held.id)).set((
        tasks::state.eq(next.state.as_str()),
        tasks::due_at.eq(due_at),
        tasks::attempt.eq(i32::try_from(next.attempt).unwrap_or(i32::MAX)),
        tasks::crashes.eq(i32::try_from(next.crashes).unwrap_or(i32::MAX)),
        tasks::fence.eq(tasks::fence + i64::from(shuts_out(end.event))),
        tasks::version.eq(tasks::version + 1),
        tasks::session_id.eq(None::<Id>),
        tasks::reason.eq(reason.map(EndReason::as_str)),
        tasks::finished_at.eq(next.state.is_terminal().then(|| At::from(end.now))),
    ));
    constant(run).execute(conn).await?;
    if let Some(fault) = end.fault {
        faults::add(conn, held.id, standing.attempt, fault, end.now).await?;
    }
    if next.state.is_terminal() {
        followers::orphan(conn, held.place, end.now).await?;
    }
    let due = again && end.due_at <= end.now;
    Ok((next.state, due.then(|| held.queue()).flatten()))
}

/// Whether the handler may still be at work, and must not write any more.
fn shuts_out(event: TaskEvent) -> bool {
    matches!(event, TaskEvent::Overdue | TaskEvent::Reclaim)
}

fn reason(state: TaskState, end: &End<'_>) -> Option<EndReason> {
    match (state, end.event) {
        (TaskState::Cancelled, _) => Some(EndReason::Cancelled),
        (TaskState::Failed, _) if end.reason.is_some() => end.reason,
        (TaskState::Failed, TaskEvent::Reclaim) => Some(EndReason::WorkerLost),
        (TaskState::Failed, TaskEvent::Fatal) => Some(EndReason::Unrecoverable),
        (TaskState::Failed, _) => Some(EndReason::RetriesUsedUp),
        _ => None,
    }
}
