//! A throw-away Redis.

use super::{free_port, given};
use crate::{Folder, Process, installed};
use std::process::Command;
use tokio::sync::OnceCell;

/// A server without persistence, or the one that `TEST_REDIS_URL` names.
pub struct Redis {
    url: String,
    own: Option<(Process, Folder)>,
}

impl Redis {
    /// A server that answers.
    pub async fn start() -> Self {
        if let Some(url) = given("redis") {
            return Self { url, own: None };
        }
        assert!(installed::redis(), "Redis is not installed");
        let (folder, port) = (Folder::new(), free_port());
        let mut server = Command::new("redis-server");
        server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        let process = Process::start(server.current_dir(folder.path()), "KILL");
        let ready = |line: &str| line.contains("Ready to accept connections").then_some(());
        process.output.wait_for("Redis to be ready", ready).await;
        Self { url: format!("redis://127.0.0.1:{port}/0"), own: Some((process, folder)) }
    }

    /// The URL of the one that all tests on PostgreSQL share; it ends with this process.
    pub(crate) async fn shared() -> &'static str {
        static SHARED: OnceCell<Redis> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await.url()
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends a server of our own.
    pub fn stop(&mut self) {
        self.own = None;
    }
}
