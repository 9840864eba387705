//! The section `database` of the configuration.

use crate::OpenError;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use std::time::Duration;
use url::Url;
use validator::{Validate, ValidationError};

/// Where the data is kept, and with which limits.
#[derive(Debug, Clone, Deserialize, Serialize, Validate, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[validate(schema(function = "understood"))]
pub struct DatabaseConfig {
    /// `sqlite://relative/path.db`, `sqlite:///absolute/path.db` or `postgres://user:password@host:port/name`. PostgreSQL
    /// takes `sslmode` (disable, prefer, require, verify-ca, verify-full), `sslrootcert` (a PEM file; the system's
    /// certificates if it is absent) and the other parameters of libpq as a query.
    #[serde(serialize_with = "without_password")]
    #[schemars(with = "String", extend("x-secret" = true))]
    pub url: SecretString,
    /// The greatest number of connections for writes (PostgreSQL); SQLite has one writer.
    #[validate(range(min = 1, max = 1000))]
    pub pool_size: u32,
    /// The greatest number of connections by which a worker claims and finishes tasks (PostgreSQL), apart from those of its
    /// handlers, so that neither waits for the other.
    #[validate(range(min = 1, max = 100))]
    pub worker_pool_size: u32,
    /// Connections that all reads share by pipelining (PostgreSQL). Two serve tens of thousands of reads per second.
    #[validate(range(min = 1, max = 64))]
    pub shared_connections: u32,
    /// The greatest number of connections for reads (SQLite).
    #[validate(range(min = 1, max = 64))]
    pub readers: u32,
    /// How long to wait for a free connection before answering that the service is overloaded.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = "some_time"))]
    pub acquire_timeout: Duration,
    /// How long to wait for a new connection to the server (PostgreSQL).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = "some_time"))]
    pub connect_timeout: Duration,
    /// The longest time for one statement of the pool (PostgreSQL). With `acquire_timeout` and a second for the answer it
    /// should be less than `http.timeouts.handler`, or a server that hangs is answered 504 instead of 503.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = "some_time"))]
    pub statement_timeout: Duration,
    /// The longest time for one read on a shared connection, where it holds up those behind it, or for a search or a count of tasks
    /// (PostgreSQL).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = "some_time"))]
    pub read_timeout: Duration,
    /// How long a statement waits for a lock; on SQLite, for the file.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = "some_time"))]
    pub lock_timeout: Duration,
    /// When the server gives up a transaction in which nothing happens (PostgreSQL).
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = "some_time"))]
    pub idle_in_transaction_timeout: Duration,
    /// How the connections name themselves to the server (PostgreSQL, `pg_stat_activity`).
    #[validate(length(min = 1, max = 63))]
    pub application_name: String,
    /// What a commit waits for (SQLite): with `full`, that the data is on the disk; with `normal`, a power failure may take
    /// the last commits, a crash of the process never does.
    pub synchronous: Synchronous,
    /// Apply pending migrations at start. The embedded database always does.
    pub update_on_start: bool,
    /// Drop everything, migrate and load the demo data at start. Refused in production.
    #[schemars(extend("x-development-only" = true))]
    pub reset_on_start: bool,
}

/// What a commit waits for on SQLite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Synchronous {
    /// The disk.
    Full,
    /// The operating system.
    Normal,
}

/// Which database a URL leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Embedded: one file, one server process.
    Sqlite,
    /// A server: any number of processes.
    Postgres,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: "sqlite://var/plinth.db".into(),
            pool_size: 10,
            worker_pool_size: 4,
            shared_connections: 2,
            readers: 4,
            acquire_timeout: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(3),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(10),
            application_name: "plinth".to_owned(),
            synchronous: Synchronous::Full,
            update_on_start: false,
            reset_on_start: false,
        }
    }
}

