//! The ledger of tasks in the table `tasks`: what is scheduled, and what workers do with it.
//!
//! [`apply`] is the last step of every transaction that something follows. What only one database can say is in
//! `postgres/tasks.rs` and `sqlite/tasks.rs`.

mod claims;
mod ends;
mod faults;
pub(super) mod followers;
pub(super) mod insert;
mod minutes;
mod reclaim;
mod sessions;
mod settle;
pub(crate) mod success;
mod suspects;

pub(crate) use ends::{HeldRow, hold};
pub(crate) use insert::{END_OF_TIME, NewRow};
pub(super) use sessions::{SEPARATOR, word};

use super::{
    Backend, Conn, Db, for_update, read, skip_locked, statements,
    tasks::row::{self, StandingRow},
    transaction, write,
};
use crate::error::{Undone, failed};
use application::{
    Claim, Claimed, Claiming, Error, Finished, NewSession, Reclaimed, Renewal, Renewed, Settled, Settlement,
    TaskLedger, Then, faults::failpoint,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Progress, QueueName, SessionId, TaskId};
use followers::PlaceRow;
use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

/// The port, on a worker's connections; `lease` is the one that nothing else can use up.
pub(crate) struct Ledger {
    pub(super) db: Db,
    pub(super) lease: Db,
}

/// What [`apply`] has done.
#[derive(Debug, Default)]
pub(super) struct Scheduled {
    /// The ids of `then.tasks`, in their order; where a unique key was taken, the id of the task that has it.
    pub(super) ids: Vec<TaskId>,
    /// Where something is due now.
    pub(super) due: BTreeSet<QueueName>,
}

/// Writes `then`; everything is rolled back as `Stale` if it settles a task whose claim is lost. That task ends first, as it does
/// when its worker settles it, so that one that has a unique key can schedule the next one of the key.
pub(super) async fn apply(conn: &mut Conn, then: &Then) -> Result<Scheduled, Undone> {
    let freed = match &then.settle {
        Some(settle) => success::succeed(conn, settle.claim, &settle.result, settle.at)
            .await?
            .ok_or(Undone::Refused(Error::Stale { kind: "task" }))?,
        None => Vec::new(),
    };
    let mut scheduled = insert::insert(conn, then).await?;
    scheduled.due.extend(freed);
    Ok(scheduled)
}

#[async_trait]
impl TaskLedger for Ledger {
    async fn open(&self, session: &NewSession) -> Result<(), Error> {
        let opened = write!(self.lease, conn => sessions::open(&mut conn, session));
        opened.map_err(|error| failed("cannot begin a session", error))
    }

    async fn renew(&self, renewal: &Renewal) -> Result<Renewed, Error> {
        failpoint("before_renewal");
        let renewed = transaction!(self.lease, conn => sessions::renew(conn, renewal));
        renewed.map_err(|undone| undone.told("cannot renew a session"))
    }

    async fn close(&self, id: SessionId, now: DateTime<Utc>) -> Result<(), Error> {
        let closed = write!(self.lease, conn => sessions::close(&mut conn, id, now));
        closed.map_err(|error| failed("cannot close a session", error))
    }

    async fn claim(&self, claiming: &Claiming) -> Result<Vec<Claimed>, Error> {
        let claimed = claims::claim(&self.db, claiming).await;
        claimed.map_err(|undone| undone.told("cannot claim tasks"))
    }

    async fn has_suspect(&self, queues: &[QueueName], now: DateTime<Utc>) -> Result<bool, Error> {
        let found = read!(self.db, conn => suspects::has_suspect(&mut conn, queues, now));
        found.map_err(|error| failed("cannot look for suspects", error))
    }

    async fn claim_suspect(&self, claiming: &Claiming) -> Result<Option<Claimed>, Error> {
        let claimed = suspects::claim(&self.db, claiming).await;
        claimed.map_err(|undone| undone.told("cannot claim a suspect"))
    }

    async fn go_quiet(
        &self,
        session: SessionId,
        queues: &[QueueName],
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        let told = write!(self.db, conn => suspects::go_quiet(&mut conn, session, queues, now));
        told.map_err(|error| failed("cannot say that a session is quiet", error))
    }

    async fn end_quiet(&self, session: SessionId) -> Result<(), Error> {
        let told = write!(self.db, conn => suspects::end_quiet(&mut conn, session));
        told.map_err(|error| failed("cannot say that a session is quiet no more", error))
    }

    async fn held(&self, session: SessionId) -> Result<Vec<Claim>, Error> {
        let held = write!(self.db, conn => claims::held(&mut conn, session));
        held.map_err(|error| failed("cannot tell what a session holds", error))
    }

    async fn finish(&self, finished: &[Finished], now: DateTime<Utc>) -> Result<Vec<bool>, Error> {
        let held = statements::finish(&self.db, finished, now).await;
        let held: HashSet<Claim> = held.map_err(|undone| undone.told("cannot finish tasks"))?;
        Ok(finished.iter().map(|finished| held.contains(&finished.claim)).collect())
    }

    async fn settle(&self, settlement: &Settlement) -> Result<Settled, Error> {
        let done = transaction!(self.db, conn => settle::settle(conn, settlement));
        let (settled, scheduled) = done.map_err(|undone| undone.told("cannot settle a task"))?;
        self.db.announce(&scheduled.due);
        Ok(settled)
    }

    async fn progress(&self, claim: Claim, progress: &Progress) -> Result<Option<bool>, Error> {
        let written = write!(self.db, conn => settle::progress(&mut conn, claim, progress));
        written.map_err(|error| failed("cannot write how far a task is", error))
    }

    async fn reclaim(&self, now: DateTime<Utc>, lease: Duration, limit: u32) -> Result<Reclaimed, Error> {
        let done = transaction!(self.lease, conn => reclaim::reclaim(conn, now, lease, limit));
        let (reclaimed, scheduled) = done.map_err(|undone| undone.told("cannot reclaim tasks"))?;
        self.lease.announce(&scheduled.due);
        Ok(reclaimed)
    }
}
