//! What has ended long ago goes: tasks, a chain or a group as a whole, and what belongs to them.
//!
//! There is no index on the end of a task, for it would cost a tenth of the throughput. Ids sort by the time of creation, so
//! the oldest tasks are at one end of the primary key, and nothing that was created after an instant has ended before it.

mod cutoffs;
mod fires;

use super::{Conn, Db, PlaceRow, skip_locked, transaction};
use crate::{
    error::Undone,
    schema::{task_faults, task_groups, tasks},
    types::{At, Id},
};
use application::Expiry;
use cutoffs::Cutoffs;
use diesel::{QueryResult, prelude::*};
use diesel_async::RunQueryDsl;
use domain::TaskState;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// How many ids go into one statement: SQLite takes 32,766.
const IDS: usize = 1000;

/// See `TaskRepository::prune`. A batch of which nothing may go, since it is all of chains and groups that are not over, is no
/// reason to stop: the next one begins behind it.
pub(super) async fn prune(db: &Db, expired: &Expiry, limit: u32) -> Result<u32, Undone> {
    let cutoffs = Cutoffs::from(expired);
    let (mut deleted, mut after) = (0, Some(Id(Uuid::nil())));
    while let Some(start) = after.filter(|_| deleted < limit) {
        let batch = transaction!(db, conn => prune_batch(conn, &cutoffs, start, limit, deleted))?;
        deleted = deleted.saturating_add(batch.deleted);
        after = batch.last;
    }
    if deleted < limit {
        transaction!(db, conn => fires::delete(conn, &cutoffs))?;
    }
    Ok(deleted)
}

/// What became of some tasks.
struct Batch {
    deleted: u32,
    /// Of those that were looked at, if there may be more, and room for them.
    last: Option<Id>,
}

/// Of a task that may go.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = tasks)]
struct Row {
    id: Id,
    state: String,
    finished_at: Option<At>,
    #[diesel(embed)]
    place: PlaceRow,
}

impl Row {
    /// By what it belongs to others.
    fn family(&self) -> Option<Uuid> {
        let PlaceRow { chain_id, group_id, callback_of, .. } = self.place;
        chain_id.or(group_id).or(callback_of).map(|id| id.0)
    }
}

/// Whoever does anything to a task holds its row. So those that are held by others stay, with their chain or group; nobody waits
/// for anybody, and of the rest nothing changes until they are gone.
async fn prune_batch(
    conn: &mut Conn,
    cutoffs: &Cutoffs,
    after: Id,
    limit: u32,
    before: u32,
) -> Result<Batch, Undone> {
    let over =
        |state: TaskState| tasks::state.eq(state.as_str()).and(tasks::finished_at.lt(cutoffs.of(state)));
    let over = over(TaskState::Succeeded).or(over(TaskState::Failed)).or(over(TaskState::Cancelled));
    let old = tasks::table
        .filter(tasks::id.gt(after).and(tasks::id.lt(cutoffs.end())))
        .filter(over)
        .order(tasks::id)
        .limit(i64::from(limit))
        .select(Row::as_select());
    let old: Vec<Row> = skip_locked!(old).load(conn).await?;
    let (going, is_full) = going(conn, cutoffs, &old, limit as usize, before as usize).await?;
    delete(conn, &going).await?;
    let is_last = is_full || old.len() < limit as usize;
    let last = old.last().filter(|_| !is_last).map(|row| row.id);
    Ok(Batch { deleted: u32::try_from(going.len()).unwrap_or(u32::MAX), last })
}

/// The tasks that may go, and whether there is no room for the others: not more than `limit`, together with so many that have
/// gone before, or one chain or group that is larger.
async fn going(
    conn: &mut Conn,
    cutoffs: &Cutoffs,
    old: &[Row],
    limit: usize,
    before: usize,
) -> QueryResult<(Vec<Row>, bool)> {
    let mut families = families(conn, old).await?;
    families.retain(|_, rows| cutoffs.have_all_passed(rows));
    let mut going: Vec<Row> = Vec::new();
    for row in old {
        let together = match row.family() {
            None => vec![row.clone()],
            Some(family) => match families.remove(&family) {
                Some(rows) => locked(conn, cutoffs, rows).await?,
                None => continue,
            },
        };
        let all = before + going.len();
        if all > 0 && all + together.len() > limit {
            return Ok((going, true));
        }
        going.extend(together);
    }
    Ok((going, false))
}

/// Everything that belongs to one of `rows`.
async fn families(conn: &mut Conn, rows: &[Row]) -> QueryResult<HashMap<Uuid, Vec<Row>>> {
    let named = |key: fn(&PlaceRow) -> Option<Id>| {
        let keys: HashSet<Uuid> = rows.iter().filter_map(|row| Some(key(&row.place)?.0)).collect();
        keys.into_iter().map(Id).collect::<Vec<Id>>()
    };
    let chains = named(|place| place.chain_id);
    let groups = named(|place| place.group_id.or(place.callback_of));
    let mut all: Vec<Row> = Vec::new();
    if !chains.is_empty() {
        let links = tasks::table.filter(tasks::chain_id.eq_any(chains)).select(Row::as_select());
        all.extend(links.load::<Row>(conn).await?);
    }
    if !groups.is_empty() {
        let callbacks = task_groups::table.filter(task_groups::id.eq_any(&groups));
        let callbacks: Vec<Id> = callbacks.select(task_groups::callback_id).load(conn).await?;
        let members = tasks::group_id.eq_any(groups).or(tasks::id.eq_any(callbacks).nullable());
        let members = tasks::table.filter(members).select(Row::as_select());
        all.extend(members.load::<Row>(conn).await?);
    }
    let mut families: HashMap<Uuid, Vec<Row>> = HashMap::new();
    for row in all {
        if let Some(family) = row.family() {
            families.entry(family).or_default().push(row);
        }
    }
    Ok(families)
}

/// The same rows if all of them can be had and none has changed so that it must stay; else none.
async fn locked(conn: &mut Conn, cutoffs: &Cutoffs, rows: Vec<Row>) -> QueryResult<Vec<Row>> {
    let mut held: Vec<Row> = Vec::with_capacity(rows.len());
    for ids in ids(&rows).chunks(IDS) {
        let some = tasks::table.filter(tasks::id.eq_any(ids)).select(Row::as_select());
        held.extend(skip_locked!(some).load::<Row>(conn).await?);
    }
    let all = held.len() == rows.len() && cutoffs.have_all_passed(&held);
    Ok(if all { held } else { Vec::new() })
}

async fn delete(conn: &mut Conn, rows: &[Row]) -> QueryResult<()> {
    for ids in ids(rows).chunks(IDS) {
        diesel::delete(task_faults::table.filter(task_faults::task_id.eq_any(ids))).execute(conn).await?;
        diesel::delete(tasks::table.filter(tasks::id.eq_any(ids))).execute(conn).await?;
    }
    // A group has one callback.
    let groups: Vec<Id> = rows.iter().filter_map(|row| row.place.callback_of).collect();
    for groups in groups.chunks(IDS) {
        diesel::delete(task_groups::table.filter(task_groups::id.eq_any(groups))).execute(conn).await?;
    }
    Ok(())
}

fn ids(rows: &[Row]) -> Vec<Id> {
    rows.iter().map(|row| row.id).collect()
}
