//! What becomes of those that wait for a task when it ends.

use super::{Conn, for_update};
use crate::{
    fragments::constant,
    schema::{task_groups, tasks},
    types::{At, Id},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::{EndReason, QueueName, Standing, TaskEvent, TaskState};

/// The place of a task, as its row has it.
#[derive(Debug, Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(crate) struct PlaceRow {
    pub(crate) chain_id: Option<Id>,
    pub(crate) chain_position: Option<i32>,
    pub(crate) chain_length: Option<i32>,
    pub(crate) group_id: Option<Id>,
    pub(crate) callback_of: Option<Id>,
}

/// A task at `place` has succeeded: the next link is free, or the callback if it was the last member. The queues in which
/// something is due now.
pub(crate) async fn free(
    conn: &mut Conn,
    place: PlaceRow,
    now: DateTime<Utc>,
) -> QueryResult<Vec<QueueName>> {
    let freed = (
        tasks::state.eq(after(TaskEvent::Freed)),
        tasks::due_at.eq(At::from(now)),
        tasks::version.eq(tasks::version + 1),
    );
    let waiting = tasks::state.eq(TaskState::Waiting.as_str());
    let queues: Vec<String> = if let (Some(chain), Some(position)) = (place.chain_id, place.chain_position) {
        let next = tasks::chain_id.eq(chain).and(tasks::chain_position.eq(position + 1));
        let next = tasks::table.filter(next.and(waiting));
        constant(diesel::update(next).set(freed).returning(tasks::queue)).get_results(conn).await?
    } else if let Some(group) = place.group_id {
        let one_less = diesel::update(task_groups::table.find(group))
            .set(task_groups::remaining.eq(task_groups::remaining - 1))
            .returning(task_groups::remaining);
        let remaining: i32 = constant(one_less).get_result(conn).await?;
        if remaining > 0 {
            return Ok(Vec::new());
        }
        let callback = task_groups::table.find(group).select(task_groups::callback_id);
        let callback: Id = callback.get_result(conn).await?;
        let callback = tasks::table.filter(tasks::id.eq(callback).and(waiting));
        constant(diesel::update(callback).set(freed).returning(tasks::queue)).get_results(conn).await?
    } else {
        Vec::new()
    };
    Ok(queues.iter().filter_map(|queue| QueueName::parse(queue).ok()).collect())
}

/// A task at `place` has failed or was cancelled: whatever waits for it never runs.
pub(crate) async fn orphan(conn: &mut Conn, place: PlaceRow, now: DateTime<Utc>) -> QueryResult<()> {
    let cancelled = (
        tasks::state.eq(after(TaskEvent::Orphaned)),
        tasks::reason.eq(EndReason::PredecessorEnded.as_str()),
        tasks::finished_at.eq(At::from(now)),
        tasks::version.eq(tasks::version + 1),
    );
    let waiting = tasks::state.eq(TaskState::Waiting.as_str());
    if let (Some(chain), Some(position)) = (place.chain_id, place.chain_position) {
        let rest = tasks::chain_id.eq(chain).and(tasks::chain_position.gt(position));
        constant(diesel::update(tasks::table.filter(rest.and(waiting))).set(cancelled)).execute(conn).await?;
    } else if let Some(group) = place.group_id {
        // The lock is for a retry of another member, which may be about to bring the callback back to waiting.
        let callback = for_update!(task_groups::table.find(group).select(task_groups::callback_id));
        let callback: Id = callback.get_result(conn).await?;
        let callback = tasks::table.filter(tasks::id.eq(callback).and(waiting));
        constant(diesel::update(callback).set(cancelled)).execute(conn).await?;
    }
    Ok(())
}

/// Where a task that waits goes.
fn after(event: TaskEvent) -> &'static str {
    let waiting = Standing::new(true, 0);
    waiting.transition(event).unwrap_or(waiting).state.as_str()
}
