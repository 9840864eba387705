//! The repositories, written once against the names of the parent module (`Backend`, `Conn`, `Db`, `read!`, `write!`) and
//! mounted in `postgres/mod.rs` and `sqlite/mod.rs`.
//!
//! Free functions take a connection, so that they compose; the ports are implemented on types that hold the [`Db`].

pub(super) mod ledger;
pub(super) mod persons;
mod probes;

use super::{Backend, Conn, Db, admin, migrations, read, tasks as statements, transaction, violated, write};
use crate::{error::failed, pool::Lane};
use application::{
    Error, PersonRepository, Probe,
    faults::{failpoint, mutant},
};
use chrono::{DateTime, Utc};
use domain::QueueName;
use std::{collections::BTreeSet, sync::Arc};

/// Runs `$work` and then writes `$then`, in one transaction, and rings the doorbell after the commit. The answers are what
/// `$work` has answered and the ids of the tasks.
macro_rules! commit {
    ($db:expr, $then:expr, $conn:ident => $work:expr) => {{
        let done = transaction!($db, $conn => async {
            let answer = $work.await?;
            let scheduled = ledger::apply($conn, $then).await?;
            $db.announce_early(&scheduled.due);
            Ok((answer, scheduled))
        });
        done.map(|(answer, scheduled)| {
            $db.announce(&scheduled.due);
            (answer, scheduled.ids)
        })
    }};
}
use commit;

impl Db {
    /// See `Database::persons`.
    pub(crate) fn persons(&self) -> Arc<dyn PersonRepository> {
        Arc::new(persons::Persons { db: self.clone() })
    }

    /// See `Database::now`.
    pub(crate) async fn now(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let db = self.on(Lane::Health);
        read!(db, conn => admin::now(&mut conn))
            .map_err(|error| failed("cannot read the server's clock", error))
    }

    /// Tells whoever listens that something is due in `queues`: to be called after the commit. What is lost between the two is
    /// found by polling.
    fn announce(&self, queues: &BTreeSet<QueueName>) {
        if !queues.is_empty() {
            failpoint("after_commit_before_hint");
        }
        queues.iter().for_each(|queue| self.doorbell().ring(queue));
    }

    /// A defect that the fault tests must notice: a worker that comes before the commit finds nothing.
    fn announce_early(&self, queues: &BTreeSet<QueueName>) {
        if mutant("hint_before_commit") {
            queues.iter().for_each(|queue| self.doorbell().ring(queue));
        }
    }

    /// See `Database::probes`.
    pub(crate) fn probes(&self) -> Vec<Arc<dyn Probe>> {
        let db = || self.on(Lane::Health);
        vec![
            Arc::new(probes::Reachable { db: db() }),
            Arc::new(probes::Migrated { db: db() }),
            Arc::new(probes::Consistent { db: db() }),
        ]
    }
}
