//! Figures by queue and minute, for charts of the last hour.

use super::Conn;
use crate::{schema::task_minutes, types::At};
use application::Minute;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{prelude::*, upsert::excluded};
use diesel_async::RunQueryDsl;

/// How long they are kept.
const KEPT: TimeDelta = TimeDelta::hours(2);

/// Adds what one worker has counted to what all have.
pub(super) async fn add(conn: &mut Conn, minutes: &[Minute], now: DateTime<Utc>) -> QueryResult<()> {
    if minutes.is_empty() {
        return Ok(());
    }
    let mut minutes: Vec<&Minute> = minutes.iter().collect();
    // All workers in the same order, so that none waits for one that waits for it.
    minutes.sort_by_key(|minute| (&minute.queue, minute.minute));
    for minute in minutes {
        diesel::insert_into(task_minutes::table)
            .values(MinuteRow::from(minute))
            .on_conflict((task_minutes::queue, task_minutes::minute))
            .do_update()
            .set((
                task_minutes::succeeded.eq(task_minutes::succeeded + excluded(task_minutes::succeeded)),
                task_minutes::failed.eq(task_minutes::failed + excluded(task_minutes::failed)),
                task_minutes::retried.eq(task_minutes::retried + excluded(task_minutes::retried)),
                task_minutes::waited_us.eq(task_minutes::waited_us + excluded(task_minutes::waited_us)),
                task_minutes::ran_us.eq(task_minutes::ran_us + excluded(task_minutes::ran_us)),
            ))
            .execute(conn)
            .await?;
    }
    let old = task_minutes::table.filter(task_minutes::minute.lt(At::from(now - KEPT)));
    diesel::delete(old).execute(conn).await.map(drop)
}

/// A row of `task_minutes`.
#[derive(Insertable)]
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

impl From<&Minute> for MinuteRow {
    fn from(minute: &Minute) -> Self {
        let number = |n| i64::try_from(n).unwrap_or(i64::MAX);
        Self {
            queue: minute.queue.as_str().to_owned(),
            minute: minute.minute.into(),
            succeeded: number(minute.succeeded),
            failed: number(minute.failed),
            retried: number(minute.retried),
            waited_us: number(minute.waited_us),
            ran_us: number(minute.ran_us),
        }
    }
}
