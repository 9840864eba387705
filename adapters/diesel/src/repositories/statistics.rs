//! Figures of queues and processes, from `tasks`, `task_minutes` and `task_sessions`.

use super::{
    Backend, Db,
    ledger::{SEPARATOR, word},
    read, scan,
};
use crate::{
    error::failed,
    schema::{task_minutes, task_sessions, tasks},
    types::{At, Id},
};
use application::{Error, Minute, QueueDepth, Role, SessionStatus, TaskStatistics};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    dsl::{count_star, min},
    prelude::*,
};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::{QueueName, SessionId, TaskState};
use std::collections::BTreeMap;

/// The port on these connections.
pub(crate) struct Statistics {
    pub(super) db: Db,
}

#[async_trait]
impl TaskStatistics for Statistics {
    async fn depths(&self, now: DateTime<Utc>) -> Result<Vec<QueueDepth>, Error> {
        const WHAT: &str = "cannot count tasks";
        // A full queue has a hundred thousand rows, which nobody else should wait for.
        let counts = scan!(self.db, conn => depths(&mut conn)).map_err(|error| failed(WHAT, error))?;
        let mut depths = BTreeMap::new();
        for count in counts {
            let queue = queue(&count.queue).map_err(|inconsistent| Error::internal(WHAT, inconsistent))?;
            let depth = depths.entry(queue.clone()).or_insert_with(|| QueueDepth {
                queue,
                queued: 0,
                running: 0,
                waiting: 0,
                oldest_due: None,
            });
            count.add_to(depth, now);
        }
        Ok(depths.into_values().collect())
    }

    async fn minutes(&self, since: DateTime<Utc>) -> Result<Vec<Minute>, Error> {
        const WHAT: &str = "cannot read the figures of minutes";
        let rows = read!(self.db, conn => minutes(&mut conn, since)).map_err(|error| failed(WHAT, error))?;
        let minutes: Result<Vec<Minute>, _> = rows.into_iter().map(Minute::try_from).collect();
        minutes.map_err(|inconsistent| Error::internal(WHAT, inconsistent))
    }

    async fn sessions(&self) -> Result<Vec<SessionStatus>, Error> {
        const WHAT: &str = "cannot list sessions";
        let rows = read!(self.db, conn => sessions(&mut conn)).map_err(|error| failed(WHAT, error))?;
        let sessions: Result<Vec<SessionStatus>, _> = rows.into_iter().map(SessionStatus::try_from).collect();
        sessions.map_err(|inconsistent| Error::internal(WHAT, inconsistent))
    }
}

async fn depths<C: AsyncConnectionCore<Backend = Backend>>(conn: &mut C) -> QueryResult<Vec<Count>> {
    tasks::table
        .filter(tasks::finished_at.is_null())
        .group_by((tasks::queue, tasks::state))
        .select((tasks::queue, tasks::state, count_star(), min(tasks::due_at)))
        .load(conn)
        .await
}

async fn minutes<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    since: DateTime<Utc>,
) -> QueryResult<Vec<MinuteRow>> {
    task_minutes::table
        .filter(task_minutes::minute.ge(At::from(since)))
        .order((task_minutes::queue, task_minutes::minute))
        .select(MinuteRow::as_select())
        .load(conn)
        .await
}

async fn sessions<C: AsyncConnectionCore<Backend = Backend>>(conn: &mut C) -> QueryResult<Vec<SessionRow>> {
    task_sessions::table.order(task_sessions::id).select(SessionRow::as_select()).load(conn).await
}

/// The unfinished tasks of a queue that are in one state.
#[derive(Queryable)]
struct Count {
    queue: String,
    state: String,
    tasks: i64,
    first_due: Option<At>,
}

impl Count {
    fn add_to(&self, depth: &mut QueueDepth, now: DateTime<Utc>) {
        let tasks = u64::try_from(self.tasks).unwrap_or(0);
        match TaskState::parse(&self.state) {
            Some(TaskState::Queued) => {
                depth.queued += tasks;
                depth.oldest_due = self.first_due.map(DateTime::from).filter(|due| *due <= now);
            }
            Some(TaskState::Running) => depth.running += tasks,
            _ => depth.waiting += tasks,
        }
    }
}

/// A row of `task_minutes`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = task_minutes)]
struct MinuteRow {
    queue: String,
    minute: At,
    succeeded: i64,
    failed: i64,
    retried: i64,
    waited_us: i64,
    ran_us: i64,
}

impl TryFrom<MinuteRow> for Minute {
    type Error = Inconsistent;

    fn try_from(row: MinuteRow) -> Result<Self, Inconsistent> {
        let number = |value| u64::try_from(value).unwrap_or(0);
        Ok(Self {
            queue: queue(&row.queue)?,
            minute: row.minute.into(),
            succeeded: number(row.succeeded),
            failed: number(row.failed),
            retried: number(row.retried),
            waited_us: number(row.waited_us),
            ran_us: number(row.ran_us),
        })
    }
}

/// A row of `task_sessions`.
#[derive(Queryable, Selectable)]
#[diesel(table_name = task_sessions)]
struct SessionRow {
    id: Id,
    role: String,
    host: String,
    process: i64,
    queues: String,
    concurrency: i32,
    running: i32,
    started_at: At,
    renewed_at: At,
    expires_at: At,
    closed_at: Option<At>,
    claimed_at: Option<At>,
    finished_at: Option<At>,
}

impl TryFrom<SessionRow> for SessionStatus {
    type Error = Inconsistent;

    fn try_from(row: SessionRow) -> Result<Self, Inconsistent> {
        let queues = row.queues.split(SEPARATOR).filter(|name| !name.is_empty());
        Ok(Self {
            id: SessionId(row.id.0),
            role: if row.role == word(Role::Beat) { Role::Beat } else { Role::Worker },
            host: row.host,
            process: u32::try_from(row.process).unwrap_or(0),
            queues: queues.map(queue).collect::<Result<_, _>>()?,
            concurrency: u32::try_from(row.concurrency).unwrap_or(0),
            running: u32::try_from(row.running).unwrap_or(0),
            started_at: row.started_at.into(),
            renewed_at: row.renewed_at.into(),
            expires_at: row.expires_at.into(),
            closed_at: row.closed_at.map(Into::into),
            claimed_at: row.claimed_at.map(Into::into),
            finished_at: row.finished_at.map(Into::into),
        })
    }
}

fn queue(name: &str) -> Result<QueueName, Inconsistent> {
    QueueName::parse(name).map_err(|_| Inconsistent(name.to_owned()))
}

/// The database holds what the domain does not allow.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not the name of a queue")]
struct Inconsistent(String);
