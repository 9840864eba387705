//! The sections `http` and `monitor` of the configuration: listeners, limits and time-outs, each with its default.

use http::Uri;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use validator::{Validate, ValidationError};

/// The public listener: the API and its documentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[validate(schema(function = without_user, skip_on_field_errors = false))]
pub struct HttpConfig {
    /// The IP address to listen on: `127.0.0.1` for this machine alone, `0.0.0.0` or `::` for every network.
    #[schemars(with = "String")]
    pub host: IpAddr,
    /// The port to listen on; 0 for any that is free.
    pub port: u16,
    /// The path under which a reverse proxy shows the service, such as `/api`. Requests are accepted with and without
    /// it, and links are made with it.
    #[validate(custom(function = path))]
    pub root_path: String,
    /// Scheme and host for links, such as `https://api.example.com`, if the `Host` of a request should not decide.
    #[validate(custom(function = origin))]
    pub public_url: Option<String>,
    /// Networks of reverse proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed, such as `10.0.0.0/8`.
    /// Nobody's are by default.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// How much a client may ask for.
    #[validate(nested)]
    pub limits: Limits,
    /// How long a client or a handler may take.
    #[validate(nested)]
    pub timeouts: Timeouts,
}

/// The internal listener: health, single checks and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorConfig {
    /// The IP address to listen on. Its answers are not for the public.
    #[schemars(with = "String")]
    pub host: IpAddr,
    /// The port to listen on; 0 for any that is free.
    pub port: u16,
}

/// How much a client may ask for. What exceeds a limit is refused, never cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Open connections; further ones wait until one of them ends.
    #[validate(range(min = 1))]
    pub connections: usize,
    /// Open connections of one IP address (IPv6: of one /64 network); further ones are closed at once. Trusted proxies
    /// are exempt, since they speak for many.
    #[validate(range(min = 1))]
    pub connections_per_address: usize,
    /// Requests being worked on; further ones wait for one of these to end. `/mon/ping` is exempt.
    #[validate(range(min = 1))]
    pub in_flight: usize,
    /// Requests that wait, at most as long as `timeouts.queue`; further ones are answered 503 with `Retry-After`.
    pub queued: usize,
    /// Bytes of path and query string; a longer one is answered 414.
    #[validate(range(min = 64, max = 32768))]
    pub uri_bytes: usize,
    /// Number of header fields; more are answered 431.
    #[validate(range(min = 8, max = 96))]
    pub headers: usize,
    /// Bytes of all header fields; more are answered 431.
    #[validate(range(min = 1024, max = 49152))]
    pub header_bytes: usize,
    /// Bytes of a request body; a longer one is answered 413.
    #[validate(range(min = 1024))]
    pub body_bytes: usize,
    /// Bytes of memory for all request bodies above 4 KiB together, from their first byte to the end of the work on them,
    /// and never less than the longest one needs; what finds no room within `timeouts.queue` is answered 503 with `Retry-After`.
    #[validate(range(min = 1024))]
    pub bodies_bytes: usize,
    /// Bytes of an uploaded file; a longer one is answered 413.
    #[validate(range(min = 1024))]
    pub upload_bytes: usize,
    /// Streams of events that are open at once; further ones are answered 503 with `Retry-After`. They do not count as
    /// requests being worked on.
    #[validate(range(min = 1))]
    pub event_streams: usize,
    /// Streams of events that are open at once for one IP address (IPv6: one /64 network), as far as trusted proxies tell
    /// it; further ones are answered 503 with `Retry-After`. Trusted proxies themselves are exempt.
    #[validate(range(min = 1))]
    pub event_streams_per_address: usize,
    /// Requests at once on one HTTP/2 connection.
    #[validate(range(min = 1, max = 1024))]
    pub streams_per_connection: u32,
}

