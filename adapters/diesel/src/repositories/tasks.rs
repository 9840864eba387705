//! Tasks as people see them, in the tables `tasks`, `task_groups` and `task_faults`.
//!
//! What workers do with them is in `ledger.rs`.

mod cancel;
mod list;
mod prune;
mod retry;
pub(super) mod row;
mod stories;

use super::{
    Backend, Conn, Db, commit, for_update,
    ledger::{
        self, HeldRow, NewRow,
        followers::{self, PlaceRow},
        insert,
    },
    read, scan, skip_locked, statements, transaction, violated, write,
};
use crate::{
    error::{Conflict, Undone, failed},
    types::Id,
};
use application::{Cancellation, Error, Expiry, TaskRepository, Then};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::QueryResult;
use domain::{NewTask, Page, Task, TaskFilter, TaskId, TaskQuery, TaskStory};
use std::collections::BTreeSet;

/// The port on these connections.
pub(crate) struct Tasks {
    pub(super) db: Db,
}

const CONFLICTS: [Conflict; 1] = [Conflict {
    constraint: "tasks_kind_unique_key_key",
    field: "state",
    code: "unique_key",
    message: "cannot be queued again while another task of its kind has its unique key and is unfinished",
}];

/// The row of the task, locked until the end of the transaction. `NotFound` if there is none.
async fn hold(conn: &mut Conn, id: TaskId) -> Result<HeldRow, Undone> {
    let held = ledger::hold(conn, id).await?;
    held.ok_or_else(|| Undone::Refused(Error::not_found("task", id.0)))
}

impl Tasks {
    /// A statement is a transaction of its own: BEGIN and COMMIT would be two more trips to the server.
    async fn schedule_lone(&self, task: &NewTask) -> QueryResult<Vec<TaskId>> {
        let due = insert::due_in(std::slice::from_ref(task));
        self.db.announce_early(&due).await;
        write!(self.db, conn => statements::insert(&mut conn, vec![NewRow::from(task)]))?;
        self.db.announce(&due);
        Ok(vec![task.id])
    }
}

#[async_trait]
impl TaskRepository for Tasks {
    async fn schedule(&self, then: &Then) -> Result<Vec<TaskId>, Error> {
        const WHAT: &str = "cannot schedule tasks";
        if let Some(task) = insert::lone(then) {
            return self.schedule_lone(task).await.map_err(|error| failed(WHAT, error));
        }
        let done = commit!(self.db, then, conn => async { Ok::<_, Undone>(()) });
        done.map(|((), ids)| ids).map_err(|undone| undone.told(WHAT))
    }

    async fn list(&self, query: &TaskQuery) -> Result<Page<Task, TaskId>, Error> {
        const WHAT: &str = "cannot list tasks";
        // A page is quickly read, but what few tasks have in common is looked for among all.
        let rows = if query.filter == TaskFilter::default() {
            read!(self.db, conn => list::list(&mut conn, query))
        } else {
            scan!(self.db, conn => list::list(&mut conn, query))
        };
        let rows = rows.map_err(|error| failed(WHAT, error))?;
        let tasks: Result<Vec<Task>, _> = rows.into_iter().map(Task::try_from).collect();
        let tasks = tasks.map_err(|inconsistent| Error::internal(WHAT, inconsistent))?;
        Ok(Page::from_rows(tasks, query.limit, query.cursor.as_ref(), |task| task.id))
    }

    async fn stories(&self, ids: &[TaskId]) -> Result<Vec<TaskStory>, Error> {
        const WHAT: &str = "cannot read tasks";
        let ids: Vec<Id> = ids.iter().map(|id| Id(id.0)).collect();
        let rows =
            read!(self.db, conn => stories::load(&mut conn, &ids)).map_err(|error| failed(WHAT, error))?;
        rows.stories().map_err(|inconsistent| Error::internal(WHAT, inconsistent))
    }

    async fn cancel(&self, id: TaskId, now: DateTime<Utc>) -> Result<Cancellation, Error> {
        let done = transaction!(self.db, conn => cancel::cancel(conn, id, now));
        done.map_err(|undone| undone.told("cannot cancel a task"))
    }

    async fn retry(&self, id: TaskId, now: DateTime<Utc>) -> Result<(), Error> {
        let done = transaction!(self.db, conn => retry::retry(conn, id, now));
        let queue = done.map_err(|undone| undone.refused("cannot retry a task", violated, &CONFLICTS))?;
        self.db.announce(&BTreeSet::from_iter(queue));
        Ok(())
    }

    async fn prune(&self, expired: &Expiry, limit: u32) -> Result<u32, Error> {
        prune::prune(&self.db, expired, limit).await.map_err(|undone| undone.told("cannot delete old tasks"))
    }
}
