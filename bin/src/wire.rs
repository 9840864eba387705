//! Puts adapters and controllers together. The only place that names both, and the list of the kinds of tasks.
//!
//! What a server process serves of it is in `wire/service.rs`, the list of health probes in `wire/probes.rs`.

mod probes;
mod service;

pub(crate) use service::{Role, Service};

#[cfg(feature = "faults")]
use crate::trial::Trial;
use crate::{
    commands::Failure,
    config::{Config, Loaded, Queue, TasksConfig},
};
use adapter_diesel::{Database, Migrator};
use adapter_http::Build;
use adapter_redis::{Redis, RedisDoorbell};
use adapter_system::{DatabaseClock, LocalDoorbell, SystemClock, SystemIds, TcpServers};
#[cfg(feature = "faults")]
use application::kinds::example::ShortenName;
use application::{
    BeatController, BeatPorts, BeatSettings, Clock, Doorbell, Ids, ImportController, PersonController,
    QueueGauge, Registry, Scheduler, TaskController, TaskWatch,
    kinds::{
        add_one_year::AddOneYear,
        import_persons::{InsertPersonsImport, ReportPersonsImport, ValidatePersonsImport},
        prune_tasks::{PruneTasks, Pruning},
        wait_for_servers::{Servers, WaitForServers},
    },
};
use domain::QueueName;
use slog::Logger;
use std::sync::Arc;

/// This build.
pub(crate) const BUILD: Build = Build {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    revision: env!("PLINTH_REVISION"),
};

/// What every process has that works with tasks, be it a server or a short command.
pub(crate) struct Core {
    pub(crate) database: Database,
    pub(crate) redis: Option<Redis>,
    hints: Option<Arc<RedisDoorbell>>,
    pub(crate) doorbell: Arc<dyn Doorbell>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) gauge: Arc<QueueGauge>,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) persons: Arc<PersonController>,
    pub(crate) imports: Arc<ImportController>,
    pub(crate) tasks: Arc<TaskController>,
    pub(crate) watch: Arc<TaskWatch>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) beat: Arc<BeatController>,
}

/// Every kind of task that workers know. A further one is a line here.
fn kinds(persons: &Arc<PersonController>, imports: &Arc<ImportController>, pruning: Pruning) -> Registry {
    let servers: Arc<dyn Servers> = Arc::new(TcpServers);
    let registry = Registry::new()
        .with::<AddOneYear>(persons.clone())
        .with::<ValidatePersonsImport>(imports.clone())
        .with::<InsertPersonsImport>(imports.clone())
        .with::<ReportPersonsImport>(imports.clone())
        .with::<WaitForServers>(Arc::new(servers))
        .with::<PruneTasks>(Arc::new(pruning));
    #[cfg(feature = "faults")]
    let registry = registry.with::<Trial>(persons.clone()).with::<ShortenName>(persons.clone());
    registry
}

impl Core {
    /// For a process that serves: an embedded database is made, migrated and locked against a second one.
    pub(crate) async fn open(config: &Config, log: &Logger) -> Result<Self, Failure> {
        let (redis, hints, doorbell) = doorbell(config, log)?;
        let told = component(log, "database");
        let database = Database::open(&config.database, doorbell.clone(), &told).await?;
        Self::over(database, (redis, hints, doorbell), config, log).await
    }

    /// For a short command, also beside a process that serves from the same file.
    pub(crate) async fn visit(config: &Config, log: &Logger) -> Result<Self, Failure> {
        let (redis, hints, doorbell) = doorbell(config, log)?;
        let database = Database::visit(&config.database, doorbell.clone(), log).await?;
        Self::over(database, (redis, hints, doorbell), config, log).await
    }

    /// Lets the last hints out, and lets go of the database.
    pub(crate) async fn close(&self) {
        if let Some(hints) = &self.hints {
            hints.flush().await;
        }
        self.database.close().await;
    }

