//! Puts adapters and controllers together. The only place that names both, and the registry of health probes.

use crate::config::Config;
use adapter_diesel::{Database, Migrator};
use adapter_http::{App, Build, Services};
use adapter_redis::Redis;
use adapter_system::{SystemClock, SystemIds};
use adapter_telemetry::Metrics;
use application::{Clock, HealthController, Ids, PersonController, Probe};
use slog::Logger;
use std::{error::Error, sync::Arc, time::Duration};

/// How long one health probe may take; a load balancer asks every few seconds.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// This build.
pub(crate) const BUILD: Build = Build {
    name: env!("CARGO_PKG_NAME"),
    version: env!("CARGO_PKG_VERSION"),
    revision: env!("PLINTH_REVISION"),
};

/// What is served, and what its end needs.
pub(crate) struct Wired {
    /// The public listener's.
    pub(crate) public: App,
    /// The internal listener's.
    pub(crate) monitor: App,
    /// To be told that the end has come.
    pub(crate) health: Arc<HealthController>,
    /// To be closed.
    pub(crate) database: Database,
}

impl Wired {
    /// Opens what has to be open, and connects everything.
    pub(crate) async fn open(
        config: &Config,
        metrics: Metrics,
        log: &Logger,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let database = Database::open(&config.database, &component(log, "database")).await?;
        let redis = Redis::open(&config.redis)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let ids: Arc<dyn Ids> = Arc::new(SystemIds::default());
        let health = Arc::new(HealthController::new(probes(&database, redis.as_ref()), PROBE_DEADLINE));
        let services = Services {
            persons: Arc::new(PersonController::new(database.persons(), clock.clone(), ids.clone())),
            health: health.clone(),
            ids,
            clock,
            metrics: Arc::new(move || metrics.render()),
            log: component(log, "http"),
            build: BUILD,
        };
        let public = adapter_http::public(&config.http, &services);
        let monitor = adapter_http::monitor(&config.http, &services);
        Ok(Self { public, monitor, health, database })
    }
}

/// Every probe of `/health` and `/mon/checks/{name}`. A further one is a line here.
pub(crate) fn probes(database: &Database, redis: Option<&Redis>) -> Vec<Arc<dyn Probe>> {
    let mut probes = database.probes();
    probes.extend(redis.map(Redis::probe));
    probes
}

/// Migrates, or starts anew with the demo data, as configured.
pub(crate) async fn prepare_database(
    config: &Config,
    log: &Logger,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let settings = &config.database;
    if !settings.reset_on_start && !settings.update_on_start {
        return Ok(());
    }
    let log = component(log, "database");
    let mut migrator = Migrator::open(settings, &log).await?;
    if settings.reset_on_start {
        migrator.reset().await?;
        let persons = migrator.seed(&SystemClock, &SystemIds::default()).await?;
        slog::warn!(log, "the database was reset"; "demo_persons" => persons);
    } else {
        migrator.upgrade(None).await?;
    }
    Ok(())
}

/// The logger of one part of the process.
fn component(log: &Logger, name: &'static str) -> Logger {
    log.new(slog::o!("component" => name))
}
