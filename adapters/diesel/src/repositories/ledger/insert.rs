//! New tasks and groups.

use super::{Conn, Scheduled, statements};
use crate::{
    error::Undone,
    schema::{task_groups, tasks},
    types::{At, Document, Id},
};
use application::Then;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::{NewGroup, NewTask, Place, QueueName, TaskId};
use std::collections::BTreeSet;

/// When a task is due that waits for others: behind everything that can be claimed, and the last instant that both databases
/// can tell.
pub(crate) const END_OF_TIME: DateTime<Utc> = match DateTime::from_timestamp_micros(253_402_300_799_999_999) {
    Some(end) => end,
    None => DateTime::<Utc>::MAX_UTC,
};

/// How often a unique key is tried whose holders end one after the other.
const ATTEMPTS: u32 = 10;

/// How many rows one statement inserts.
const BATCH: usize = 1000;

/// Groups first, then tasks in their order.
pub(super) async fn insert(conn: &mut Conn, then: &Then) -> Result<Scheduled, Undone> {
    let mut scheduled = Scheduled::default();
    for group in &then.groups {
        diesel::insert_into(task_groups::table).values(GroupRow::from(group)).execute(conn).await?;
    }
    let alike = |a: &NewTask, b: &NewTask| a.unique_key.is_none() && b.unique_key.is_none();
    for run in then.tasks.chunk_by(alike) {
        for batch in run.chunks(BATCH) {
            match batch {
                [task] if task.unique_key.is_some() => scheduled.ids.push(insert_unique(conn, task).await?),
                batch => {
                    statements::insert(conn, batch.iter().map(NewRow::from).collect()).await?;
                    scheduled.ids.extend(batch.iter().map(|task| task.id));
                }
            }
        }
    }
    scheduled.due = due_in(&then.tasks);
    Ok(scheduled)
}

/// The task that is all there is to write, if one statement does it.
pub(crate) fn lone(then: &Then) -> Option<&NewTask> {
    match (&*then.tasks, &*then.groups, &then.settle) {
        ([task], [], None) if task.unique_key.is_none() => Some(task),
        _ => None,
    }
}

/// Where some of `tasks` are due now.
pub(crate) fn due_in(tasks: &[NewTask]) -> BTreeSet<QueueName> {
    let due = tasks.iter().filter(|task| !task.place.waits() && task.due_at <= task.created_at);
    due.map(|task| task.queue.clone()).collect()
}

/// The id of the task that has the key afterwards. A conflict fails no transaction; the task that it is about may end before it
/// is looked for, and then the key is free.
async fn insert_unique(conn: &mut Conn, task: &NewTask) -> QueryResult<TaskId> {
    for _ in 0..ATTEMPTS {
        let inserted = diesel::insert_into(tasks::table).values(NewRow::from(task)).on_conflict_do_nothing();
        if inserted.execute(conn).await? == 1 {
            return Ok(task.id);
        }
        let key = task.unique_key.as_ref().map(|key| key.as_str().to_owned());
        let holder = tasks::table
            .filter(
                tasks::kind.eq(&task.kind).and(tasks::unique_key.eq(key)).and(tasks::finished_at.is_null()),
            )
            .select(tasks::id);
        if let Some(Id(id)) = holder.first(conn).await.optional()? {
            return Ok(TaskId(id));
        }
    }
    diesel::insert_into(tasks::table).values(NewRow::from(task)).execute(conn).await?;
    Ok(task.id)
}

/// A row of `task_groups`.
#[derive(Insertable)]
#[diesel(table_name = task_groups)]
struct GroupRow {
    id: Id,
    size: i32,
    remaining: i32,
    callback_id: Id,
}

impl From<&NewGroup> for GroupRow {
    fn from(group: &NewGroup) -> Self {
        let size = i32::try_from(group.size).unwrap_or(i32::MAX);
        Self { id: Id(group.id), size, remaining: size, callback_id: Id(group.callback.0) }
    }
}

/// A new row of `tasks`.
#[derive(Insertable)]
// With defaults for absent values the text of an INSERT would vary, and Diesel would prepare it anew each time.
#[diesel(table_name = tasks, treat_none_as_default_value = false)]
pub(crate) struct NewRow {
    pub(crate) id: Id,
    pub(crate) kind: String,
    pub(crate) queue: String,
    pub(crate) priority: i32,
    pub(crate) state: &'static str,
    pub(crate) due_at: At,
    pub(crate) attempt: i32,
    pub(crate) max_retries: i32,
    pub(crate) crashes: i32,
    pub(crate) fence: i64,
    pub(crate) version: i64,
    pub(crate) timeout_ms: i64,
    pub(crate) chain_id: Option<Id>,
    pub(crate) chain_position: Option<i32>,
    pub(crate) chain_length: Option<i32>,
    pub(crate) group_id: Option<Id>,
    pub(crate) callback_of: Option<Id>,
    pub(crate) unique_key: Option<String>,
    pub(crate) request_id: String,
    pub(crate) parent_id: Option<Id>,
    pub(crate) created_at: At,
    pub(crate) payload: Document,
}

impl From<&NewTask> for NewRow {
    fn from(task: &NewTask) -> Self {
        let standing = task.standing();
        let due_at = if task.place.waits() { END_OF_TIME } else { task.due_at };
        let row = Self {
            id: Id(task.id.0),
            kind: task.kind.clone(),
            queue: task.queue.as_str().to_owned(),
            priority: task.priority.rank(),
            state: standing.state.as_str(),
            due_at: due_at.into(),
            attempt: 0,
            max_retries: i32::try_from(standing.max_retries).unwrap_or(i32::MAX),
            crashes: 0,
            fence: 0,
            version: 1,
            timeout_ms: i64::try_from(task.timeout.as_millis()).unwrap_or(i64::MAX),
            chain_id: None,
            chain_position: None,
            chain_length: None,
            group_id: None,
            callback_of: None,
            unique_key: task.unique_key.as_ref().map(|key| key.as_str().to_owned()),
            request_id: task.request_id.clone(),
            parent_id: task.parent.map(|parent| Id(parent.0)),
            created_at: task.created_at.into(),
            payload: Document(task.payload.clone()),
        };
        row.at(task.place)
    }
}

impl NewRow {
    fn at(self, place: Place) -> Self {
        let number = |n| Some(i32::try_from(n).unwrap_or(i32::MAX));
        match place {
            Place::Alone => self,
            Place::Link { chain, position, length } => Self {
                chain_id: Some(Id(chain.0)),
                chain_position: number(position),
                chain_length: number(length),
                ..self
            },
            Place::Member { group } => Self { group_id: Some(Id(group)), ..self },
            Place::Callback { group } => Self { callback_of: Some(Id(group)), ..self },
        }
    }
}
