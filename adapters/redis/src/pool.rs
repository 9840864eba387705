//! The pool of connections, and the probe that asks whether one can be had.

use crate::RedisConfig;
use application::{Error, Probe, Unwell};
use async_trait::async_trait;
use bb8_redis::{
    RedisConnectionManager,
    bb8::{self, RunError},
};
use redis::{RedisError, aio::MultiplexedConnection};
use secrecy::ExposeSecret;
use std::sync::{Arc, Mutex, PoisonError};

/// A handle on the pool, cheap to clone.
#[derive(Debug, Clone)]
pub struct Redis {
    pool: bb8::Pool<Manager>,
    last_failure: LastFailure,
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

/// The URL cannot be one of Redis. That nothing listens there is no such error: see [`Redis::open`].
#[derive(Debug, thiserror::Error)]
#[error("redis.url is not a URL of Redis")]
pub struct OpenError(#[source] RedisError);

impl Redis {
    /// `None` if none is configured. It connects when it is first used, so a Redis that is down stops no start.
    pub fn open(config: &RedisConfig) -> Result<Option<Self>, OpenError> {
        let Some(url) = &config.url else { return Ok(None) };
        let inner = RedisConnectionManager::new(url.expose_secret()).map_err(OpenError)?;
        let last_failure = LastFailure::default();
        let pool = bb8::Pool::builder()
            .max_size(config.pool_size)
            .connection_timeout(config.connect_timeout)
            // bb8-redis never reports a connection as broken, so only this check gets rid of one.
            .test_on_check_out(true)
            .build_unchecked(Manager { inner, last_failure: last_failure.clone() });
        Ok(Some(Self { pool, last_failure }))
    }

    /// Whether Redis answers. Not required: without it the process is degraded, not down.
    pub fn probe(&self) -> Arc<dyn Probe> {
        Arc::new(RedisProbe(self.clone()))
    }

    async fn ping(&self) -> Result<(), Error> {
        let mut connection = self.pool.get().await.map_err(|error| match error {
            RunError::User(error) => unavailable(error),
            RunError::TimedOut => match self.last_failure.get() {
                Some(reason) => unavailable(format!("no connection in time: {reason}")),
                None => unavailable("no connection in time"),
            },
        })?;
        redis::cmd("PING").query_async::<String>(&mut *connection).await.map_err(unavailable)?;
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
    type Connection = MultiplexedConnection;
    type Error = RedisError;

    async fn connect(&self) -> Result<Self::Connection, Self::Error> {
        let made = self.inner.connect().await;
        self.last_failure.set(made.as_ref().err().map(ToString::to_string));
        made
    }

    async fn is_valid(&self, conn: &mut Self::Connection) -> Result<(), Self::Error> {
        self.inner.is_valid(conn).await
    }

    fn has_broken(&self, conn: &mut Self::Connection) -> bool {
        self.inner.has_broken(conn)
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
        self.0.ping().await?;
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
    };

    /// A server that says whatever makes every command succeed, as long as `listener` lives.
    async fn answer_everything(listener: TcpListener) {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while let Ok(read @ 1..) = socket.read(&mut buffer).await {
                    let commands = buffer[..read].iter().filter(|&&b| b == b'*').count();
                    let _ = socket.write_all("+PONG\r\n".repeat(commands).as_bytes()).await;
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
        let Err(Error::Unavailable { source, .. }) = redis_at(port).ping().await else {
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
        tokio::spawn(answer_everything(server));
        assert_eq!(probe.check().await.unwrap(), "answers");
        assert!(!probe.required());
    }
}
