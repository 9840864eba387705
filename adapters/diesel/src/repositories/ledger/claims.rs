//! Claims: from queued to running.

use super::{
    Conn, Db, PlaceRow, StandingRow,
    row::{self, Inconsistent},
    settle, skip_locked, transaction, write,
};
use crate::{
    error::Undone,
    fragments::{among, constant, in_turn},
    schema::{task_sessions, tasks},
    types::{At, Document, Id},
};
use application::{
    Claim, Claimed, Claiming, Settlement, Then,
    faults::{failpoint, mutant},
};
use chrono::{DateTime, Utc};
use diesel::{dsl::exists, prelude::*};
use diesel_async::RunQueryDsl;
use domain::{Fault, FaultCode, Priority, QueueName, SessionId, TaskEvent, TaskId, TaskState};
use std::time::Duration;

/// As many as the limits allow, in one statement: each further one would be a trip to the server before the first handler
/// starts.
pub(super) async fn claim(db: &Db, claiming: &Claiming) -> Result<Vec<Claimed>, Undone> {
    if claiming.queues.is_empty() || claiming.limit == 0 {
        return Ok(Vec::new());
    }
    let rows = write!(db, conn => claim_due(&mut conn, claiming))?;
    failpoint("after_claim");
    let mut claimed = sane(db, rows, claiming.now).await?;
    let place = |queue: &QueueName| claiming.queues.iter().position(|(wanted, _)| wanted == queue);
    claimed.sort_by_key(|claimed| {
        (place(&claimed.queue), claimed.priority.rank(), claimed.due_at, claimed.claim.id.0)
    });
    Ok(claimed)
}

async fn claim_due(conn: &mut Conn, claiming: &Claiming) -> QueryResult<Vec<ClaimedRow>> {
    let ready = diesel::alias!(tasks as ready);
    // Priority by priority: with all in one, tasks of a high priority that are not due yet would be walked over each time.
    let due = |queue: &QueueName, priority: Priority, room: u32| {
        let due = ready
            .filter(ready.field(tasks::queue).eq(queue.as_str().to_owned()))
            .filter(ready.field(tasks::priority).eq(priority.rank()))
            .filter(ready.field(tasks::due_at).le(At::from(claiming.now)))
            .filter(ready.field(tasks::finished_at).is_null())
            .filter(ready.field(tasks::state).eq(TaskState::Queued.as_str()))
            .filter(ready.field(tasks::crashes).eq(0))
            .order((ready.field(tasks::due_at), ready.field(tasks::id)))
            .limit(i64::from(room))
            .select(ready.field(tasks::id));
        skip_locked!(due)
    };
    let of_queue = |(queue, room): &(QueueName, u32)| {
        in_turn(Priority::ALL.iter().map(|priority| due(queue, *priority, *room)).collect(), *room)
    };
    let due = in_turn(claiming.queues.iter().map(of_queue).collect(), claiming.limit);
    let claim = diesel::update(
        tasks::table.filter(among(tasks::id, due)).filter(exists(alive(claiming.session, claiming.now))),
    );
    let claim = claim.set((Run::of(claiming), counted())).returning(ClaimedRow::as_returning());
    constant(claim).get_results(conn).await
}

/// What can run. A row that breaks a rule never can, and nobody would take it from a session that lives: its task fails. If that
/// cannot be written, the caller has to see to all that was claimed, as where the answer to a claim is lost.
pub(super) async fn sane(db: &Db, rows: Vec<ClaimedRow>, now: DateTime<Utc>) -> Result<Vec<Claimed>, Undone> {
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        let (claim, kind) = (Claim { id: TaskId(row.id.0), fence: row.fence }, row.kind.clone());
        match row.claimed() {
            Ok(sane) => claimed.push(sane),
            Err(inconsistent) => {
                slog::error!(db.log(), "a task that breaks a rule fails";
                    "task_id" => %claim.id.0, "kind" => kind, "error" => %inconsistent);
                let fatal = fatal(claim, &inconsistent, now);
                transaction!(db, conn => settle::settle(conn, &fatal))?;
            }
        }
    }
    Ok(claimed)
}

