//! The sections `log` and `sentry`.

use crate::redact::HIDDEN;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt};
use validator::{Validate, ValidationError};

/// Log lines, on standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// The least severe level that is written. Any case; `warn` is short for `warning`; `trace` is left out of release
    /// builds.
    #[schemars(extend("x-reloadable" = true))]
    pub level: Level,

    /// `auto`: lines for people if `APP_ENV` is `dev`, JSON otherwise.
    pub format: Format,

    /// How many lines may wait until standard output takes them.
    #[validate(range(min = 16, max = 1_000_000))]
    pub queue_size: usize,

    /// What happens to a line when `log.queue_size` lines are waiting: `drop` it and count it, or `block` whoever
    /// writes it.
    pub overflow: Overflow,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { level: Level::Info, format: Format::Auto, queue_size: 8192, overflow: Overflow::Drop }
    }
}

/// How severe a line is, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "syslog's and slog's own words")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Critical,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "explained where it is used")]
pub enum Format {
    Auto,
    Human,
    Json,
}

/// What to do with a line when too many are waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "explained where it is used")]
pub enum Overflow {
    Drop,
    Block,
}

/// Error reports to Sentry. Off unless `sentry.dsn` is set.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[validate(schema(function = dsn_is_one))]
pub struct SentryConfig {
    /// Where reports go: `https://<key>@<host>/<project>`.
    #[serde(serialize_with = "hidden")]
    #[schemars(with = "Option<String>", extend("x-secret" = true))]
    pub dsn: Option<SecretString>,

    /// The share of errors that is reported, from 0 to 1.
    #[validate(range(min = 0.0, max = 1.0))]
    pub sample_rate: f32,
}

impl Default for SentryConfig {
    fn default() -> Self {
        Self { dsn: None, sample_rate: 1.0 }
    }
}

// Not a check of the field: validator would copy the secret into its error. The code names the key instead.
fn dsn_is_one(config: &SentryConfig) -> Result<(), ValidationError> {
    match &config.dsn {
        Some(dsn) if dsn.expose_secret().parse::<::sentry::types::Dsn>().is_err() => {
            let message = "must be https://<key>@<host>/<project>";
            Err(ValidationError::new("dsn").with_message(Cow::Borrowed(message)))
        }
        _ => Ok(()),
    }
}

/// For `plinth config show`.
fn hidden<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| HIDDEN).serialize(serializer)
}

impl Level {
    const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?.to_ascii_lowercase();
        let name = if text == "warn" { "warning" } else { &text };
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == name)
            .ok_or_else(|| de::Error::custom("must be one of trace, debug, info, warning, error, critical"))
    }
}

impl From<Level> for slog::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
            Level::Critical => Self::Critical,
        }
    }
}

impl From<slog::Level> for Level {
    fn from(level: slog::Level) -> Self {
        match level {
            slog::Level::Trace => Self::Trace,
            slog::Level::Debug => Self::Debug,
            slog::Level::Info => Self::Info,
            slog::Level::Warning => Self::Warning,
            slog::Level::Error => Self::Error,
            slog::Level::Critical => Self::Critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_in_any_case() {
        for (text, level) in [("DEBUG", Level::Debug), ("warn", Level::Warning), ("Warning", Level::Warning)]
        {
            assert_eq!(serde_json::from_value::<Level>(text.into()).unwrap(), level);
        }
        assert!(serde_json::from_value::<Level>("loud".into()).is_err());
    }

    #[test]
    fn only_a_dsn_is_accepted_as_one() {
        let config = |dsn: &str| SentryConfig { dsn: Some(dsn.into()), ..SentryConfig::default() };
        assert!(config("https://key@sentry.internal/42").validate().is_ok());
        assert!(config("sentry.internal/42").validate().is_err());
        assert!(SentryConfig::default().validate().is_ok());
    }
}
