//! The pool of connections, and the probe that asks whether one can be had.

use crate::{RedisConfig, RedisDoorbell};
use application::{Error, Probe, Unwell};
use async_trait::async_trait;
use bb8_redis::{
    RedisConnectionManager,
    bb8::{self, RunError},
};
use redis::{
    Client, IntoConnectionInfo, Pipeline, RedisError, RedisResult, TlsCertificates,
    aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use secrecy::ExposeSecret;
use slog::Logger;
use std::{
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// A handle on the pool, cheap to clone.
#[derive(Debug, Clone)]
pub struct Redis {
    pool: bb8::Pool<Manager>,
    last_failure: LastFailure,
    client: Client,
    config: RedisConfig,
}

/// Why the last attempt to connect failed, if it did: the pool tries again and again and says at the end only that the
/// time is up.
#[derive(Debug, Clone, Default)]
struct LastFailure(Arc<Mutex<Option<String>>>);

/// Makes connections, and remembers why it could not.
#[derive(Debug)]
struct Manager {
    inner: RedisConnectionManager,
    last_failure: LastFailure,
}

/// A pooled connection. One whose last use failed or was given up is not used again: the answer may still come, and a
/// connection that has gone silent would be tried for ever.
#[derive(Debug)]
struct Connection {
    inner: MultiplexedConnection,
    is_doubtful: bool,
}

/// A mistake in the configuration. That nothing listens there is no such error: see [`Redis::open`].
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What it says cannot be understood.
    #[error("redis.url is not a URL of Redis")]
    Url(#[source] RedisError),
    /// The file cannot be read.
    #[error("redis.root_certificates: cannot read {0}")]
    File(PathBuf, #[source] io::Error),
    /// The file is not what it should be.
    #[error("redis.root_certificates: {0} has no certificates in PEM format")]
    Certificates(PathBuf, #[source] RedisError),
}

impl Redis {
    /// `None` if none is configured. It connects when it is first used, so a Redis that is down stops no start.
    pub fn open(config: &RedisConfig) -> Result<Option<Self>, OpenError> {
        let Some(client) = client(config)? else { return Ok(None) };
        let inner =
            RedisConnectionManager::new(client.get_connection_info().clone()).map_err(OpenError::Url)?;
        let last_failure = LastFailure::default();
        let pool = bb8::Pool::builder()
            .max_size(config.pool_size)
            .connection_timeout(config.connect_timeout)
            // Whoever cannot bear a lost connection tries again: to ask first is another trip to the server.
            .test_on_check_out(false)
            .build_unchecked(Manager { inner, last_failure: last_failure.clone() });
        Ok(Some(Self { pool, last_failure, client, config: config.clone() }))
    }

    /// Hints through this server. It works in the background of the runtime that it is called in.
    pub fn doorbell(&self, log: &Logger) -> RedisDoorbell {
        RedisDoorbell::open(self, log)
    }

    /// Whether Redis answers. Not required: without it the process is degraded, not down.
    pub fn probe(&self) -> Arc<dyn Probe> {
        Arc::new(RedisProbe(self.clone()))
    }

    /// For connections of one's own.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn config(&self) -> &RedisConfig {
        &self.config
    }

    /// Runs all of `commands`; without any, asks whether the server is there. A connection that was lost while it was idle shows
    /// only now: then once more on another one, so that the commands must bear to be run twice.
    pub(crate) async fn run(&self, commands: &Pipeline) -> Result<(), Error> {
        let stale = self.pool.state().connections;
        for _ in 0..stale {
            match self.connection().await?.run(commands).await {
                Err(error) if error.is_connection_dropped() && !error.is_timeout() => {}
                result => return result.map_err(unavailable),
            }
        }
        self.connection().await?.run(commands).await.map_err(unavailable)
    }

    async fn connection(&self) -> Result<bb8::PooledConnection<'_, Manager>, Error> {
        self.pool.get().await.map_err(|error| match error {
            RunError::User(error) => unavailable(error),
            RunError::TimedOut => self.no_connection(),
        })
    }

    /// That there was none in time, and why, as far as that is known.
    pub(crate) fn no_connection(&self) -> Error {
        match self.last_failure.get() {
            Some(reason) => unavailable(format!("no connection in time: {reason}")),
            None => unavailable("no connection in time"),
        }
    }
}

/// `None` if no server is configured.
fn client(config: &RedisConfig) -> Result<Option<Client>, OpenError> {
    let Some(url) = &config.url else { return Ok(None) };
    let info = url.expose_secret().into_connection_info().map_err(OpenError::Url)?;
    let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
    let Some(file) = &config.root_certificates else {
        return Client::open(info).map(Some).map_err(OpenError::Url);
    };
    let root = fs::read(file).map_err(|error| OpenError::File(file.clone(), error))?;
    let certificates = TlsCertificates { client_tls: None, root_cert: Some(root) };
    let client = Client::build_with_tls(info, certificates);
    client.map(Some).map_err(|error| OpenError::Certificates(file.clone(), error))
}

impl Connection {
    async fn run(&mut self, commands: &Pipeline) -> RedisResult<()> {
        self.is_doubtful = true;
        if commands.is_empty() {
            redis::cmd("PING").exec_async(&mut self.inner).await?;
        } else {
            commands.exec_async(&mut self.inner).await?;
        }
        self.is_doubtful = false;
        Ok(())
    }
}

impl LastFailure {
    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, failure: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

impl bb8::ManageConnection for Manager {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Self::Connection, Self::Error> {
        let made = self.inner.connect().await;
        self.last_failure.set(made.as_ref().err().map(ToString::to_string));
        Ok(Connection { inner: made?, is_doubtful: false })
    }

    async fn is_valid(&self, conn: &mut Self::Connection) -> Result<(), Self::Error> {
        conn.is_doubtful = true;
        self.inner.is_valid(&mut conn.inner).await?;
        conn.is_doubtful = false;
        Ok(())
    }

    fn has_broken(&self, conn: &mut Self::Connection) -> bool {
        conn.is_doubtful
    }
}

struct RedisProbe(Redis);

#[async_trait]
impl Probe for RedisProbe {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn required(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<String, Unwell> {
        self.0.run(&Pipeline::new()).await?;
        Ok("answers".to_owned())
    }
}

fn unavailable(source: impl Into<application::BoxError>) -> Error {
    Error::unavailable("Redis", source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RedisConfig;
    use std::time::{Duration, Instant};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::Notify,
        time::timeout,
    };

    /// What becomes of the connections that are open when a server has had enough.
    #[derive(Clone, Copy)]
    enum End {
        /// They get no further answer.
        Silence,
        Close,
    }

    /// A server that says whatever makes every command succeed, as long as `listener` lives; the connections that are open when
    /// `over` is set have their `end`.
    async fn answer_everything(listener: TcpListener, over: Arc<Notify>, end: End) {
        while let Ok((mut socket, _)) = listener.accept().await {
            let over = over.clone();
            tokio::spawn(async move {
                let answering = async {
                    let mut buffer = [0; 1024];
                    while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                        let commands = buffer[..read].iter().filter(|&&b| b == b'*').count();
                        let _ = socket.write_all("+PONG\r\n".repeat(commands).as_bytes()).await;
                    }
                };
                tokio::select! {
                    () = answering => {}
                    () = over.notified() => if matches!(end, End::Silence) { std::future::pending().await },
                }
            });
        }
    }

    fn redis_at(port: u16) -> Redis {
        let url = Some(format!("redis://127.0.0.1:{port}/").into());
        let connect_timeout = Duration::from_millis(300);
        Redis::open(&RedisConfig { url, connect_timeout, ..RedisConfig::default() }).unwrap().unwrap()
    }

    #[tokio::test]
    async fn without_an_address_there_is_no_redis() {
        assert!(Redis::open(&RedisConfig::default()).unwrap().is_none());
    }

    #[tokio::test]
    async fn the_true_reason_is_told() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let Err(Error::Unavailable { source, .. }) = redis_at(port).run(&Pipeline::new()).await else {
            panic!("it answers")
        };
        assert!(source.to_string().contains("Connection refused"), "{source}");
    }

    #[tokio::test]
    async fn a_redis_that_is_absent_at_first_is_found_later() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let probe = redis_at(port).probe();
        let started = Instant::now();
        assert_eq!(probe.check().await.unwrap_err().to_string(), "Redis is not available");
        assert!(started.elapsed() < Duration::from_secs(2));

        let server = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        tokio::spawn(answer_everything(server, Arc::default(), End::Silence));
        assert_eq!(probe.check().await.unwrap(), "answers");
        assert!(!probe.required());
    }

    #[tokio::test]
    async fn a_connection_that_has_fallen_silent_is_not_tried_again() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let redis = redis_at(server.local_addr().unwrap().port());
        let silent = Arc::new(Notify::new());
        tokio::spawn(answer_everything(server, silent.clone(), End::Silence));
        let ask = async || timeout(Duration::from_millis(100), redis.run(&Pipeline::new())).await;
        while !ask().await.is_ok_and(|answer| answer.is_ok()) {}
        silent.notify_waiters();
        assert!(ask().await.is_err(), "an answer");
        ask().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_connection_that_was_lost_while_it_was_idle_is_replaced_at_once() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let redis = redis_at(server.local_addr().unwrap().port());
        let over = Arc::new(Notify::new());
        tokio::spawn(answer_everything(server, over.clone(), End::Close));
        for _ in 0..20 {
            redis.run(&Pipeline::new()).await.unwrap();
            over.notify_waiters();
        }
    }
}
