//! What a server process consists of, by its role.

use super::{BUILD, Core, component, host, probes::probes};
use crate::{
    commands::Failure,
    config::{Config, Mode},
};
use adapter_diesel::Kind;
use adapter_http::{App, Eager, Services};
use adapter_system::SystemChance;
use adapter_telemetry::Metrics;
use application::{HealthController, Worker, WorkerPorts, WorkerSettings};
use futures_util::FutureExt;
use slog::Logger;
use std::{sync::Arc, time::Duration};

/// How long one health probe may take; a load balancer asks every few seconds.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// What a process is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everything.
    All,
    /// The API.
    Api,
    /// Running tasks.
    Worker,
    /// Running tasks until nothing is due.
    Drain,
    /// Turning schedules into tasks.
    Beat,
}

impl Role {
    /// As the command has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker | Self::Drain => "worker",
            Self::Beat => "beat",
        }
    }

    /// Whether it has a public listener.
    pub(crate) fn serves(self) -> bool {
        matches!(self, Self::All | Self::Api)
    }

    /// Whether it runs tasks; what requests run by themselves is for nobody else.
    pub(super) fn works(self, config: &Config) -> bool {
        let works = matches!(self, Self::All | Self::Worker | Self::Drain);
        works && config.tasks.mode == Mode::Worker
    }

    /// Whether it turns schedules into tasks. Where requests run all tasks, nobody would be there to run these.
    pub(super) fn beats(self, config: &Config) -> bool {
        self == Self::Beat || self == Self::All && config.tasks.mode == Mode::Worker
    }
}

/// What is served and run, and what its end needs.
pub(crate) struct Service {
    pub(crate) core: Core,
    /// The public listener's, if there is one.
    pub(crate) public: Option<App>,
    /// The internal listener's.
    pub(crate) monitor: App,
    /// To be told that the end has come.
    pub(crate) health: Arc<HealthController>,
    /// To be run.
    pub(crate) worker: Option<Arc<Worker>>,
    /// Whether the beat is to be run.
    pub(crate) beats: bool,
}

impl Service {
    /// Opens what has to be open, and connects everything.
    pub(crate) async fn open(
        config: &Config,
        role: Role,
        metrics: Metrics,
        log: &Logger,
    ) -> Result<Self, Failure> {
        refuse_idleness(config, role)?;
        application::describe_metrics();
        let core = Core::open(config, log).await?;
        warn_of_idleness(config, role, log);
        if role.works(config) {
            for stranger in core.strange_queues(config) {
                slog::warn!(log, "{stranger}");
            }
        }
        let worker = role.works(config).then(|| core.worker(settings(config), log));
        let beats = role.beats(config);
        let health = HealthController::new(probes(&core, config, role, worker.as_ref()), PROBE_DEADLINE);
        let health = Arc::new(health);
        let eager = role.serves() && config.tasks.mode == Mode::Eager;
        let services = Services {
            persons: core.persons.clone(),
            tasks: core.tasks.clone(),
            imports: core.imports.clone(),
            watch: core.watch.clone(),
            statistics: core.database.statistics(),
            beat: core.beat.clone(),
            eager: eager.then(|| core.eager(config, log)),
            health: health.clone(),
            ids: core.ids.clone(),
            clock: core.clock.clone(),
            metrics: Arc::new(move || metrics.render()),
            log: component(log, "http"),
            secret: adapter_system::secret(32)
                .ok_or("the operating system has no randomness to give")?
                .into(),
            build: BUILD,
        };
        let public = role.serves().then(|| adapter_http::public(&config.http, &services));
        let monitor = adapter_http::monitor(&config.http, &services);
        Ok(Self { core, public, monitor, health, worker, beats })
    }
}

impl Core {
    fn worker(&self, settings: WorkerSettings, log: &Logger) -> Arc<Worker> {
        let ports = WorkerPorts {
            ledger: self.database.ledger(),
            doorbell: self.doorbell.clone(),
            registry: self.registry.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            chance: Arc::new(SystemChance),
        };
        Arc::new(Worker::new(ports, settings, component(log, "worker")))
    }

    /// Runs whatever is due, retries at once: what a request has scheduled is done when it is answered.
    fn eager(&self, config: &Config, log: &Logger) -> Eager {
        let backoff_cap = Some(Duration::ZERO);
        let worker = self.worker(WorkerSettings { backoff_cap, ..settings(config) }, log);
        let log = component(log, "worker");
        Arc::new(move || {
            let (worker, log) = (worker.clone(), log.clone());
            let drained = async move {
                if let Err(error) = worker.drain().await {
                    slog::error!(log, "tasks could not be run"; "error" => application::chain(&error));
                }
            };
            drained.boxed()
        })
    }
}

/// As configured, on this host.
fn settings(config: &Config) -> WorkerSettings {
    let tasks = &config.tasks;
    WorkerSettings {
        host: host(),
        process: std::process::id(),
        queues: tasks.queues.iter().map(|queue| queue.0.clone()).collect(),
        concurrency: tasks.concurrency,
        queue_concurrency: tasks
            .queue_concurrency
            .iter()
            .map(|(queue, limit)| (queue.0.clone(), *limit))
            .collect(),
        lease: tasks.lease,
        renewal: tasks.renewal,
        margin: tasks.margin,
        poll: tasks.poll,
        reclaim: tasks.reclaim,
        overdue_grace: tasks.overdue_grace,
        cancel_grace: tasks.cancel_grace,
        drain: tasks.drain,
        backoff_base: tasks.backoff_base,
        backoff_cap: tasks.backoff_cap,
        max_result_bytes: tasks.max_result_bytes,
        ..WorkerSettings::default()
    }
}

/// A worker that is told to run nothing has been started by mistake.
fn refuse_idleness(config: &Config, role: Role) -> Result<(), Failure> {
    match role {
        Role::Worker | Role::Drain if !role.works(config) => {
            Err("tasks.mode is eager, so requests run their tasks themselves and a worker has nothing to do"
                .into())
        }
        _ => Ok(()),
    }
}

/// The embedded database serves one process: whatever that one does not do, nobody does.
fn warn_of_idleness(config: &Config, role: Role, log: &Logger) {
    if !matches!(config.database.kind(), Ok(Kind::Sqlite)) || config.tasks.mode == Mode::Eager {
        return;
    }
    match role {
        Role::Api => slog::warn!(
            log,
            "nobody runs tasks: SQLite serves one process, and this one is the API alone; \
            `plinth` without a command is API, worker and beat in one, and on PostgreSQL they may run apart"
        ),
        Role::Worker | Role::Beat => slog::warn!(
            log,
            "nobody serves the API: SQLite serves one process; \
            `plinth` without a command is API, worker and beat in one, and on PostgreSQL they may run apart"
        ),
        Role::All | Role::Drain => {}
    }
}
