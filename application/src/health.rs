//! Health by probes: each dependency is asked a small question under a deadline, all of them at once.
//!
//! Which probes there are is decided in one place, `bin/src/wire.rs`; a further one is a type that implements [`Probe`]
//! and a line there.

use crate::{BoxError, Error};
use async_trait::async_trait;
use futures_util::future::join_all;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// A question to one dependency.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait Probe: Send + Sync {
    /// Its name in `/health` and `/mon/checks/{name}`: lower case, such as `db`.
    fn name(&self) -> &'static str;

    /// Whether the service can do its work without it: a failing probe that is not required only degrades.
    fn required(&self) -> bool;

    /// One sentence on what was found, or why it is not well.
    async fn check(&self) -> Result<String, Unwell>;
}

/// Why a dependency is not well, in one sentence. It is public, so it names no host, user or secret; the source, for an
/// operator, may.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Unwell {
    why: String,
    #[source]
    source: Option<BoxError>,
}

/// Runs the probes.
pub struct HealthController {
    probes: Vec<Arc<dyn Probe>>,
    deadline: Duration,
    stopping: AtomicBool,
}

/// What all probes together say.
#[derive(Debug, Clone, PartialEq)]
pub struct Health {
    /// The worst of the checks, required or not.
    pub status: HealthStatus,
    /// In the order of registration.
    pub checks: Vec<Check>,
}

/// Whether to send requests here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthStatus {
    /// All is well.
    Ok,
    /// Something optional is missing; requests are still answered.
    Degraded,
    /// Something required is missing, or the process is stopping: send requests elsewhere.
    Down,
}

/// What one probe says.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The probe.
    pub name: &'static str,
    /// Its verdict.
    pub status: CheckStatus,
    /// One sentence: what was found, or what is wrong. It names no host, user or secret, for `/health` is public.
    pub detail: String,
    /// How long it took.
    pub duration: Duration,
}

/// The verdict of one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckStatus {
    /// Well.
    Ok,
    /// Failing, and the service works without it.
    Degraded,
    /// Failing, and required.
    Down,
}

impl Unwell {
    /// A verdict of the probe itself, on something that answers.
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), source: None }
    }
}

impl From<Error> for Unwell {
    fn from(error: Error) -> Self {
        let why = error.to_string();
        let source = match error {
            Error::Unavailable { source, .. } | Error::Internal { source, .. } => Some(source),
            Error::NotFound { .. } | Error::Conflict { .. } | Error::Stale { .. } | Error::TooMany { .. } => {
                None
            }
        };
        Self { why, source }
    }
}

impl HealthController {
    /// `deadline` is for each probe; they run side by side.
    pub fn new(probes: Vec<Arc<dyn Probe>>, deadline: Duration) -> Self {
        Self { probes, deadline, stopping: AtomicBool::new(false) }
    }

    /// From now on the process is not ready, whatever the probes say.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// All probes.
    pub async fn report(&self) -> Health {
        let checks = join_all(self.probes.iter().map(|probe| self.ask(probe.as_ref()))).await;
        let worst = checks.iter().map(|check| HealthStatus::from(check.status)).max();
        let stopping = self.stopping.load(Ordering::Relaxed);
        let status = if stopping { HealthStatus::Down } else { worst.unwrap_or(HealthStatus::Ok) };
        Health { status, checks }
    }

    /// One probe; `NotFound` if none has this name.
    pub async fn check(&self, name: &str) -> Result<Check, Error> {
        let probe = self.probes.iter().find(|probe| probe.name() == name);
        Ok(self.ask(probe.ok_or_else(|| Error::not_found("check", name))?.as_ref()).await)
    }

    /// The names of all probes.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.probes.iter().map(|probe| probe.name())
    }

    async fn ask(&self, probe: &dyn Probe) -> Check {
        let started = Instant::now();
        let (status, detail) = match tokio::time::timeout(self.deadline, probe.check()).await {
            Ok(Ok(detail)) => (CheckStatus::Ok, detail),
            Ok(Err(unwell)) => (CheckStatus::failing(probe), unwell.to_string()),
            Err(_) => {
                (CheckStatus::failing(probe), format!("no answer within {} ms", self.deadline.as_millis()))
            }
        };
        Check { name: probe.name(), status, detail, duration: started.elapsed() }
    }
}

impl CheckStatus {
    fn failing(probe: &dyn Probe) -> Self {
        if probe.required() { Self::Down } else { Self::Degraded }
    }
}

impl From<CheckStatus> for HealthStatus {
    fn from(status: CheckStatus) -> Self {
        match status {
            CheckStatus::Ok => Self::Ok,
            CheckStatus::Degraded => Self::Degraded,
            CheckStatus::Down => Self::Down,
        }
    }
}

#[cfg(test)]
mod tests;
