//! Waits until servers accept connections, as a task: a link before whatever needs them.

use crate::{BoxError, TaskContext, TaskError, TaskKind};
use async_trait::async_trait;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc, time::Duration};

/// How long one server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reaches servers over the network.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)] // must stand above async_trait
#[async_trait]
pub trait Servers: Send + Sync {
    /// Connects to `server` by TCP, at whichever of its addresses accepts, and hangs up. An error says what stood in the
    /// way, also if nothing has accepted after `limit`.
    async fn dial(&self, server: &Server, limit: Duration) -> Result<(), BoxError>;
}

/// Succeeds once all of the servers accept connections: at first a look every few seconds, at last one every ten minutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitForServers {
    /// All of them must answer.
    pub servers: ServerList,
}

/// What answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServersAnswer {
    /// How many servers.
    pub servers: usize,
}

impl TaskKind for WaitForServers {
    const NAME: &'static str = "WAIT_FOR_SERVERS";
    const MAX_RETRIES: u32 = 20;

    type Services = Arc<dyn Servers>;
    type Output = ServersAnswer;

    async fn run(self, ctx: TaskContext<Arc<dyn Servers>>) -> Result<ServersAnswer, TaskError> {
        let ServerList(servers) = self.servers;
        let dials = join_all(servers.iter().map(|server| ctx.services.dial(server, PATIENCE)));
        let answers = tokio::select! {
            answers = dials => answers,
            () = ctx.cancelled() => return Err(TaskError::retry("stopped before all servers have answered")),
        };
        let silent: Vec<String> = servers
            .iter()
            .zip(answers)
            .filter_map(|(server, answer)| answer.err().map(|error| format!("{server}: {error}")))
            .collect();
        let (all, answering) = (servers.len(), servers.len() - silent.len());
        ctx.progress(answering as f64 / all as f64, &format!("{answering} of {all} servers answer"));
        match silent.is_empty() {
            true => Ok(ServersAnswer { servers: all }),
            false => Err(TaskError::retry(silent.join("; "))),
        }
    }
}

/// 1 to 20 servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Server>")]
pub struct ServerList(Vec<Server>);

impl ServerList {
    /// How many at most: all are dialled at once.
    pub const MAX: usize = 20;
}

impl TryFrom<Vec<Server>> for ServerList {
    type Error = String;

    fn try_from(servers: Vec<Server>) -> Result<Self, String> {
        match servers.len() {
            1..=Self::MAX => Ok(Self(servers)),
            n => Err(format!("must be 1 to {} servers, not {n}", Self::MAX)),
        }
    }
}

/// A host and a port: `db.example.com:5432`, `192.0.2.1:6379`, `[2001:db8::1]:5432`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Server {
    /// A name or an address; that of IPv6 without its brackets.
    pub host: String,
    /// Not 0.
    pub port: u16,
}

impl TryFrom<String> for Server {
    type Error = String;

    fn try_from(raw: String) -> Result<Self, String> {
        let wrong = || format!("`{raw}` must be a host and a port such as db.example.com:5432");
        let (host, port) = raw.rsplit_once(':').ok_or_else(wrong)?;
        let is_number = port.bytes().all(|b| b.is_ascii_digit()); // parse() takes a sign too
        let port: u16 = port.parse().ok().filter(|port| is_number && *port > 0).ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_ipv6 = |host: &str| host.parse::<std::net::Ipv6Addr>().is_ok();
        let is_name = |host: &str| {
            let sane = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            (1..=253).contains(&host.len()) && host.bytes().all(sane)
        };
        match bare {
            Some(host) if is_ipv6(host) => Ok(Self { host: host.to_owned(), port }),
            None if is_name(host) => Ok(Self { host: host.to_owned(), port }),
            _ => Err(wrong()),
        }
    }
}

impl From<Server> for String {
    fn from(server: Server) -> Self {
        server.to_string()
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(servers: &[&str]) -> Result<WaitForServers, String> {
        serde_json::from_value(serde_json::json!({ "servers": servers })).map_err(|error| error.to_string())
    }

    fn context(servers: MockServers) -> TaskContext<Arc<dyn Servers>> {
        TaskContext::for_test(Arc::new(Arc::new(servers)))
    }

    /// Each is dialled once; those on port 9 do not answer.
    fn dialled(times: usize) -> MockServers {
        let mut servers = MockServers::new();
        servers
            .expect_dial()
            .withf(|_, limit| *limit == PATIENCE)
            .times(times)
            .returning(|server, _| if server.port == 9 { Err("connection refused".into()) } else { Ok(()) });
        servers
    }

    #[tokio::test]
    async fn all_must_answer() {
        let task = payload(&["db:5432", "[2001:db8::1]:6379"]).unwrap();
        assert_eq!(task.run(context(dialled(2))).await.unwrap(), ServersAnswer { servers: 2 });
    }

    #[tokio::test]
    async fn those_that_do_not_answer_are_told_and_tried_again() {
        let task = payload(&["db:5432", "[2001:db8::1]:9", "192.0.2.1:9"]).unwrap();
        let ctx = context(dialled(3));
        let error = task.run(ctx.clone()).await.unwrap_err();
        assert!(matches!(error, TaskError::Retry(_)));
        let expected = "[2001:db8::1]:9: connection refused; 192.0.2.1:9: connection refused";
        assert_eq!(error.to_string(), expected);
        assert_eq!(ctx.said().unwrap().note(), "1 of 3 servers answer");
    }

    #[test]
    fn a_payload_names_1_to_20_hosts_with_their_ports() {
        let task = payload(&["db-1.example.com:5432", "[::1]:1"]).unwrap();
        let json = r#"{"servers":["db-1.example.com:5432","[::1]:1"]}"#;
        assert_eq!(serde_json::to_string(&task).unwrap(), json);
        assert!(payload(&["db:1"; 20]).is_ok());
        assert!(payload(&["db:1"; 21]).unwrap_err().contains("1 to 20 servers, not 21"));
        assert!(payload(&[]).unwrap_err().contains("1 to 20 servers, not 0"));
        let wrong =
            ["db", "db:", ":1", "db:0", "db:65536", "db:+1", "::1:80", "[db]:1", "d b:1", "http://db:1"];
        for server in wrong {
            let error = payload(&[server]).unwrap_err();
            assert!(error.contains("must be a host and a port"), "{server}: {error}");
        }
    }
}
