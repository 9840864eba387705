//! An operator wants a task to run again.

use super::{Conn, HeldRow, PlaceRow, for_update, hold, ledger::END_OF_TIME};
use crate::{
    error::Undone,
    schema::{task_groups, tasks},
    types::{At, Id},
};
use application::Error;
use chrono::{DateTime, Utc};
use diesel::{QueryResult, prelude::*};
use diesel_async::RunQueryDsl;
use domain::{EndReason, QueueName, TaskEvent, TaskId, TaskState};

/// Where it is due now.
///
/// Rows are locked in one order, here and wherever a task ends: the task, its group, those that wait for it.
pub(super) async fn retry(
    conn: &mut Conn,
    id: TaskId,
    now: DateTime<Utc>,
) -> Result<Option<QueueName>, Undone> {
    let held = hold(conn, id).await?;
    let standing = held.standing()?;
    let Ok(next) = standing.transition(TaskEvent::Retry) else {
        let message = format!(
            "is {}; only a task that has failed or was cancelled can be retried",
            standing.state.as_str()
        );
        return Err(conflict("not_ended", message));
    };
    if let Some(before) = unsuccessful_before(conn, &held).await? {
        return Err(before.in_the_way());
    }
    let group = group(conn, held.place).await?;
    begin_anew(conn, &[held.id], next.state, now).await?;
    match (held.place, group) {
        (PlaceRow { chain_id: Some(chain), chain_position: Some(position), .. }, _) => {
            rejoin_links(conn, chain, position).await?;
        }
        (PlaceRow { group_id: Some(group), .. }, Some(callback)) => {
            rejoin_callback(conn, group, callback).await?;
        }
        _ => {}
    }
    Ok(held.queue())
}

/// A task that another one waits for.
#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks)]
struct Before {
    id: Id,
    state: String,
}

/// What stands in the way of the task, the first of several: its own turn comes only once all before it have succeeded. What
/// has succeeded stays so, hence nothing is locked here.
async fn unsuccessful_before(conn: &mut Conn, held: &HeldRow) -> QueryResult<Option<Before>> {
    let unsuccessful = tasks::state.ne(TaskState::Succeeded.as_str());
    if let (Some(chain), Some(position)) = (held.place.chain_id, held.place.chain_position) {
        let before = tasks::chain_id.eq(chain).and(tasks::chain_position.lt(position));
        let before = tasks::table.filter(before.and(unsuccessful)).order(tasks::chain_position);
        return before.select(Before::as_select()).first(conn).await.optional();
    }
    let Some(group) = held.place.callback_of else { return Ok(None) };
    let members = tasks::group_id.eq(group);
    // Those first that somebody can do something about.
    let ended = tasks::table.filter(members.and(tasks::reason.is_not_null())).order(tasks::id);
    if let Some(ended) = ended.select(Before::as_select()).first(conn).await.optional()? {
        return Ok(Some(ended));
    }
    let unfinished = tasks::table.filter(members.and(unsuccessful)).order(tasks::id);
    unfinished.select(Before::as_select()).first(conn).await.optional()
}

impl Before {
    fn in_the_way(&self) -> Undone {
        let id = self.id.0;
        conflict(
            "predecessor",
            match TaskState::parse(&self.state) {
                Some(TaskState::Failed) => {
                    format!("waits for the task {id}, which has failed: retry that one first")
                }
                Some(TaskState::Cancelled) => {
                    format!("waits for the task {id}, which was cancelled: retry that one first")
                }
                _ => format!(
                    "waits for the task {id}, which is {}: retry once that one has succeeded",
                    self.state
                ),
            },
        )
    }
}

/// The callback of a member's group. The lock is for the other members: one of them may be failing, or be retried.
async fn group(conn: &mut Conn, place: PlaceRow) -> QueryResult<Option<Id>> {
    let Some(id) = place.group_id else { return Ok(None) };
    let group = for_update!(task_groups::table.find(id).select(task_groups::callback_id));
    group.first(conn).await.map(Some)
}

/// What a task is that has a new budget of attempts. Its faults stay, and its fence is never lowered.
#[derive(AsChangeset)]
#[diesel(table_name = tasks, treat_none_as_null = true)]
struct Anew {
    state: &'static str,
    due_at: At,
    attempt: i32,
    crashes: i32,
    cancel_requested_at: Option<At>,
    finished_at: Option<At>,
    progress: Option<f64>,
    progress_note: Option<String>,
    reason: Option<String>,
}

async fn begin_anew(conn: &mut Conn, ids: &[Id], state: TaskState, due: DateTime<Utc>) -> QueryResult<()> {
    let anew = Anew {
        state: state.as_str(),
        due_at: due.into(),
        attempt: 0,
        crashes: 0,
        cancel_requested_at: None,
        finished_at: None,
        progress: None,
        progress_note: None,
        reason: None,
    };
    let tasks = diesel::update(tasks::table.filter(tasks::id.eq_any(ids)));
    tasks.set((anew, tasks::version.eq(tasks::version + 1))).execute(conn).await.map(drop)
}

/// Brings those back that were cancelled because of the link at `position`, up to the first that has ended for another reason.
async fn rejoin_links(conn: &mut Conn, chain: Id, position: i32) -> QueryResult<()> {
    let after = tasks::chain_id.eq(chain).and(tasks::chain_position.gt(position));
    let after = for_update!(
        tasks::table.filter(after).order(tasks::chain_position).select((tasks::id, tasks::reason))
    );
    let after: Vec<(Id, Option<String>)> = after.load(conn).await?;
    let orphaned = after.into_iter().take_while(|(_, reason)| is_orphaned(reason.as_deref()));
    let orphaned: Vec<Id> = orphaned.map(|(id, _)| id).collect();
    begin_anew(conn, &orphaned, TaskState::Waiting, END_OF_TIME).await
}

/// Brings the callback back, unless another member has failed or was cancelled too.
async fn rejoin_callback(conn: &mut Conn, group: Id, callback: Id) -> QueryResult<()> {
    let reason = for_update!(tasks::table.find(callback).select(tasks::reason));
    let reason: Option<String> = reason.first(conn).await?;
    let others = tasks::group_id.eq(group).and(tasks::reason.is_not_null());
    let other: Option<Id> = tasks::table.filter(others).select(tasks::id).first(conn).await.optional()?;
    if is_orphaned(reason.as_deref()) && other.is_none() {
        begin_anew(conn, &[callback], TaskState::Waiting, END_OF_TIME).await?;
    }
    Ok(())
}

fn is_orphaned(reason: Option<&str>) -> bool {
    reason == Some(EndReason::PredecessorEnded.as_str())
}

fn conflict(code: &'static str, message: String) -> Undone {
    Undone::Refused(Error::conflict("state", code, message))
}
