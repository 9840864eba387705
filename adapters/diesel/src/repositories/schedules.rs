//! How far schedules are, in the tables `schedules` and `schedule_fires`.

use super::{Backend, Conn, Db, for_update, ledger, read, transaction, write};
use crate::{
    error::{Undone, failed},
    schema::{schedule_fires, schedules, tasks},
    types::{At, Id},
};
use application::{Error, Fired, Firing, ScheduleStatus, Schedules, Then, UNSEEN};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{QueryResult, dsl::exists, prelude::*, upsert::excluded};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::{Overlap, QueueName, Schedule, ScheduleName, TaskId, TaskState, Timing};
use std::collections::BTreeSet;

/// The port on these connections.
pub(crate) struct ScheduleStore {
    pub(super) db: Db,
}

#[async_trait]
impl Schedules for ScheduleStore {
    async fn last(
        &self,
        name: &ScheduleName,
        timing: &Timing,
        since: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, Error> {
        const WHAT: &str = "cannot read a schedule";
        let known =
            read!(self.db, conn => last(&mut conn, name, timing)).map_err(|error| failed(WHAT, error))?;
        if let Some(slot) = known {
            return Ok(slot.into());
        }
        let begun = transaction!(self.db, conn => begin(conn, name, timing, since.into()));
        begun.map(Into::into).map_err(|undone| undone.told(WHAT))
    }

    async fn seen(&self, names: &[ScheduleName], now: DateTime<Utc>) -> Result<(), Error> {
        let seen = write!(self.db, conn => seen(&mut conn, names, now.into()));
        seen.map_err(|error| failed("cannot say which schedules are in force", error))
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

/// `None` if it has to begin anew.
async fn last<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    name: &ScheduleName,
    timing: &Timing,
) -> QueryResult<Option<At>> {
    let same = schedules::cron.eq(timing.cron()).and(schedules::time_zone.eq(timing.zone()));
    let known: Option<(At, Option<At>)> = schedules::table
        .find(name.as_str())
        .filter(same)
        .select((schedules::last_slot, schedules::seen_at))
        .first(conn)
        .await
        .optional()?;
    let Some((last, seen)) = known else { return Ok(None) };
    // A beat that has begun with it has seen it.
    let unseen: DateTime<Utc> = DateTime::<Utc>::from(seen.unwrap_or(last)) + UNSEEN;
    let others = schedules::table.filter(schedules::seen_at.gt(At::from(unseen)));
    let is_out_of_force = diesel::select(exists(others)).get_result(conn).await?;
    Ok(if is_out_of_force { None } else { Some(last) })
}

/// Of those that begin with a schedule at once, one says when it begins.
async fn begin(conn: &mut Conn, name: &ScheduleName, timing: &Timing, since: At) -> Result<At, Undone> {
    diesel::insert_into(schedules::table)
        .values((
            schedules::name.eq(name.as_str()),
            schedules::cron.eq(timing.cron()),
            schedules::time_zone.eq(timing.zone()),
            schedules::last_slot.eq(since),
        ))
        .on_conflict(schedules::name)
        .do_nothing()
        .execute(conn)
        .await?;
    let mine = schedules::table.find(name.as_str()).select(schedules::last_slot);
    let slot: At = for_update!(mine).first(conn).await?;
    if let Some(last) = last(conn, name, timing).await? {
        return Ok(last);
    }
    let begins = DateTime::<Utc>::from(slot).max(since.into());
    let begun = (
        schedules::cron.eq(timing.cron()),
        schedules::time_zone.eq(timing.zone()),
        schedules::last_slot.eq(At::from(begins)),
    );
    diesel::update(schedules::table.find(name.as_str())).set(begun).execute(conn).await?;
    Ok(begins.into())
}

/// In one statement: no schedule is seen later than another because of the order.
async fn seen(conn: &mut Conn, names: &[ScheduleName], now: At) -> QueryResult<()> {
    let names: Vec<&str> = names.iter().map(ScheduleName::as_str).collect();
    let in_force = schedules::table.filter(schedules::name.eq_any(names));
    diesel::update(in_force).set(schedules::seen_at.eq(now)).execute(conn).await.map(drop)
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
            schedules::cron.eq(firing.timing.cron()),
            schedules::time_zone.eq(firing.timing.zone()),
            schedules::last_slot.eq(At::from(firing.slot)),
        ))
        .on_conflict(schedules::name)
        .do_update()
        .set((
            schedules::cron.eq(excluded(schedules::cron)),
            schedules::time_zone.eq(excluded(schedules::time_zone)),
            schedules::last_slot.eq(excluded(schedules::last_slot)),
        ));
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
