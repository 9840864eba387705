//! What schedules remember of tasks that are gone.

use super::{Conn, Cutoffs};
use crate::{
    error::Undone,
    schema::{schedule_fires, tasks},
    types::At,
};
use diesel::{
    dsl::{exists, not},
    prelude::*,
};
use diesel_async::RunQueryDsl;

/// The last fire of a schedule stays: else an older one whose task failed, and is kept for longer, would seem to be the last.
pub(super) async fn delete(conn: &mut Conn, cutoffs: &Cutoffs) -> Result<(), Undone> {
    let later = diesel::alias!(schedule_fires as later);
    let is_later = later
        .field(schedule_fires::schedule)
        .eq(schedule_fires::schedule)
        .and(later.field(schedule_fires::slot).gt(schedule_fires::slot));
    let task = tasks::table.filter(tasks::id.eq(schedule_fires::task_id));
    let old = schedule_fires::table
        .filter(schedule_fires::slot.lt(At::from(cutoffs.last())))
        .filter(not(exists(task)).and(exists(later.filter(is_later))));
    diesel::delete(old).execute(conn).await?;
    Ok(())
}
