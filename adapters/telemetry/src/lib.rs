//! What the service tells about itself: logs, metrics, error reports.
//!
//! Everything logs through the `slog::Logger` that it is given, and counts through the `metrics` facade; only `plinth`
//! starts what is here.

mod config;
mod line;
mod logs;
mod metrics;
mod pairs;
mod panics;
mod process;
mod queue;
mod redact;
mod sentry;

pub use self::{
    config::{Format, Level, LogConfig, Overflow, SentryConfig},
    logs::Logs,
    metrics::{Metrics, MetricsError},
    pairs::Style,
    redact::redact,
    sentry::Sentry,
};
