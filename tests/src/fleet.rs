//! Several processes on one database: an API, workers, beats. On SQLite it is one process that is all of them.
//!
//! Their leases and polls are short, so that what takes a minute in production takes seconds here.

use crate::{
    Folder, Postgres, Proxy, Setup, Stack, TestApp, TestDatabase, app::key_prefix, command, servers::count,
};
use serde_json::Value;
use std::{fs, path::PathBuf, time::Duration};
use tokio::time::Instant;

/// Processes and what they share.
pub struct Fleet {
    setup: Setup,
    url: String,
    database: Option<TestDatabase>,
    redis: Option<String>,
    folder: Folder,
    /// The one with a public listener.
    pub api: TestApp,
    /// None on SQLite.
    pub workers: Vec<TestApp>,
}

impl Setup {
    /// Lease 3 s, renewal 0.75 s, reclaim 0.5 s, poll 0.25 s, drain 5 s, backoff of 50 ms to 500 ms; what is set already
    /// stays.
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
        let short = |setup: Self, (name, value): (&str, &str)| setup.or(&format!("tasks.{name}"), value);
        settings.into_iter().fold(self.with("log.level", "info"), short)
    }
}

impl Fleet {
    /// An API and so many workers on PostgreSQL and Redis, or one process on SQLite.
    pub async fn start(setup: Setup, workers: usize) -> Self {
        let redis = setup.redis().await.map(str::to_owned);
        let database = setup.database().await;
        let url = database.url().to_owned();
        Self::start_on(setup, workers, (url, Some(database)), redis).await
    }

    /// The same with the Redis at `redis`.
    pub async fn start_with(setup: Setup, workers: usize, redis: &str) -> Self {
        let database = setup.database().await;
        let url = database.url().to_owned();
        Self::start_on(setup, workers, (url, Some(database)), Some(redis.to_owned())).await
    }

    /// The same on a server of the test's own, which is migrated first.
    pub async fn start_on_server(setup: Setup, workers: usize, server: &Postgres) -> Self {
        let url = server.url("postgres");
        command(setup.plinth(), &["db", "upgrade"]).env("DATABASE_URL", &url).run().await.succeeded();
        let redis = setup.redis().await.map(str::to_owned);
        Self::start_on(setup, workers, (url, None), redis).await
    }

    async fn start_on(
        setup: Setup,
        workers: usize,
        (url, database): (String, Option<TestDatabase>),
        redis: Option<String>,
    ) -> Self {
        let setup = setup.with_short_leases().sharing_hints_on(&url);
        let setup = match &redis {
            Some(url) => setup.env("REDIS_URL", url),
            None => setup,
        };
        let role = if setup.stack() == Stack::Sqlite { "all" } else { "api" };
        let api = setup.clone().arguments(&[role]).start_on(&url).await;
        let mut fleet = Self { setup, url, database, redis, folder: Folder::new(), api, workers: Vec::new() };
        for _ in 0..workers {
            fleet.start_worker().await;
        }
        fleet
    }

    /// Whether everything is in one process.
    pub fn is_one_process(&self) -> bool {
        self.setup.stack() == Stack::Sqlite
    }

    /// A further worker. On SQLite the one process, if it is not there.
    pub async fn start_worker(&mut self) {
        if !self.is_one_process() {
            let worker = self.process(&["worker"]).await;
            self.workers.push(worker);
        } else if !self.api.is_running() {
            self.revive().await;
        }
    }

    /// A further process on the same database.
    pub async fn process(&self, arguments: &[&str]) -> TestApp {
        self.setup.clone().arguments(arguments).start_on(&self.url).await
    }

    /// A further process whose way to the database leads through `proxy`.
    pub async fn process_behind(&self, arguments: &[&str], proxy: &Proxy) -> TestApp {
        self.setup.clone().arguments(arguments).start_on(&proxy.url(&self.url)).await
    }

    /// A further process in which `failpoints` are set. On SQLite no other may run.
    pub async fn failing(&self, arguments: &[&str], failpoints: &str) -> TestApp {
        self.setup.clone().with_failpoints(failpoints).arguments(arguments).start_on(&self.url).await
    }

    /// Ends the one process on SQLite, so that another can have the file.
    pub async fn free_the_file(&mut self) {
        if self.is_one_process() {
            self.api.die().await;
        }
    }

    /// The process with the public listener again, if it has ended.
    pub async fn revive(&mut self) {
        if !self.api.is_running() {
            let role = if self.is_one_process() { "all" } else { "api" };
            self.api = self.process(&[role]).await;
        }
    }

    /// Kills a worker, or the one process, and starts another in its place.
    pub async fn kill(&mut self, worker: usize) {
        if self.workers.is_empty() {
            self.api.die().await;
            self.revive().await;
        } else {
            let worker = worker % self.workers.len();
            self.workers.swap_remove(worker).kill().await;
            self.start_worker().await;
        }
    }

    /// Starts again whatever has ended, as long as tasks are left, for at most `limit`.
    pub async fn supervise(&mut self, limit: Duration) {
        let end = Instant::now() + limit;
        while !self.is_settled().await {
            assert!(Instant::now() < end, "not settled within {limit:?}");
            self.revive().await;
            let before = self.workers.len();
            self.workers.retain_mut(TestApp::is_running);
            for _ in self.workers.len()..before {
                self.start_worker().await;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Where handlers keep their journal.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }

    /// The address of the database that all share.
    pub fn database_url(&self) -> &str {
        &self.url
    }

    /// The database that all share, unless it is on a server of the test's own.
    pub fn database(&self) -> &TestDatabase {
        self.database.as_ref().expect("a database of its own")
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
        let mut command = command(self.setup.plinth(), arguments).env("DATABASE_URL", &self.url);
        if let Some(redis) = &self.redis {
            command = command.env("REDIS_URL", redis).env("APP__REDIS__KEY_PREFIX", &key_prefix(&self.url));
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

    /// Whether nothing is waiting, queued or running any more. `false` while the database cannot be asked.
    pub async fn is_settled(&self) -> bool {
        count(&self.url, "tasks WHERE finished_at IS NULL").await == Some(0)
    }
}
