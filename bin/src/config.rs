//! The configuration: the adapters' sections, read in layers (`layers`), checked as a whole (`load`, `rules`), shown and
//! documented (`show`, `reference`).
//!
//! Only this module reads the environment. What may be set, and how, follows from the structs themselves: their JSON
//! schema is the list of keys (`keys`).

mod example;
mod keys;
mod layers;
mod load;
mod names;
mod problem;
mod reference;
mod rules;
mod schedules;
mod show;
mod sources;
mod tasks;

pub(crate) use self::{
    example::example,
    layers::encode,
    load::Loaded,
    names::Queue,
    problem::Problems,
    reference::reference,
    rules::placeholders,
    schedules::Schedules,
    show::show,
    sources::{Override, Sources},
    tasks::{Mode, TasksConfig},
};

use adapter_diesel::DatabaseConfig;
use adapter_http::{HttpConfig, MonitorConfig};
use adapter_redis::RedisConfig;
use adapter_telemetry::{LogConfig, SentryConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use validator::Validate;

/// Everything that can be configured. Made once, and passed on in parts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// From `APP_ENV` alone, so that no file can lift the rules of production.
    #[serde(skip)]
    pub(crate) env: Environment,
    #[validate(nested)]
    pub(crate) http: HttpConfig,
    #[validate(nested)]
    pub(crate) monitor: MonitorConfig,
    #[validate(nested)]
    pub(crate) database: DatabaseConfig,
    #[validate(nested)]
    pub(crate) redis: RedisConfig,
    #[validate(nested)]
    pub(crate) tasks: TasksConfig,
    pub(crate) schedules: Schedules,
    #[validate(nested)]
    pub(crate) log: LogConfig,
    #[validate(nested)]
    pub(crate) sentry: SentryConfig,
}

/// What the process is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Environment {
    /// A developer's machine: everything is convenient.
    #[default]
    Dev,
    /// Automated tests: like production, with less at stake.
    Test,
    /// Everything that is unsafe is refused.
    Prod,
}

impl Environment {
    /// As `APP_ENV` has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Prod => "prod",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Dev, Self::Test, Self::Prod].into_iter().find(|env| env.as_str() == text)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
