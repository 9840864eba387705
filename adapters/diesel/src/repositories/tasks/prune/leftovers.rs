//! What is left of tasks that are gone, and what nobody looks at any more.

use super::{Conn, Cutoffs};
use crate::{
    error::Undone,
    schema::{schedule_fires, task_minutes, task_sessions, tasks},
    types::At,
};
use chrono::TimeDelta;
use diesel::{
    QueryResult,
    dsl::{exists, not},
    prelude::*,
};
use diesel_async::RunQueryDsl;

/// The charts show a day.
const MINUTES: TimeDelta = TimeDelta::days(2);

pub(super) async fn delete(conn: &mut Conn, cutoffs: &Cutoffs) -> Result<(), Undone> {
    fires(conn, cutoffs).await?;
    let old = task_minutes::table.filter(task_minutes::minute.lt(At::from(cutoffs.now - MINUTES)));
    diesel::delete(old).execute(conn).await?;
    // A worker's session is deleted by whoever takes what it held; a beat holds nothing.
    let over = task_sessions::closed_at.is_not_null().or(task_sessions::expires_at.lt(At::from(cutoffs.now)));
    let beats = task_sessions::table.filter(task_sessions::role.eq("beat").and(over));
    diesel::delete(beats).execute(conn).await?;
    Ok(())
}

/// The last one of a schedule stays: else an older one whose task failed, and is kept for longer, would seem to be the last.
async fn fires(conn: &mut Conn, cutoffs: &Cutoffs) -> QueryResult<()> {
    let later = diesel::alias!(schedule_fires as later);
    let is_later = later
        .field(schedule_fires::schedule)
        .eq(schedule_fires::schedule)
        .and(later.field(schedule_fires::slot).gt(schedule_fires::slot));
    let task = tasks::table.filter(tasks::id.eq(schedule_fires::task_id));
    let old = schedule_fires::table.filter(
        schedule_fires::slot
            .lt(At::from(cutoffs.last()))
            .and(not(exists(task)))
            .and(exists(later.filter(is_later))),
    );
    diesel::delete(old).execute(conn).await.map(drop)
}