    async fn over(
        database: Database,
        (redis, hints, doorbell): Hints,
        config: &Config,
        log: &Logger,
    ) -> Result<Self, Failure> {
        let told = database.clone();
        let source = move || {
            let database = told.clone();
            async move { database.now().await }
        };
        let clock: Arc<dyn Clock> = Arc::new(DatabaseClock::follow(source, component(log, "clock")).await);
        let ids: Arc<dyn Ids> = Arc::new(SystemIds::default());
        let (tasks, imports) = (database.tasks(), database.imports());
        let gauge = QueueGauge::new(
            database.statistics(),
            clock.clone(),
            config.tasks.max_depth,
            component(log, "queues"),
        );
        let gauge = Arc::new(gauge);
        let scheduler = Arc::new(Scheduler::new(clock.clone(), ids.clone(), gauge.clone()));
        let retention = config.tasks.retention.retention();
        let pruning = Pruning { tasks: tasks.clone(), imports: imports.clone(), retention };
        let watch = Arc::new(TaskWatch::new(tasks.clone(), config.tasks.watch_interval));
        let tasks = Arc::new(TaskController::new(tasks, doorbell.clone(), clock.clone()));
        let imports =
            ImportController::new(imports, tasks.clone(), scheduler.clone(), clock.clone(), ids.clone());
        let imports = Arc::new(imports);
        let persons = PersonController::new(
            database.persons(),
            tasks.clone(),
            scheduler.clone(),
            clock.clone(),
            ids.clone(),
        );
        let persons = Arc::new(persons);
        let registry = Arc::new(kinds(&persons, &imports, pruning));
        let ports = BeatPorts {
            schedules: database.schedules(),
            ledger: database.ledger(),
            tasks: tasks.clone(),
            registry: registry.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
        };
        let TasksConfig { lease, renewal, .. } = config.tasks;
        let settings = BeatSettings { host: host(), process: std::process::id(), lease, renewal };
        let beat = BeatController::new(ports, settings, Vec::new(), component(log, "beat"))?;
        Ok(Self {
            database,
            redis,
            hints,
            doorbell,
            clock,
            ids,
            gauge,
            scheduler,
            persons,
            imports,
            tasks,
            watch,
            registry,
            beat: Arc::new(beat),
        })
    }
}

impl Core {
    /// From now on the schedules are those of `loaded`, unless something is wrong with their tasks.
    pub(crate) fn schedule(&self, loaded: &Loaded) -> Result<(), Failure> {
        loaded.check_tasks(|kind, payload| self.registry.signature(kind, payload).map(drop))?;
        Ok(self.beat.set_schedules(loaded.config.schedules.enabled())?)
    }

    /// What is configured for queues that none of the kinds has. No error: another version may have one.
    pub(crate) fn strange_queues(&self, config: &Config) -> Vec<String> {
        let known = self.registry.queues();
        let names = known.iter().map(QueueName::as_str).collect::<Vec<_>>().join(", ");
        let TasksConfig { queues, queue_concurrency, .. } = &config.tasks;
        let limited = queue_concurrency.keys().map(|queue| ("tasks.queue_concurrency", queue));
        let named = queues.iter().map(|queue| ("tasks.queues", queue)).chain(limited);
        let strange = named.filter(|(_, queue)| !known.contains(&queue.0));
        let tell = |(key, queue): (&str, &Queue)| {
            let queue = queue.0.as_str();
            format!("{key}: no kind of task that this version knows has the queue {queue}; there are {names}")
        };
        strange.map(tell).collect()
    }
}

/// Redis and its doorbell, and the doorbell in use.
type Hints = (Option<Redis>, Option<Arc<RedisDoorbell>>, Arc<dyn Doorbell>);

/// Redis if there is one, else hints stay within the process.
fn doorbell(config: &Config, log: &Logger) -> Result<Hints, Failure> {
    let Some(redis) = Redis::open(&config.redis)? else {
        return Ok((None, None, Arc::new(LocalDoorbell::default())));
    };
    let hints = Arc::new(redis.doorbell(&component(log, "redis")));
    Ok((Some(redis), Some(hints.clone()), hints))
}

/// Migrates, or starts anew with the demo data, as configured. Only a process with the API starts anew: workers and beats
/// may share its environment.
pub(crate) async fn prepare_database(config: &Config, role: Role, log: &Logger) -> Result<(), Failure> {
    let settings = &config.database;
    let anew = settings.reset_on_start && role.serves();
    if !anew && !settings.update_on_start {
        return Ok(());
    }
    let log = component(log, "database");
    let mut migrator = Migrator::open(settings, &log).await?;
    if anew {
        migrator.reset().await?;
        let persons = migrator.seed(&SystemClock, &SystemIds::default()).await?;
        slog::warn!(log, "the database was reset"; "demo_persons" => persons);
    } else {
        migrator.upgrade(None).await?;
    }
    Ok(())
}

/// The name of this host, for people.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The logger of one part of the process.
fn component(log: &Logger, name: &'static str) -> Logger {
    log.new(slog::o!("component" => name))
}