fn fatal(claim: Claim, inconsistent: &Inconsistent, now: DateTime<Utc>) -> Settlement {
    Settlement {
        claim,
        event: TaskEvent::Fatal,
        result: None,
        fault: Some(Fault::new(FaultCode::Undecodable, &inconsistent.to_string())),
        reason: None,
        due_at: now,
        then: Then::nothing(),
        now,
    }
}

/// See `TaskLedger::held`.
pub(super) async fn held(conn: &mut Conn, session: SessionId) -> QueryResult<Vec<Claim>> {
    let held = tasks::table
        .filter(tasks::finished_at.is_null().and(tasks::state.eq(TaskState::Running.as_str())))
        .filter(tasks::session_id.eq(Id(session.0)))
        .select((tasks::id, tasks::fence));
    let held: Vec<(Id, i64)> = held.load(conn).await?;
    Ok(held.into_iter().map(|(id, fence)| Claim { id: TaskId(id.0), fence }).collect())
}

/// The session, if it is alive.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn alive(session: SessionId, now: DateTime<Utc>) -> _ {
    let session: Id = Id(session.0);
    let now: At = alive_at(now);
    task_sessions::table
        .find(session)
        .filter(task_sessions::closed_at.is_null().and(task_sessions::expires_at.gt(now)))
}

/// Now; or, as a defect that the fault tests must notice, a time at which every session was alive.
fn alive_at(now: DateTime<Utc>) -> At {
    if mutant("no_session_check") { DateTime::UNIX_EPOCH.into() } else { now.into() }
}

/// What a claim changes: nothing that an index of the table knows.
#[derive(AsChangeset)]
#[diesel(table_name = tasks, treat_none_as_null = true)]
pub(super) struct Run {
    state: &'static str,
    session_id: Id,
    started_at: At,
    progress: Option<f64>,
    progress_note: Option<String>,
}

impl Run {
    pub(super) fn of(claiming: &Claiming) -> Self {
        Self {
            state: TaskState::Running.as_str(),
            session_id: Id(claiming.session.0),
            started_at: claiming.now.into(),
            progress: None,
            progress_note: None,
        }
    }
}

/// One more of each.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn counted() -> _ {
    (
        tasks::attempt.eq(tasks::attempt + 1_i32),
        tasks::fence.eq(tasks::fence + 1_i64),
        tasks::version.eq(tasks::version + 1_i64),
    )
}

/// A row that has just been claimed.
#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks)]
pub(super) struct ClaimedRow {
    id: Id,
    kind: String,
    queue: String,
    priority: i32,
    fence: i64,
    #[diesel(embed)]
    standing: StandingRow,
    #[diesel(embed)]
    place: PlaceRow,
    payload: Document,
    timeout_ms: i64,
    request_id: String,
    due_at: At,
    created_at: At,
}

impl ClaimedRow {
    fn claimed(self) -> Result<Claimed, Inconsistent> {
        let milliseconds = row::sane(self.id, "timeout_ms", u64::try_from(self.timeout_ms).ok())?;
        Ok(Claimed {
            claim: Claim { id: TaskId(self.id.0), fence: self.fence },
            kind: self.kind,
            queue: row::sane(self.id, "queue", QueueName::parse(&self.queue).ok())?,
            priority: row::sane(self.id, "priority", Priority::from_rank(self.priority))?,
            standing: self.standing.standing(self.id)?,
            place: row::place(self.id, self.place)?,
            payload: self.payload.0,
            timeout: Duration::from_millis(milliseconds),
            request_id: self.request_id,
            due_at: self.due_at.into(),
            created_at: self.created_at.into(),
        })
    }
}
