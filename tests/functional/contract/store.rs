//! An open database of one test's own.

use adapter_diesel::{Database, DatabaseConfig, Migrator};
use application::PersonRepository;
use chrono::{DateTime, TimeDelta, Utc};
use plinth_tests::{Setup, TestDatabase};
use std::sync::Arc;

pub(crate) struct Store {
    pub(crate) database: Database,
    pub(crate) config: DatabaseConfig,
    pub(crate) kept: TestDatabase,
}

impl Store {
    /// Migrated and empty.
    pub(crate) async fn new(setup: &Setup) -> Self {
        Self::with(setup, |_| {}).await
    }

    /// As [`Store::new`], with other settings than the usual ones.
    pub(crate) async fn with(setup: &Setup, change: impl FnOnce(&mut DatabaseConfig)) -> Self {
        let kept = setup.database().await;
        let mut config = DatabaseConfig { url: kept.url().into(), ..DatabaseConfig::default() };
        change(&mut config);
        let database = Database::open(&config, &silent()).await.expect("the database can be opened");
        Self { database, config, kept }
    }

    pub(crate) fn persons(&self) -> Arc<dyn PersonRepository> {
        self.database.persons()
    }

    pub(crate) async fn migrator(&self) -> Migrator {
        Migrator::open(&self.config, &silent()).await.expect("the database can be opened")
    }
}

pub(crate) fn silent() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

/// An instant, in microseconds since 2026.
pub(crate) fn at(microseconds: i64) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(1_767_225_600, 0).expect("a time");
    start + TimeDelta::microseconds(microseconds)
}
