//! Where the server is and how a connection to it is made.

use super::{Conn, tls};
use crate::{DatabaseConfig, OpenError};
use diesel::result::ConnectionError;
use secrecy::ExposeSecret;
use std::{error::Error, time::Duration};
use tokio_postgres::{Config, NoTls, config::SslMode};
use url::Url;

/// A server, a database on it, and what every session there begins with.
pub(crate) struct Target {
    config: Config,
    security: tls::Security,
    connect_timeout: Duration,
    session: String,
}

const ENCODE: &str =
    "characters such as @ / ? # : % in the password have to be percent-encoded (/ is %2F, # is %23)";

/// The only encoding in which every text has a form.
const ENCODING: &str = "UTF8";

impl Target {
    /// Understands the URL without connecting.
    pub(crate) fn parse(config: &DatabaseConfig) -> Result<Self, OpenError> {
        let raw = config.url.expose_secret();
        let mut url =
            Url::parse(raw).map_err(|error| OpenError::Url(format!("is not a URL: {error}; {ENCODE}")))?;
        if ends_in_the_password(&url) {
            return Err(OpenError::Url(format!("has an @ or a # behind the host; {ENCODE}")));
        }
        let security = tls::Security::take_from(&mut url)?;
        let mut server: Config = url.as_str().parse().map_err(|error| OpenError::Url(told(&error)))?;
        // A server that went away without a word is noticed by the kernel, not by the next deploy.
        server
            .ssl_mode(security.negotiation())
            .application_name(&config.application_name)
            .connect_timeout(config.connect_timeout)
            .tcp_user_timeout(config.connect_timeout * 2)
            .keepalives_idle(Duration::from_secs(15))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3);
        // No statement here runs for as long as it takes to compile a plan.
        let session = format!(
            "SET jit = off; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {};",
            config.lock_timeout.as_millis(),
            config.idle_in_transaction_timeout.as_millis()
        );
        Ok(Self { config: server, security, connect_timeout: config.connect_timeout, session })
    }

    /// A connection on which no statement may run for longer than `statement_timeout` (zero: no limit), and with the settings
    /// that are `SET` in `session`.
    pub(crate) async fn connect(
        &self,
        statement_timeout: Duration,
        session: &str,
    ) -> Result<Conn, OpenError> {
        let handshake = self.handshake(statement_timeout, session);
        let connected = tokio::time::timeout(self.connect_timeout, handshake).await;
        connected.unwrap_or_else(|_| {
            Err(OpenError::Connect(format!("no answer within {} ms", self.connect_timeout.as_millis())))
        })
    }

    async fn handshake(&self, statement_timeout: Duration, session: &str) -> Result<Conn, OpenError> {
        let refused = |error: tokio_postgres::Error| OpenError::Connect(told(&error));
        let wrapped = |error: ConnectionError| OpenError::Connect(told(&error));
        let session =
            format!("SET statement_timeout = {}; {}{session}", statement_timeout.as_millis(), self.session);
        let mut conn = if self.config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = self.config.connect(NoTls).await.map_err(refused)?;
            check_encoding(connection.parameter("server_encoding"))?;
            Conn::try_from_client_and_connection(client, connection).await.map_err(wrapped)?
        } else {
            let (client, connection) =
                self.config.connect(self.security.connector()?).await.map_err(refused)?;
            check_encoding(connection.parameter("server_encoding"))?;
            Conn::try_from_client_and_connection(client, connection).await.map_err(wrapped)?
        };
        let set = diesel_async::SimpleAsyncConnection::batch_execute(&mut conn, &session).await;
        set.map_err(|error| OpenError::Connect(told(&error)))?;
        Ok(conn)
    }
}

/// Whether a `/`, `?` or `#` of the password was taken for the end of the host. Said before the driver sees the URL, since
/// it repeats what it does not know.
fn ends_in_the_password(url: &Url) -> bool {
    url.path().contains('@')
        || url.fragment().is_some()
        || url.query_pairs().any(|(key, _)| key.contains('@'))
}

/// Every server tells its encoding in the greeting; a proxy may leave that out.
fn check_encoding(encoding: Option<&str>) -> Result<(), OpenError> {
    match encoding {
        Some(other) if other != ENCODING => Err(OpenError::Encoding(other.to_owned())),
        _ => Ok(()),
    }
}

/// An error with its causes in one line; the driver keeps the true reason in the last of them.
fn told(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.ends_with(&text) {
            told = format!("{told}: {text}");
        }
        cause = error.source();
    }
    told
}
