//! The repositories, written once against the names of the parent module (`Backend`, `Conn`, `Db`, `read!`, `write!`) and
//! mounted in `postgres/mod.rs` and `sqlite/mod.rs`.
//!
//! Free functions take a connection, so that they compose; the ports are implemented on types that hold the [`Db`].

mod imports;
pub(super) mod ledger;
pub(super) mod persons;
mod probes;
mod schedules;
mod statistics;
mod tasks;

use super::{
    Backend, Conn, Db, admin, for_update, insert_many, migrations, read, scan, skip_locked,
    tasks as statements, transaction, violated, write,
};
use crate::{error::failed, pool::Lane};
use application::{
    Error, Imports, PersonRepository, Probe, Schedules, TaskLedger, TaskRepository, TaskStatistics,
    faults::{failpoint, mutant},
};
use chrono::{DateTime, Utc};
use domain::QueueName;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Runs `$work` and then writes `$then`, in one transaction, and rings the doorbell after the commit. The answers are what
/// `$work` has answered and the ids of the tasks.
macro_rules! commit {
    ($db:expr, $then:expr, $conn:ident => $work:expr) => {{
        let done = transaction!($db, $conn => async {
            let answer = $work.await?;
            let scheduled = ledger::apply($conn, $then).await?;
            $db.announce_early(&scheduled.due).await;
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

    /// See `Database::tasks`.
    pub(crate) fn tasks(&self) -> Arc<dyn TaskRepository> {
        Arc::new(tasks::Tasks { db: self.clone() })
    }

    /// See `Database::statistics`.
    pub(crate) fn statistics(&self) -> Arc<dyn TaskStatistics> {
        Arc::new(statistics::Statistics { db: self.clone() })
    }

    /// See `Database::schedules`.
    pub(crate) fn schedules(&self) -> Arc<dyn Schedules> {
        Arc::new(schedules::ScheduleStore { db: self.clone() })
    }

    /// See `Database::imports`.
    pub(crate) fn imports(&self) -> Arc<dyn Imports> {
        Arc::new(imports::ImportStore { db: self.clone() })
    }

    /// See `Database::ledger`.
    pub(crate) fn ledger(&self) -> Arc<dyn TaskLedger> {
        Arc::new(ledger::Ledger { db: self.on(Lane::Worker), lease: self.on(Lane::Lease) })
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
        if !mutant("hint_before_commit") {
            queues.iter().for_each(|queue| self.doorbell().ring(queue));
        }
    }

    /// A defect that the fault tests must notice: whoever heeds the hint comes before the commit and finds nothing.
    async fn announce_early(&self, queues: &BTreeSet<QueueName>) {
        if mutant("hint_before_commit") {
            queues.iter().for_each(|queue| self.doorbell().ring(queue));
            tokio::time::sleep(Duration::from_millis(100)).await;
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
