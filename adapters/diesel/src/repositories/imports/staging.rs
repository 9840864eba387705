//! Rows of an upload, written and deleted batch by batch: no transaction is long.

use super::{Conn, Row, for_update, insert_many, rows, tasks};
use crate::{error::Undone, types::Id};
use application::{Claim, Error, StagedRow};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::TaskState;

/// Deletes a batch of rows: whether some may be left. `Stale` as for [`stage`].
pub(super) async fn clear(conn: &mut Conn, claim: Option<Claim>, import: Id) -> Result<bool, Undone> {
    hold(conn, claim).await?;
    let limit = i64::try_from(Row::BATCH).unwrap_or(i64::MAX);
    let lines: Vec<i32> = rows::table
        .filter(rows::import_id.eq(import))
        .order(rows::line)
        .limit(limit)
        .select(rows::line)
        .load(conn)
        .await?;
    let Some(last) = lines.last() else { return Ok(false) };
    let batch = rows::table.filter(rows::import_id.eq(import).and(rows::line.le(last)));
    diesel::delete(batch).execute(conn).await?;
    Ok(lines.len() == Row::BATCH)
}

/// Writes a batch of rows. `Stale` if `claim` is lost.
pub(super) async fn stage(
    conn: &mut Conn,
    claim: Option<Claim>,
    import: Id,
    batch: &[StagedRow],
) -> Result<(), Undone> {
    hold(conn, claim).await?;
    let batch: Vec<Row> = batch.iter().map(|row| Row::new(import, row)).collect();
    if !batch.is_empty() {
        insert_many!(conn, rows::table, batch)?;
    }
    Ok(())
}

/// Nobody takes the task until the transaction ends. Else a worker that was taken for dead could delete what another has
/// written.
async fn hold(conn: &mut Conn, claim: Option<Claim>) -> Result<(), Undone> {
    let Some(claim) = claim else { return Ok(()) };
    let is_held = tasks::fence.eq(claim.fence).and(tasks::state.eq(TaskState::Running.as_str()));
    let held = tasks::table.find(Id(claim.id.0)).filter(is_held).select(tasks::id);
    let held: Option<Id> = for_update!(held).first(conn).await.optional()?;
    held.map(drop).ok_or(Undone::Refused(Error::Stale { kind: "task" }))
}
