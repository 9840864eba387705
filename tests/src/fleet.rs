//! Several processes on one database: an API, workers, beats. On SQLite it is one process that is all of them.
//!
//! Their leases and polls are short, so that what takes a minute in production takes seconds here.

use crate::{Folder, Redis, Setup, Stack, TestApp, TestDatabase, command};
use serde_json::Value;
use std::{fs, path::PathBuf};

/// Processes and what they share.
pub struct Fleet {
    setup: Setup,
    database: TestDatabase,
    redis: Option<String>,
    folder: Folder,
    /// The one with a public listener.
    pub api: TestApp,
    /// None on SQLite.
    pub workers: Vec<TestApp>,
}

impl Setup {
    /// Lease 3 s, renewal 0.75 s, reclaim 0.5 s, poll 0.25 s, drain 5 s, backoff of 50 ms to 500 ms.
    pub fn with_short_leases(self) -> Self {
        let settings = [
            ("lease", "3s"),
            ("renewal", "750ms"),
            ("margin", "500ms"),
            ("reclaim", "500ms"),
            ("poll", "250ms"),
            ("drain", "5s"),
            ("overdue_grace", "1s"),
            ("cancel_grace", "1s"),
            ("backoff_base", "50ms"),
            ("backoff_cap", "500ms"),
        ];
        let short = |setup: Self, (name, value): (&str, &str)| setup.with(&format!("tasks.{name}"), value);
        settings.into_iter().fold(self.with("log.level", "info"), short)
    }
}

impl Fleet {
    /// An API and so many workers on PostgreSQL and Redis, or one process on SQLite.
    pub async fn start(setup: Setup, workers: usize) -> Self {
        let redis = setup.redis().await.map(str::to_owned);
        Self::start_beside(setup, workers, redis).await
    }

    /// The same with a Redis of the test's own.
    pub async fn start_with(setup: Setup, workers: usize, redis: &Redis) -> Self {
        Self::start_beside(setup, workers, Some(redis.url().to_owned())).await
    }

    async fn start_beside(setup: Setup, workers: usize, redis: Option<String>) -> Self {
        let database = setup.database().await;
        let setup = setup.with_short_leases();
        let setup = match &redis {
            Some(url) => setup.env("REDIS_URL", url),
            None => setup,
        };
        let role = if setup.stack() == Stack::Sqlite { "all" } else { "api" };
        let api = setup.clone().arguments(&[role]).start_on(database.url()).await;
        let mut fleet = Self { setup, database, redis, folder: Folder::new(), api, workers: Vec::new() };
        if role == "api" {
            for _ in 0..workers {
                let worker = fleet.process(&["worker"]).await;
                fleet.workers.push(worker);
            }
        }
        fleet
    }

    /// A further process on the same database.
    pub async fn process(&self, arguments: &[&str]) -> TestApp {
        self.setup.clone().arguments(arguments).start_on(self.database.url()).await
    }

    /// Kills a worker, or the one process, and starts another in its place.
    pub async fn kill(&mut self, worker: usize) {
        if self.workers.is_empty() {
            let next = self.setup.clone().arguments(&["all"]);
            self.api.die().await;
            self.api = next.start_on(self.database.url()).await;
        } else {
            let worker = worker % self.workers.len();
            self.workers.swap_remove(worker).kill().await;
            let next = self.process(&["worker"]).await;
            self.workers.push(next);
        }
    }

    /// Where handlers keep their journal.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// The database that all share.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Schedules a task for each payload, from the command line.
    pub async fn schedule(&self, kind: &str, payloads: &[Value]) {
        let lines: String = payloads.iter().map(|payload| format!("{payload}\n")).collect();
        let file = self.folder.path().join("payloads");
        fs::write(&file, lines).expect("a file can be written");
        let file = file.to_string_lossy().into_owned();
        self.plinth(&["task", "run", kind, "--each", &file]).await;
    }

    /// Runs a command of `plinth` on the same database and answers what it prints.
    pub async fn plinth(&self, arguments: &[&str]) -> String {
        let mut command = command(self.setup.plinth(), arguments).env("DATABASE_URL", self.database.url());
        if let Some(redis) = &self.redis {
            command = command.env("REDIS_URL", redis);
        }
        command.run().await.succeeded()
    }

    /// Every task, as the API tells of it.
    pub async fn tasks(&self) -> Vec<Value> {
        let mut tasks = Vec::new();
        let mut next = Some("/v1/tasks?limit=100".to_owned());
        while let Some(url) = next {
            let page = self.api.get(&url).await.expect(200).json();
            tasks.extend(page["objects"].as_array().expect("objects").iter().cloned());
            next = page["next"].as_str().map(str::to_owned);
        }
        tasks
    }

    /// Whether nothing is waiting, queued or running any more.
    pub async fn is_settled(&self) -> bool {
        for state in ["queued", "running", "waiting"] {
            let reply = self.api.get(&format!("/v1/tasks?limit=1&state={state}")).await;
            // While processes are killed the API may be short of a database.
            if reply.status != 200 || reply.json()["objects"] != Value::Array(Vec::new()) {
                return false;
            }
        }
        true
    }
}
