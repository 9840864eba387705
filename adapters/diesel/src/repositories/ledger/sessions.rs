//! Sessions: one row for each life of a worker or beat.

use super::{Conn, minutes};
use crate::{
    error::Undone,
    fragments::constant,
    schema::{task_sessions, tasks},
    types::{At, Id},
};
use application::{NewSession, Renewal, Renewed, Role};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::{SessionId, TaskId};
use std::time::Duration;

/// The names of queues in one column: none contains it.
pub(crate) const SEPARATOR: char = ',';

/// The word that stands for it.
pub(crate) fn word(role: Role) -> &'static str {
    match role {
        Role::Worker => "worker",
        Role::Beat => "beat",
    }
}

/// See `TaskLedger::open`.
pub(super) async fn open(conn: &mut Conn, session: &NewSession) -> QueryResult<()> {
    let queues: Vec<&str> = session.queues.iter().map(domain::QueueName::as_str).collect();
    let now = At::from(session.now);
    diesel::insert_into(task_sessions::table)
        .values((
            task_sessions::id.eq(Id(session.id.0)),
            task_sessions::role.eq(word(session.role)),
            task_sessions::host.eq(&session.host),
            task_sessions::process.eq(i64::from(session.process)),
            task_sessions::queues.eq(queues.join(&SEPARATOR.to_string())),
            task_sessions::concurrency.eq(i32::try_from(session.concurrency).unwrap_or(i32::MAX)),
            task_sessions::running.eq(0),
            task_sessions::started_at.eq(now),
            task_sessions::renewed_at.eq(now),
            task_sessions::expires_at.eq(expiry(session.now, session.lease)),
        ))
        .execute(conn)
        .await
        .map(drop)
}

/// See `TaskLedger::renew`.
pub(super) async fn renew(conn: &mut Conn, renewal: &Renewal) -> Result<Renewed, Undone> {
    let now = At::from(renewal.now);
    let id = Id(renewal.id.0);
    let alive = task_sessions::closed_at.is_null().and(task_sessions::expires_at.gt(now));
    let renewal_of = diesel::update(task_sessions::table.filter(task_sessions::id.eq(id).and(alive))).set((
        task_sessions::renewed_at.eq(now),
        task_sessions::expires_at.eq(expiry(renewal.now, renewal.lease)),
        task_sessions::running.eq(i32::try_from(renewal.running.len()).unwrap_or(i32::MAX)),
        task_sessions::claimed_at.eq(renewal.claimed_at.map(At::from)),
        task_sessions::finished_at.eq(renewal.finished_at.map(At::from)),
    ));
    let renewed = constant(renewal_of).execute(conn).await?;
    minutes::add(conn, &renewal.minutes, renewal.now).await?;
    if renewed == 0 {
        return Ok(Renewed::default());
    }
    let held: Vec<Id> = renewal.running.iter().map(|task| Id(task.0)).collect();
    let cancelled: Vec<Id> = tasks::table
        .filter(tasks::id.eq_any(held).and(tasks::cancel_requested_at.is_not_null()))
        .filter(tasks::session_id.eq(id))
        .select(tasks::id)
        .load(conn)
        .await?;
    Ok(Renewed { alive: true, cancelled: cancelled.into_iter().map(|id| TaskId(id.0)).collect() })
}

/// See `TaskLedger::close`.
pub(super) async fn close(conn: &mut Conn, id: SessionId, now: DateTime<Utc>) -> QueryResult<()> {
    let open =
        task_sessions::table.filter(task_sessions::id.eq(Id(id.0)).and(task_sessions::closed_at.is_null()));
    diesel::update(open).set(task_sessions::closed_at.eq(At::from(now))).execute(conn).await.map(drop)
}

fn expiry(now: DateTime<Utc>, lease: Duration) -> At {
    (now + TimeDelta::from_std(lease).unwrap_or(TimeDelta::zero())).into()
}
