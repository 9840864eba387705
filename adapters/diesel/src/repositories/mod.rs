//! The repositories, written once against the names of the parent module (`Backend`, `Conn`, `Db`, `read!`, `write!`) and
//! mounted in `postgres/mod.rs` and `sqlite/mod.rs`.
//!
//! Free functions take a connection, so that they compose; the ports are implemented on types that hold the [`Db`].

pub(super) mod persons;
mod probes;

use super::{Backend, Conn, Db, migrations, read, violated, write};
use application::{PersonRepository, Probe};
use std::sync::Arc;

impl Db {
    /// See `Database::persons`.
    pub(crate) fn persons(&self) -> Arc<dyn PersonRepository> {
        Arc::new(persons::Persons { db: self.clone() })
    }

    /// See `Database::probes`.
    pub(crate) fn probes(&self) -> Vec<Arc<dyn Probe>> {
        let db = || self.clone();
        vec![
            Arc::new(probes::Reachable { db: db() }),
            Arc::new(probes::Migrated { db: db() }),
            Arc::new(probes::Consistent { db: db() }),
        ]
    }
}
