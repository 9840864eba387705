//! What went wrong in the last runs of a task.

use super::Conn;
use crate::{
    schema::task_faults,
    types::{At, Id},
};
use chrono::{DateTime, Utc};
use diesel::{dsl::max, prelude::*};
use diesel_async::RunQueryDsl;
use domain::Fault;

/// Adds a fault and forgets the oldest. The caller holds the lock of the task's row, so that numbers are not taken twice.
pub(super) async fn add(
    conn: &mut Conn,
    task: Id,
    attempt: u32,
    fault: &Fault,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let faults = task_faults::table.filter(task_faults::task_id.eq(task));
    let last: Option<i32> = faults.select(max(task_faults::number)).get_result(conn).await?;
    let number = last.unwrap_or_default() + 1;
    diesel::insert_into(task_faults::table)
        .values((
            task_faults::task_id.eq(task),
            task_faults::number.eq(number),
            task_faults::attempt.eq(i32::try_from(attempt).unwrap_or(i32::MAX)),
            task_faults::code.eq(fault.code.as_str()),
            task_faults::message.eq(&fault.message),
            task_faults::at.eq(At::from(now)),
        ))
        .execute(conn)
        .await?;
    let kept = i32::try_from(Fault::KEPT).unwrap_or(i32::MAX);
    if number > kept {
        diesel::delete(faults.filter(task_faults::number.le(number - kept))).execute(conn).await?;
    }
    Ok(())
}
