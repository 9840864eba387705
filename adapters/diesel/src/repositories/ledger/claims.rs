//! Claims: from queued to running.

use super::{
    Backend, Conn, Db, PlaceRow, StandingRow,
    row::{self, Inconsistent},
    skip_locked, statements, transaction, write,
};
use crate::{
    error::Undone,
    fragments::{among, constant, in_turn},
    schema::{task_sessions, tasks},
    types::{At, Document, Id},
};
use application::{
    Claim, Claimed, Claiming,
    faults::{failpoint, mutant},
};
use chrono::{DateTime, Utc};
use diesel::{dsl::exists, prelude::*};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::{Priority, QueueName, SessionId, TaskId, TaskState};
use std::time::Duration;

/// As many as the limits allow, in one statement: each further one would be a trip to the server before the first handler
/// starts.
pub(super) async fn claim(db: &Db, claiming: &Claiming) -> Result<Vec<Claimed>, Undone> {
    if claiming.queues.is_empty() || claiming.limit == 0 {
        return Ok(Vec::new());
    }
    let rows = write!(db, conn => claim_due(&mut conn, claiming))?;
    failpoint("after_claim");
    // A row that breaks a rule is left to those who reclaim; the others can run.
    let mut claimed: Vec<Claimed> = rows.into_iter().filter_map(|row| row.claimed().ok()).collect();
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

/// Whether one of `queues` has a suspect that is due and runs none.
pub(super) async fn has_suspect<C>(
    conn: &mut C,
    queues: &[QueueName],
    now: DateTime<Utc>,
) -> QueryResult<bool>
where
    C: AsyncConnectionCore<Backend = Backend>,
{
    let queues: Vec<&str> = queues.iter().map(QueueName::as_str).collect();
    let busy = diesel::alias!(tasks as busy);
    let runs = busy
        .filter(busy.field(tasks::queue).eq(tasks::queue))
        .filter(busy.field(tasks::crashes).gt(0))
        .filter(busy.field(tasks::finished_at).is_null())
        .filter(busy.field(tasks::state).eq(TaskState::Running.as_str()));
    let suspects = tasks::table
        .filter(tasks::queue.eq_any(queues))
        .filter(tasks::crashes.gt(0).and(tasks::finished_at.is_null()))
        .filter(tasks::state.eq(TaskState::Queued.as_str()).and(tasks::due_at.le(At::from(now))))
        .filter(diesel::dsl::not(exists(runs)));
    diesel::select(exists(suspects)).get_result(conn).await
}

/// The first suspect of the first queue that runs none.
pub(super) async fn claim_suspect(db: &Db, claiming: &Claiming) -> Result<Option<Claimed>, Undone> {
    for (queue, at_most) in &claiming.queues {
        if claiming.limit == 0 || *at_most == 0 {
            continue;
        }
        if let Some(row) = transaction!(db, conn => suspect(conn, claiming, queue))? {
            failpoint("after_claim");
            return Ok(Some(row.claimed()?));
        }
    }
    Ok(None)
}

async fn suspect(
    conn: &mut Conn,
    claiming: &Claiming,
    queue: &QueueName,
) -> Result<Option<ClaimedRow>, Undone> {
    // Two that each see none running would each take one.
    if !statements::alone(conn, queue.as_str()).await? {
        return Ok(None);
    }
    let suspects = tasks::table
        .filter(tasks::queue.eq(queue.as_str()))
        .filter(tasks::crashes.gt(0).and(tasks::finished_at.is_null()));
    let runs = suspects.filter(tasks::state.eq(TaskState::Running.as_str()));
    if diesel::select(exists(runs)).get_result(conn).await? {
        return Ok(None);
    }
    let due = suspects
        .filter(tasks::state.eq(TaskState::Queued.as_str()).and(tasks::due_at.le(At::from(claiming.now))))
        .filter(exists(alive(claiming.session, claiming.now)))
        .order((tasks::priority, tasks::due_at, tasks::id))
        .select(tasks::id);
    let Some(id) = skip_locked!(due.limit(1)).first::<Id>(conn).await.optional()? else {
        return Ok(None);
    };
    let claim = diesel::update(tasks::table.find(id))
        .set((Run::of(claiming), counted()))
        .returning(ClaimedRow::as_returning());
    Ok(Some(constant(claim).get_result(conn).await?))
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
fn alive(session: SessionId, now: DateTime<Utc>) -> _ {
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
struct Run {
    state: &'static str,
    session_id: Id,
    started_at: At,
    progress: Option<f64>,
    progress_note: Option<String>,
}

impl Run {
    fn of(claiming: &Claiming) -> Self {
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
fn counted() -> _ {
    (
        tasks::attempt.eq(tasks::attempt + 1_i32),
        tasks::fence.eq(tasks::fence + 1_i64),
        tasks::version.eq(tasks::version + 1_i64),
    )
}

/// A row that has just been claimed.
#[derive(Queryable, Selectable)]
#[diesel(table_name = tasks)]
struct ClaimedRow {
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
