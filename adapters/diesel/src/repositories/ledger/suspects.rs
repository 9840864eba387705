//! Suspects: tasks that were lost with a worker before. One runs at a time in each queue, and none is claimed with others.

use super::{
    Backend, Conn, Db,
    claims::{self, ClaimedRow, Run, alive, counted},
    sessions::SEPARATOR,
    skip_locked, statements, transaction,
};
use crate::{
    error::Undone,
    fragments::constant,
    schema::{task_sessions, tasks},
    types::{At, Id},
};
use application::{Claimed, Claiming, faults::failpoint};
use chrono::{DateTime, Utc};
use diesel::{
    dsl::{exists, not},
    prelude::*,
    sql_types::Text,
};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::{QueueName, SessionId, TaskState};

/// Whether one of `queues` has a suspect that is due and runs none.
pub(super) async fn has_suspect<C>(
    conn: &mut C,
    queues: &[QueueName],
    now: DateTime<Utc>,
) -> QueryResult<bool>
where
    C: AsyncConnectionCore<Backend = Backend>,
{
    diesel::select(exists(due(queues, now))).get_result(conn).await
}

/// The suspects of those of `queues` that run none.
fn due(queues: &[QueueName], now: DateTime<Utc>) -> tasks::BoxedQuery<'_, Backend> {
    let queues: Vec<&str> = queues.iter().map(QueueName::as_str).collect();
    let busy = diesel::alias!(tasks as busy);
    let runs = busy
        .filter(busy.field(tasks::queue).eq(tasks::queue))
        .filter(busy.field(tasks::crashes).gt(0))
        .filter(busy.field(tasks::finished_at).is_null())
        .filter(busy.field(tasks::state).eq(TaskState::Running.as_str()));
    tasks::table
        .filter(tasks::queue.eq_any(queues))
        .filter(tasks::crashes.gt(0).and(tasks::finished_at.is_null()))
        .filter(tasks::state.eq(TaskState::Queued.as_str()).and(tasks::due_at.le(At::from(now))))
        .filter(not(exists(runs)))
        .into_boxed()
}

/// The first suspect of the first queue that runs none.
pub(super) async fn claim(db: &Db, claiming: &Claiming) -> Result<Option<Claimed>, Undone> {
    for (queue, at_most) in &claiming.queues {
        if claiming.limit == 0 || *at_most == 0 {
            continue;
        }
        if let Some(row) = transaction!(db, conn => claim_due(conn, claiming, queue))? {
            failpoint("after_claim");
            return Ok(claims::sane(db, vec![row], claiming.now).await?.pop());
        }
    }
    Ok(None)
}

async fn claim_due(
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

/// See `TaskLedger::go_quiet`.
pub(super) async fn go_quiet(
    conn: &mut Conn,
    session: SessionId,
    queues: &[QueueName],
    now: DateTime<Utc>,
) -> QueryResult<bool> {
    let (id, at) = (Id(session.0), At::from(now));
    let others = diesel::alias!(task_sessions as others);
    // Each name between separators, lest one be found within another.
    let separator = || SEPARATOR.to_string().into_sql::<Text>();
    let served = separator().concat(others.field(task_sessions::queues)).concat(separator());
    let wanted = separator().concat(tasks::queue).concat(separator());
    let quiet = others
        .filter(others.field(task_sessions::id).ne(id))
        .filter(others.field(task_sessions::quiet_since).is_not_null())
        .filter(others.field(task_sessions::closed_at).is_null())
        .filter(others.field(task_sessions::expires_at).gt(at))
        .filter(statements::place_in(served, wanted).gt(0));
    let unheeded = due(queues, now).filter(not(exists(quiet)));
    let me = task_sessions::table
        .filter(task_sessions::id.eq(id))
        .filter(task_sessions::closed_at.is_null().and(task_sessions::expires_at.gt(at)))
        .filter(exists(unheeded));
    let told = diesel::update(me).set(task_sessions::quiet_since.eq(at)).execute(conn).await?;
    Ok(told > 0)
}

/// See `TaskLedger::end_quiet`.
pub(super) async fn end_quiet(conn: &mut Conn, session: SessionId) -> QueryResult<()> {
    let me = task_sessions::table.find(Id(session.0));
    diesel::update(me).set(task_sessions::quiet_since.eq(None::<At>)).execute(conn).await.map(drop)
}
