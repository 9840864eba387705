//! The parts, put together.

use crate::{Error, Noop, option};
use adapter_diesel::{Database, DatabaseConfig, Migrator};
use adapter_redis::{Redis, RedisConfig};
use adapter_system::{LocalDoorbell, SystemChance, SystemClock, SystemIds};
use application::{
    Backlog, Chance, Clock, Doorbell, Ids, Registry, Scheduler, TaskRepository, TaskStatistics, Worker,
    WorkerPorts, WorkerSettings,
};
use domain::QueueName;
use slog::{Discard, Logger, o};
use std::{env, sync::Arc};
use tokio_util::sync::CancellationToken;

/// Everything that a command needs.
pub(crate) struct System {
    pub(crate) scheduler: Scheduler,
    pub(crate) repository: Arc<dyn TaskRepository>,
    pub(crate) log: Logger,
    statistics: Arc<dyn TaskStatistics>,
    database: Database,
    doorbell: Arc<dyn Doorbell>,
    ids: Arc<dyn Ids>,
    alone: bool,
}

/// The depth of queues is a limit of a service; here it is the figure.
struct Bottomless;

impl Backlog for Bottomless {
    fn admit(&self, _: &QueueName) -> Result<(), application::Error> {
        Ok(())
    }
}

impl System {
    pub(crate) async fn open() -> Result<Self, Error> {
        let log = Logger::root(Discard, o!());
        let url = env::var("DATABASE_URL")?;
        let alone = url.starts_with("sqlite");
        let config = DatabaseConfig { url: url.into(), pool_size: 16, ..DatabaseConfig::default() };
        Migrator::open(&config, &log).await?.upgrade(None).await?;
        let doorbell: Arc<dyn Doorbell> = match env::var("REDIS_URL") {
            Ok(url) if !alone => {
                let config = RedisConfig { url: Some(url.into()), ..RedisConfig::default() };
                Arc::new(Redis::open(&config)?.ok_or("no Redis")?.doorbell(&log))
            }
            _ => Arc::new(LocalDoorbell::default()),
        };
        let database = Database::open(&config, doorbell.clone(), &log).await?;
        let ids: Arc<dyn Ids> = Arc::new(SystemIds::default());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self {
            scheduler: Scheduler::new(clock, ids.clone(), Arc::new(Bottomless)),
            repository: database.tasks(),
            statistics: database.statistics(),
            database,
            doorbell,
            ids,
            log,
            alone,
        })
    }

    /// Whether no other process may have the database.
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }

    /// How many tasks are neither succeeded nor failed.
    pub(crate) async fn unfinished(&self) -> Result<u64, Error> {
        let depths = self.statistics.depths(SystemClock.now()).await?;
        Ok(depths.iter().map(|depth| depth.queued + depth.running + depth.waiting).sum())
    }

    /// Runs until the process ends.
    pub(crate) async fn work(&self) {
        let registry = Arc::new(Registry::new().with::<Noop>(Arc::new(())));
        let concurrency = u32::try_from(option("--concurrency", 256)).unwrap_or(256);
        let settings = WorkerSettings { concurrency, ..WorkerSettings::default() };
        let (clock, chance): (Arc<dyn Clock>, Arc<dyn Chance>) =
            (Arc::new(SystemClock), Arc::new(SystemChance::default()));
        let ports = WorkerPorts {
            ledger: self.database.ledger(),
            doorbell: self.doorbell.clone(),
            registry,
            clock,
            ids: self.ids.clone(),
            chance,
        };
        Arc::new(Worker::new(ports, settings, self.log.clone())).run(CancellationToken::new()).await;
    }
}
