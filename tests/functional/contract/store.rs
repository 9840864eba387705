//! An open database of one test's own.

use adapter_diesel::{Database, DatabaseConfig, Migrator};
use application::{Bell, Doorbell, DoorbellState, Hint, PersonRepository, Then};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{QueueName, TaskId};
use plinth_tests::{Setup, TestDatabase, mutants};
use std::sync::{Arc, Mutex, Once, PoisonError};

pub(crate) struct Store {
    pub(crate) database: Database,
    pub(crate) config: DatabaseConfig,
    pub(crate) kept: TestDatabase,
    rings: Arc<Rings>,
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
        begin_failpoints();
        let rings = Arc::new(Rings::default());
        let database = Database::open(&config, rings.clone(), &silent()).await;
        Self { database: database.expect("the database can be opened"), config, kept, rings }
    }

    pub(crate) fn persons(&self) -> Arc<dyn PersonRepository> {
        self.database.persons()
    }

    /// For which queues the doorbell has rung since this was asked last, each ring by itself.
    pub(crate) fn rung(&self) -> Vec<String> {
        std::mem::take(&mut *self.rings.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) async fn migrator(&self) -> Migrator {
        Migrator::open(&self.config, &silent()).await.expect("the database can be opened")
    }
}

/// The defects that this run is to notice (`tests/functional/mutants.rs`), in the parts of the product that run here.
fn begin_failpoints() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let failpoints = mutants().unwrap_or_default();
        application::faults::begin(&failpoints).expect("failpoints");
    });
}

/// A doorbell that nobody hears, and that remembers.
#[derive(Default)]
pub(crate) struct Rings(Mutex<Vec<String>>);

#[async_trait]
impl Doorbell for Rings {
    fn ring(&self, queue: &QueueName) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(queue.as_str().to_owned());
    }

    fn cancel(&self, _task: TaskId) {}

    fn listen(&self, _queues: &[QueueName]) -> Box<dyn Bell> {
        Box::new(Silence)
    }

    fn state(&self) -> DoorbellState {
        DoorbellState::Local
    }
}

struct Silence;

#[async_trait]
impl Bell for Silence {
    async fn next(&mut self, _free: bool) -> Hint {
        std::future::pending().await
    }
}

/// What follows a write that nothing follows.
pub(crate) static NOTHING: Then = Then { tasks: Vec::new(), groups: Vec::new(), settle: None };

pub(crate) fn silent() -> slog::Logger {
    slog::Logger::root(slog::Discard, slog::o!())
}

/// An instant, in microseconds since 2026.
pub(crate) fn at(microseconds: i64) -> DateTime<Utc> {
    let start = DateTime::from_timestamp(1_767_225_600, 0).expect("a time");
    start + TimeDelta::microseconds(microseconds)
}