impl DatabaseConfig {
    /// By the scheme of the URL.
    pub fn kind(&self) -> Result<Kind, OpenError> {
        let (scheme, _) = self.url.expose_secret().split_once("://").unwrap_or_default();
        match scheme {
            "sqlite" => Ok(Kind::Sqlite),
            "postgres" | "postgresql" => Ok(Kind::Postgres),
            _ => Err(OpenError::Url("must start with sqlite:// or postgres://".to_owned())),
        }
    }
}

/// Whether the URL can be used at all, without connecting. A check of the field would put the secret into the error.
fn understood(config: &DatabaseConfig) -> Result<(), ValidationError> {
    crate::open::understand(config)
        .map_err(|error| ValidationError::new("url").with_message(error.to_string().into()))
}

fn some_time(time: &Duration) -> Result<(), ValidationError> {
    let bounds = Duration::from_millis(1)..=Duration::from_secs(3600);
    let message = "must be from 1ms to 1h";
    if bounds.contains(time) {
        Ok(())
    } else {
        Err(ValidationError::new("range").with_message(message.into()))
    }
}

/// For `plinth config show`: everything but the password.
fn without_password<S: Serializer>(url: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    let Ok(mut parsed) = Url::parse(url.expose_secret()) else {
        return serializer.serialize_str("[not a URL]");
    };
    let masked = parsed.password().is_some() && parsed.set_password(Some("***")).is_ok();
    serializer.serialize_str(if masked { parsed.as_str() } else { url.expose_secret() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str) -> DatabaseConfig {
        DatabaseConfig { url: url.into(), ..DatabaseConfig::default() }
    }

    #[test]
    fn the_scheme_decides() {
        assert_eq!(config("sqlite://var/x.db").kind().unwrap(), Kind::Sqlite);
        assert_eq!(config("postgresql://u@h/d").kind().unwrap(), Kind::Postgres);
        assert!(config("mysql://u@h/d").kind().is_err());
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_before_anything_connects() {
        for wrong in ["", "var/plinth.db", "sqlite://", "sqlite://x.db?mode=ro", "postgres://h:port/d"] {
            assert!(config(wrong).validate().is_err(), "{wrong}");
        }
        for wrong in ["postgres://u@h/d?sslmode=maybe", "postgres://u@h/d?nonsense=1"] {
            assert!(config(wrong).validate().is_err(), "{wrong}");
        }
        assert!(config("postgres://u:p@h:5433/d?sslmode=require&connect_timeout=2").validate().is_ok());
        assert!(DatabaseConfig::default().validate().is_ok());
    }

    #[test]
    fn a_password_that_was_not_encoded_is_told_and_not_shown() {
        for wrong in ["u:s3/cret@h/d", "u:s3#cret@h/d", "u:1/s3cret@h/d", "u:1#s3cret@h/d", "u:1?s3cret@h/d"]
        {
            let said = config(&format!("postgres://{wrong}")).validate().unwrap_err().to_string();
            assert!(said.contains("percent-encoded") && !said.contains("cret"), "{wrong}: {said}");
        }
        for right in ["u:s3%2Fcret%23@h/d", "h/d?user=ada@example", "u%40example:p@h/d%40"] {
            assert!(config(&format!("postgres://{right}")).validate().is_ok(), "{right}");
        }
    }

    #[test]
    fn every_duration_has_an_upper_limit() {
        let long = Duration::from_secs(u64::MAX);
        let config = DatabaseConfig {
            acquire_timeout: long,
            connect_timeout: long,
            statement_timeout: long,
            read_timeout: long,
            lock_timeout: long,
            idle_in_transaction_timeout: long,
            ..DatabaseConfig::default()
        };
        assert_eq!(config.validate().unwrap_err().errors().len(), 6);
    }

    #[test]
    fn a_configuration_that_is_shown_keeps_the_password_to_itself() {
        let shown = serde_json::to_string(&config("postgres://ada:s3cret@h/d")).unwrap();
        assert!(shown.contains("postgres://ada:***@h/d") && !shown.contains("s3cret"), "{shown}");
        assert!(!format!("{:?}", config("postgres://ada:s3cret@h/d")).contains("s3cret"));
    }
}