/// How long a client or a handler may take, such as `10s` or `500ms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Timeouts {
    /// From opening a connection, or the first byte of a further request, to the end of the request's header; the
    /// connection is closed then.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = positive))]
    pub header: Duration,
    /// To the end of the request's body; answered 408.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = positive))]
    pub body: Duration,
    /// Until a request is worked on, if too many are; answered 503 with `Retry-After`. Those who wait do not ask again
    /// meanwhile, so a short wait keeps a crowd from costing more in refusals than in answers.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = at_most_a_day))]
    pub queue: Duration,
    /// For the work on a request; answered 504. The work itself goes on to its end.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = positive))]
    pub handler: Duration,
    /// Without the client taking any byte of an answer; the connection is closed then, or over HTTP/2 that answer given
    /// up.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = positive))]
    pub write: Duration,
    /// Of a connection between two requests; closed then. Longer than a reverse proxy's own keeps that one from
    /// sending a request into a connection that has just been closed.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = positive))]
    pub idle: Duration,
    /// For requests under way when the process is asked to stop; whatever is not done then is cut.
    #[serde(with = "humantime_serde")]
    #[schemars(with = "String")]
    #[validate(custom(function = positive))]
    pub shutdown: Duration,
}

impl HttpConfig {
    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Whether `address` belongs to a trusted proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }
}

impl MonitorConfig {
    /// Where to listen.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 5000,
            root_path: String::new(),
            public_url: None,
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
            timeouts: Timeouts::default(),
        }
    }
}

impl Default for MonitorConfig {
    fn default() -> Self {
        Self { host: Ipv4Addr::LOCALHOST.into(), port: 5001 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_address: 64,
            in_flight: 256,
            queued: 4096,
            uri_bytes: 8 * 1024,
            headers: 64,
            header_bytes: 32 * 1024,
            body_bytes: 1024 * 1024,
            bodies_bytes: 64 * 1024 * 1024,
            upload_bytes: 5 * 1024 * 1024,
            event_streams: 1000,
            event_streams_per_address: 64,
            streams_per_connection: 128,
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(10),
            body: Duration::from_secs(20),
            queue: Duration::from_millis(500),
            handler: Duration::from_secs(15),
            write: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            shutdown: Duration::from_secs(25),
        }
    }
}

/// Empty, or `/segment` any number of times, of characters that need no escape.
fn path(value: &str) -> Result<(), ValidationError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let segment = |s: &str| !s.is_empty() && !matches!(s, "." | "..") && s.bytes().all(plain);
    let well = match value.strip_prefix('/') {
        None => value.is_empty(),
        Some(rest) => rest.split('/').all(segment),
    };
    wrong_unless(well, "must be empty or a path such as /api, without a slash at its end")
}

fn origin(value: &str) -> Result<(), ValidationError> {
    let well = value.parse::<Uri>().is_ok_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.authority().is_some()
            && !value.ends_with('/')
            && uri.path() == "/"
            && uri.query().is_none()
    });
    // The error of a field tells its value: what may have a password in it is left to `without_user`.
    wrong_unless(
        well || value.contains('@'),
        "must be scheme and host such as https://api.example.com, without a path",
    )
}

/// A rule over the whole section, whose error does not tell the value.
fn without_user(config: &HttpConfig) -> Result<(), ValidationError> {
    if config.public_url.as_ref().is_none_or(|url| !url.contains('@')) {
        return Ok(());
    }
    let message = "must be scheme and host such as https://api.example.com, without a user or password";
    Err(ValidationError::new("public_url").with_message(message.into()))
}

fn positive(value: &Duration) -> Result<(), ValidationError> {
    wrong_unless(!value.is_zero(), "must be longer than nothing").and_then(|()| at_most_a_day(value))
}

/// What is meant to be "never" would overflow the clock when it is added to the time.
fn at_most_a_day(value: &Duration) -> Result<(), ValidationError> {
    wrong_unless(*value <= Duration::from_secs(24 * 60 * 60), "must be at most a day")
}

fn wrong_unless(well: bool, message: &'static str) -> Result<(), ValidationError> {
    if well { Ok(()) } else { Err(ValidationError::new("format").with_message(message.into())) }
}

#[cfg(test)]
mod tests;
