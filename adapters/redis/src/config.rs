//! The section `redis`.

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};
use std::{borrow::Cow, path::PathBuf, time::Duration};
use validator::{Validate, ValidationError};

/// Redis, for what several processes share. Optional.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[validate(schema(function = url_is_of_redis))]
#[validate(schema(function = certificates_are_of_use))]
pub struct RedisConfig {
    /// Where it listens: `redis://[user:password@]host[:port][/db]`, or `rediss://…` for TLS. Unset: the process does without.
    #[serde(serialize_with = "without_password")]
    #[schemars(with = "Option<String>", extend("x-secret" = true))]
    pub url: Option<SecretString>,

    /// The most connections that this process opens.
    #[validate(range(min = 1, max = 1000))]
    pub pool_size: u32,

    /// How long to wait for a connection, whether it has to be opened or another use has to end first.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = "some_time"))]
    pub connect_timeout: Duration,

    /// What every key and channel begins with, so that several installations can share one server.
    #[validate(custom(function = plain_text))]
    pub key_prefix: String,

    /// For `rediss://`: the certificates to trust instead of the system's, a PEM file.
    pub root_certificates: Option<PathBuf>,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: None,
            pool_size: 10,
            connect_timeout: Duration::from_secs(1),
            key_prefix: "plinth:".to_owned(),
            root_certificates: None,
        }
    }
}

/// For `plinth config show`: where it is, and not how to get in.
fn without_password<S: Serializer>(url: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    let shown = url.as_ref().map(|url| {
        let url = url.expose_secret();
        let (scheme, rest) = url.split_once("://").unwrap_or(("redis", ""));
        match rest.rsplit_once('@') {
            Some((_, place)) => format!("{scheme}://***@{place}"),
            None => url.to_owned(),
        }
    });
    shown.serialize(serializer)
}

// Not a check of the field: validator would copy the secret into its error. The code names the key instead.
fn url_is_of_redis(config: &RedisConfig) -> Result<(), ValidationError> {
    match &config.url {
        Some(url) if redis::parse_redis_url(url.expose_secret()).is_none() => {
            let message = "must be redis://[user:password@]host[:port][/db], or rediss://… for TLS";
            Err(ValidationError::new("url").with_message(Cow::Borrowed(message)))
        }
        _ => Ok(()),
    }
}

fn certificates_are_of_use(config: &RedisConfig) -> Result<(), ValidationError> {
    let url = config.url.as_ref().and_then(|url| redis::parse_redis_url(url.expose_secret()));
    let is_tls = url.is_none_or(|url| matches!(url.scheme(), "rediss" | "valkeys"));
    if is_tls || config.root_certificates.is_none() {
        return Ok(());
    }
    // Whoever names certificates believes that the connection is encrypted.
    let message = "goes with a URL that begins with rediss:// alone";
    Err(ValidationError::new("root_certificates").with_message(Cow::Borrowed(message)))
}

/// A cluster would read braces as the part of a key that decides on its place.
fn plain_text(prefix: &str) -> Result<(), ValidationError> {
    let sane = |c: char| !c.is_whitespace() && !c.is_control() && c != '{' && c != '}';
    if prefix.chars().count() <= 50 && prefix.chars().all(sane) {
        return Ok(());
    }
    let message = "must be at most 50 characters without blanks and braces";
    Err(ValidationError::new("text").with_message(Cow::Borrowed(message)))
}

fn some_time(time: &Duration) -> Result<(), ValidationError> {
    let bounds = Duration::from_millis(1)..=Duration::from_secs(3600);
    if bounds.contains(time) {
        return Ok(());
    }
    Err(ValidationError::new("range").with_message(Cow::Borrowed("must be from 1ms to 1h")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_bounds() {
        for wrong in [Duration::ZERO, Duration::from_secs(u64::MAX)] {
            let config = RedisConfig { connect_timeout: wrong, ..RedisConfig::default() };
            assert!(config.validate().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_prefix_is_short_and_plain() {
        let config = |prefix: String| RedisConfig { key_prefix: prefix, ..RedisConfig::default() };
        for good in ["", "plinth:", "app/2:", "größe:", &"x".repeat(50)] {
            assert!(config(good.to_owned()).validate().is_ok(), "{good}");
        }
        for wrong in ["my app:", "{plinth}:", "a\nb", &"x".repeat(51)] {
            assert!(config(wrong.to_owned()).validate().is_err(), "{wrong}");
        }
    }

    #[test]
    fn certificates_without_tls_are_a_mistake() {
        let config = |url: &str| RedisConfig {
            url: Some(url.into()),
            root_certificates: Some("/etc/redis.pem".into()),
            ..RedisConfig::default()
        };
        assert!(config("rediss://redis.internal").validate().is_ok());
        let said = config("redis://redis.internal").validate().unwrap_err().to_string();
        assert!(said.contains("rediss://"), "{said}");
    }

    #[test]
    fn a_configuration_that_is_shown_keeps_the_password_to_itself() {
        let url = Some("redis://ada:can@ry@redis.internal/1".into());
        let shown = serde_json::to_string(&RedisConfig { url, ..RedisConfig::default() }).unwrap();
        assert!(shown.contains(r#""redis://***@redis.internal/1""#) && !shown.contains("can@ry"), "{shown}");
    }

    #[test]
    fn only_a_redis_address_is_accepted() {
        let config = |url: &str| RedisConfig { url: Some(url.into()), ..RedisConfig::default() };
        assert!(RedisConfig::default().validate().is_ok());
        for good in ["redis://localhost/1", "rediss://:secret@redis.internal:6380/2"] {
            assert!(config(good).validate().is_ok(), "{good}");
        }
        for bad in ["localhost:6379", "http://localhost", "postgres://localhost/db"] {
            assert!(config(bad).validate().is_err(), "{bad}");
        }
    }
}
