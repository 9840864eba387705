//! How far schedules are, in the tables `schedules` and `schedule_fires`.

use super::{Backend, Conn, Db, ledger, read, transaction, write};
use crate::{
    error::{Undone, failed},
    schema::{schedule_fires, schedules, tasks},
    types::{At, Id},
};
use application::{Error, Fired, Firing, ScheduleStatus, Schedules, Then};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{QueryResult, prelude::*, upsert::excluded};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::{Overlap, QueueName, Schedule, ScheduleName, TaskId, TaskState};
use std::collections::BTreeSet;

/// The port on these connections.
pub(crate) struct ScheduleStore {
    pub(super) db: Db,
}

#[async_trait]
impl Schedules for ScheduleStore {
    async fn last(&self, name: &ScheduleName, now: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
        const WHAT: &str = "cannot read a schedule";
        let known = read!(self.db, conn => last(&mut conn, name)).map_err(|error| failed(WHAT, error))?;
        match known {
            Some(slot) => Ok(slot.into()),
            None => write!(self.db, conn => begin(&mut conn, name, now))
                .map(Into::into)
                .map_err(|error| failed(WHAT, error)),
        }
    }

    async fn fire(&self, firing: &Firing) -> Result<Fired, Error> {
        let done = transaction!(self.db, conn => async {
            let (fired, due) = fire(conn, firing).await?;
            self.db.announce_early(&due).await;
            Ok((fired, due))
        });
        let (fired, due) = done.map_err(|undone| undone.told("cannot fire a schedule"))?;
        self.db.announce(&due);
        Ok(fired)
    }

    async fn list(&self) -> Result<Vec<ScheduleStatus>, Error> {
        const WHAT: &str = "cannot list schedules";
        let rows = read!(self.db, conn => list(&mut conn)).map_err(|error| failed(WHAT, error))?;
        let status = |(name, last_slot, last_task): (String, At, Option<Id>)| {
            let name = ScheduleName::parse(&name).map_err(|_| Inconsistent(name))?;
            let last_task = last_task.map(|id| TaskId(id.0));
            Ok(ScheduleStatus { name, last_slot: last_slot.into(), last_task })
        };
        let statuses: Result<Vec<_>, Inconsistent> = rows.into_iter().map(status).collect();
        statuses.map_err(|inconsistent| Error::internal(WHAT, inconsistent))
    }
}

async fn last<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    name: &ScheduleName,
) -> QueryResult<Option<At>> {
    schedules::table.find(name.as_str()).select(schedules::last_slot).first(conn).await.optional()
}

/// Of those that begin with a schedule at once, one says when it begins.
async fn begin(conn: &mut Conn, name: &ScheduleName, now: DateTime<Utc>) -> QueryResult<At> {
    diesel::insert_into(schedules::table)
        .values((schedules::name.eq(name.as_str()), schedules::last_slot.eq(At::from(now))))
        .on_conflict(schedules::name)
        .do_nothing()
        .execute(conn)
        .await?;
    schedules::table.find(name.as_str()).select(schedules::last_slot).first(conn).await
}

/// What became of the slot, and where something is due now.
async fn fire(conn: &mut Conn, firing: &Firing) -> Result<(Fired, BTreeSet<QueueName>), Undone> {
    if !take(conn, firing).await? {
        return Ok((Fired::Taken, BTreeSet::new()));
    }
    if overlaps(conn, firing).await? {
        return Ok((Fired::Overlapped, BTreeSet::new()));
    }
    let fire = (
        schedule_fires::schedule.eq(firing.schedule.as_str()),
        schedule_fires::slot.eq(At::from(firing.slot)),
        schedule_fires::task_id.eq(Id(firing.task.id.0)),
    );
    // The second guard, should somebody have set the schedule back.
    let first = diesel::insert_into(schedule_fires::table)
        .values(fire)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    if first == 0 {
        return Ok((Fired::Taken, BTreeSet::new()));
    }
    let then = Then { tasks: vec![firing.task.clone()], ..Then::default() };
    let scheduled = ledger::apply(conn, &then).await?;
    if let [holder] = *scheduled.ids.as_slice()
        && holder != firing.task.id
    {
        // Of two tasks with the same unique key the first counts.
        diesel::update(schedule_fires::table.find((firing.schedule.as_str(), At::from(firing.slot))))
            .set(schedule_fires::task_id.eq(Id(holder.0)))
            .execute(conn)
            .await?;
    }
    Ok((Fired::Scheduled, scheduled.due))
}

/// Moves the schedule on to the slot, unless it is there or beyond. Whoever comes second waits for the row until the first
/// has committed, and looks again then.
async fn take(conn: &mut Conn, firing: &Firing) -> QueryResult<bool> {
    let later = diesel::insert_into(schedules::table)
        .values((
            schedules::name.eq(firing.schedule.as_str()),
            schedules::last_slot.eq(At::from(firing.slot)),
        ))
        .on_conflict(schedules::name)
        .do_update()
        .set(schedules::last_slot.eq(excluded(schedules::last_slot)));
    let later = diesel::query_dsl::methods::FilterDsl::filter(
        later,
        schedules::last_slot.lt(excluded(schedules::last_slot)),
    );
    later.execute(conn).await.map(|taken| taken == 1)
}

/// Whether an earlier slot is in the way. Only the last ones are looked at, as many as may fire at once: under such a policy
/// hardly more than two can be unfinished, and a schedule of each second has left hundreds of thousands.
async fn overlaps(conn: &mut Conn, firing: &Firing) -> QueryResult<bool> {
    if firing.overlap == Overlap::Allow {
        return Ok(false);
    }
    let earlier: Vec<Id> = schedule_fires::table
        .filter(schedule_fires::schedule.eq(firing.schedule.as_str()))
        .order(schedule_fires::slot.desc())
        .limit(i64::try_from(Schedule::CATCH_UP).unwrap_or(i64::MAX))
        .select(schedule_fires::task_id)
        .load(conn)
        .await?;
    let unfinished: Vec<String> = tasks::table
        .filter(tasks::id.eq_any(earlier).and(tasks::finished_at.is_null()))
        .select(tasks::state)
        .load(conn)
        .await?;
    let is_running = |state: &String| state == TaskState::Running.as_str();
    Ok(match firing.overlap {
        Overlap::Allow => false,
        Overlap::Skip => !unfinished.is_empty(),
        Overlap::QueueOne => !unfinished.iter().all(is_running),
    })
}

/// With the task of the last slot that fired, if it is still kept.
async fn list<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
) -> QueryResult<Vec<(String, At, Option<Id>)>> {
    let known: Vec<(String, At)> = schedules::table
        .order(schedules::name)
        .select((schedules::name, schedules::last_slot))
        .load(conn)
        .await?;
    let mut all = Vec::with_capacity(known.len());
    // A schedule is a line in a file: there are few.
    for (name, last_slot) in known {
        let last: Option<Option<Id>> = schedule_fires::table
            .left_join(tasks::table.on(tasks::id.eq(schedule_fires::task_id)))
            .filter(schedule_fires::schedule.eq(&name))
            .order(schedule_fires::slot.desc())
            .select(tasks::id.nullable())
            .first(conn)
            .await
            .optional()?;
        all.push((name, last_slot, last.flatten()));
    }
    Ok(all)
}

/// The database holds what the domain does not allow.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not the name of a schedule")]
struct Inconsistent(String);
