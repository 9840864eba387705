//! A throw-away Redis.

use super::{free_port, given};
use crate::{Folder, Process, installed};
use rustix::process::Signal;
use std::{fs, process::Command};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::OnceCell,
};

/// A server without persistence, or the one that `TEST_REDIS_URL` names.
pub struct Redis {
    url: String,
    own: Option<Own>,
}

struct Own {
    process: Option<Process>,
    folder: Folder,
    port: u16,
    arguments: Vec<String>,
}

impl Redis {
    /// A server that answers.
    pub async fn start() -> Self {
        if let Some(url) = given("redis") {
            return Self { url, own: None };
        }
        Self::alone().await
    }

    /// A server of the test's own, which it may ill-treat.
    pub async fn alone() -> Self {
        let mut server = Self::absent();
        server.resume().await;
        server
    }

    /// A server of the test's own that does not run yet: see [`Redis::resume`].
    pub fn absent() -> Self {
        assert!(installed::redis(), "Redis is not installed");
        let port = free_port();
        let arguments = vec!["--port".to_owned(), port.to_string()];
        Self {
            url: format!("redis://127.0.0.1:{port}/0"),
            own: Some(Own { process: None, folder: Folder::new(), port, arguments }),
        }
    }

    /// A server of the test's own with a password.
    pub async fn guarded(password: &str) -> Self {
        let mut server = Self::absent();
        server.own().arguments.extend(["--requirepass".to_owned(), password.to_owned()]);
        server.url = format!("redis://:{password}@127.0.0.1:{}/0", server.own().port);
        server.resume().await;
        server
    }

    /// A server of the test's own that speaks TLS alone, as `localhost`, with a certificate and its key in PEM.
    pub async fn secured(certificate: &str, key: &str) -> Self {
        let mut server = Self::absent();
        let own = server.own();
        let file = |name: &str, text: &str| {
            let file = own.folder.path().join(name);
            fs::write(&file, text).expect("a file can be written");
            file.to_string_lossy().into_owned()
        };
        let (certificate, key) = (file("server.crt", certificate), file("server.key", key));
        let settings = [
            ("--port", "0"),
            ("--tls-port", &own.port.to_string()),
            ("--tls-cert-file", &certificate),
            ("--tls-key-file", &key),
            ("--tls-ca-cert-file", &certificate),
            ("--tls-auth-clients", "no"),
        ];
        own.arguments =
            settings.into_iter().flat_map(|(key, value)| [key.to_owned(), value.to_owned()]).collect();
        server.url = format!("rediss://localhost:{}/0", server.own().port);
        server.resume().await;
        server
    }

    /// The URL of the one that all tests on PostgreSQL share; it ends with this process.
    pub async fn shared() -> &'static str {
        static SHARED: OnceCell<Redis> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await.url()
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends a server of our own.
    pub fn stop(&mut self) {
        if let Some(own) = &mut self.own {
            own.process = None;
        }
    }

    /// Starts a server of our own, again on the same port.
    pub async fn resume(&mut self) {
        let own = self.own();
        let mut server = Command::new("redis-server");
        server.args(&own.arguments).args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let process = Process::start(server.current_dir(own.folder.path()), "KILL");
        let ready = |line: &str| line.contains("Ready to accept connections").then_some(());
        process.output.wait_for("Redis to be ready", ready).await;
        own.process = Some(process);
    }

    /// Stops a server of our own in the middle of what it does: connections stay and are accepted, nothing is answered.
    pub fn freeze(&self) {
        self.process().signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process().signal(Signal::CONT);
    }

    /// Runs a command such as `FLUSHALL` on a server without TLS and password; the answer as it comes (Redis protocol,
    /// RESP2), at most one text long.
    pub async fn command(&self, command: &str) -> String {
        let url = url::Url::parse(&self.url).expect("a URL of Redis");
        let server = (url.host_str().expect("a host"), url.port().unwrap_or(6379));
        let mut socket = BufReader::new(TcpStream::connect(server).await.expect("Redis listens"));
        socket.write_all(format!("{command}\r\n").as_bytes()).await.expect("Redis reads");
        let mut answer = String::new();
        socket.read_line(&mut answer).await.expect("Redis answers");
        if let Some(length) = answer.strip_prefix('$').and_then(|length| length.trim().parse().ok()) {
            let mut text = vec![0; length];
            socket.read_exact(&mut text).await.expect("Redis answers");
            answer = String::from_utf8_lossy(&text).into_owned();
        }
        answer.trim_end().to_owned()
    }

    fn own(&mut self) -> &mut Own {
        self.own.as_mut().expect("a server of the test's own")
    }

    fn process(&self) -> &Process {
        self.own.as_ref().and_then(|own| own.process.as_ref()).expect("a server of the test's own, running")
    }
}
