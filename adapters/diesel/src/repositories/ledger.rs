//! The ledger of tasks in the table `tasks`: what is scheduled, and what workers do with it.
//!
//! [`apply`] is the last step of every transaction that something follows. What only one database can say is in
//! `postgres/tasks.rs` and `sqlite/tasks.rs`.

mod followers;
mod insert;
mod success;

pub(crate) use insert::NewRow;

use super::{Conn, statements};
use crate::error::Undone;
use application::{Error, Then};
use domain::{QueueName, TaskId};
use std::collections::BTreeSet;

/// What [`apply`] has done.
#[derive(Debug, Default)]
pub(super) struct Scheduled {
    /// The ids of `then.tasks`, in their order; where a unique key was taken, the id of the task that has it.
    pub(super) ids: Vec<TaskId>,
    /// Where something is due now.
    pub(super) due: BTreeSet<QueueName>,
}

/// Writes `then`; everything is rolled back as `Stale` if it settles a task whose claim is lost.
pub(super) async fn apply(conn: &mut Conn, then: &Then) -> Result<Scheduled, Undone> {
    let mut scheduled = insert::insert(conn, then).await?;
    if let Some(settle) = &then.settle {
        match success::succeed(conn, settle.claim, &settle.result, settle.at).await? {
            Some(freed) => scheduled.due.extend(freed),
            None => return Err(Undone::Refused(Error::Stale { kind: "task" })),
        }
    }
    Ok(scheduled)
}
