//! Tasks with the tasks that belong to them and with their faults: a handful of statements, however many tasks are asked for.

use super::{
    Backend, PlaceRow,
    row::{Inconsistent, LinkRow, TaskRow, sane},
};
use crate::{
    schema::{task_faults, task_groups, tasks},
    types::{At, Id},
};
use diesel::{QueryResult, prelude::*};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::{Fault, FaultCode, Task, TaskFault, TaskLink, TaskStory};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// How many links a story has at most: the first ones, and always the task itself.
const LINKS: i32 = 1000;

/// What the stories are made of.
#[derive(Default)]
pub(super) struct Rows {
    tasks: Vec<TaskRow>,
    /// By chain, in their order.
    links: HashMap<Uuid, Vec<LinkRow>>,
    /// By group, the callback last.
    members: HashMap<Uuid, Vec<LinkRow>>,
    faults: HashMap<Uuid, Vec<FaultRow>>,
}

/// The tasks are read first, so that what a story says of others is never older than what it says of the task itself:
/// else a revision could be taken for seen too early.
pub(super) async fn load<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    ids: &[Id],
) -> QueryResult<Rows> {
    let found: Vec<TaskRow> =
        tasks::table.filter(tasks::id.eq_any(ids)).select(TaskRow::as_select()).load(conn).await?;
    let named = |key: Key| -> Vec<Id> {
        let keys: BTreeSet<Uuid> = found.iter().filter_map(|row| Some(key(&row.place)?.0)).collect();
        keys.into_iter().map(Id).collect()
    };
    let (chains, groups) = (named(chain), named(group));
    Ok(Rows {
        links: links(conn, &chains).await?,
        members: members(conn, &groups).await?,
        faults: faults(conn, ids).await?,
        tasks: found,
    })
}

async fn links<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    chains: &[Id],
) -> QueryResult<HashMap<Uuid, Vec<LinkRow>>> {
    if chains.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<LinkRow> = tasks::table
        .filter(tasks::chain_id.eq_any(chains).and(tasks::chain_position.lt(LINKS)))
        .order((tasks::chain_id, tasks::chain_position))
        .select(LinkRow::as_select())
        .load(conn)
        .await?;
    Ok(together(rows, chain))
}

/// Small groups all at once. Of a large one as many as are shown, and none of its other rows.
async fn members<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    groups: &[Id],
) -> QueryResult<HashMap<Uuid, Vec<LinkRow>>> {
    if groups.is_empty() {
        return Ok(HashMap::new());
    }
    let groups: Vec<(Id, i32, Id)> = task_groups::table
        .filter(task_groups::id.eq_any(groups))
        .select((task_groups::id, task_groups::size, task_groups::callback_id))
        .load(conn)
        .await?;
    let (large, small): (Vec<&(Id, i32, Id)>, Vec<_>) =
        groups.iter().partition(|(_, size, _)| *size >= LINKS);
    let small: Vec<Id> = small.into_iter().map(|(id, ..)| *id).collect();
    let mut rows: Vec<LinkRow> = tasks::table
        .filter(tasks::group_id.eq_any(small))
        .order(tasks::id)
        .select(LinkRow::as_select())
        .load(conn)
        .await?;
    for (id, ..) in large {
        let members =
            tasks::table.filter(tasks::group_id.eq(*id)).order(tasks::id).limit(i64::from(LINKS) - 1);
        rows.extend(members.select(LinkRow::as_select()).load::<LinkRow>(conn).await?);
    }
    let callbacks: Vec<Id> = groups.iter().map(|(.., callback)| *callback).collect();
    let callbacks = tasks::table.filter(tasks::id.eq_any(callbacks)).select(LinkRow::as_select());
    rows.extend(callbacks.load::<LinkRow>(conn).await?);
    Ok(together(rows, group))
}

/// What a place is named by, if it is one of this kind.
type Key = fn(&PlaceRow) -> Option<Id>;

fn chain(place: &PlaceRow) -> Option<Id> {
    place.chain_id
}

/// A member's, or that of which the task is the callback.
fn group(place: &PlaceRow) -> Option<Id> {
    place.group_id.or(place.callback_of)
}

fn together(rows: Vec<LinkRow>, key: Key) -> HashMap<Uuid, Vec<LinkRow>> {
    let mut together: HashMap<Uuid, Vec<LinkRow>> = HashMap::new();
    for row in rows {
        if let Some(key) = key(&row.place) {
            together.entry(key.0).or_default().push(row);
        }
    }
    together
}

async fn faults<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    ids: &[Id],
) -> QueryResult<HashMap<Uuid, Vec<FaultRow>>> {
    let rows: Vec<FaultRow> = task_faults::table
        .filter(task_faults::task_id.eq_any(ids))
        .order((task_faults::task_id, task_faults::number))
        .select(FaultRow::as_select())
        .load(conn)
        .await?;
    let mut faults: HashMap<Uuid, Vec<FaultRow>> = HashMap::new();
    for row in rows {
        faults.entry(row.task_id.0).or_default().push(row);
    }
    Ok(faults)
}

impl Rows {
    /// One story for each task.
    pub(super) fn stories(mut self) -> Result<Vec<TaskStory>, Inconsistent> {
        let rows = std::mem::take(&mut self.tasks);
        rows.into_iter().map(|row| self.story(row)).collect()
    }

    fn story(&self, row: TaskRow) -> Result<TaskStory, Inconsistent> {
        let id = row.id;
        let others = match (chain(&row.place), group(&row.place)) {
            (Some(chain), _) => self.links.get(&chain.0),
            (None, Some(group)) => self.members.get(&group.0),
            (None, None) => None,
        };
        let mut links = others.cloned().unwrap_or_default();
        if others.is_some() && !links.iter().any(|link| link.id == id) {
            let callback = links.pop_if(|last| last.place.callback_of.is_some());
            links.truncate(LINKS as usize - 1 - usize::from(callback.is_some()));
            links.push(row.to_link());
            links.extend(callback);
        }
        let faults = self.faults.get(&id.0).cloned().unwrap_or_default();
        Ok(TaskStory {
            task: Task::try_from(row)?,
            links: links.into_iter().map(TaskLink::try_from).collect::<Result<_, _>>()?,
            faults: faults.into_iter().map(TaskFault::try_from).collect::<Result<_, _>>()?,
        })
    }
}

/// A row of `task_faults`.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = task_faults)]
struct FaultRow {
    task_id: Id,
    attempt: i32,
    code: String,
    message: String,
    at: At,
}

impl TryFrom<FaultRow> for TaskFault {
    type Error = Inconsistent;

    fn try_from(row: FaultRow) -> Result<Self, Inconsistent> {
        let code = sane(row.task_id, "a fault's code", FaultCode::parse(&row.code))?;
        Ok(Self {
            attempt: sane(row.task_id, "a fault's attempt", u32::try_from(row.attempt).ok())?,
            at: row.at.into(),
            fault: Fault { code, message: row.message },
        })
    }
}
