//! The application under test: the real binary, on ports of its own, on a database of its own.

use crate::{Client, Folder, Process, Redis, Request, Stack, TestDatabase, mutants, schema};
use rustix::process::Signal;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    process::{Command, ExitStatus},
    sync::atomic::{AtomicBool, Ordering},
};

/// What a test wants otherwise than usual, before it starts the application.
#[derive(Clone)]
pub struct Setup {
    plinth: &'static str,
    stack: Stack,
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    flawed: bool,
}

impl Setup {
    /// The binary at `plinth` on `stack`.
    pub fn new(plinth: &'static str, stack: Stack) -> Self {
        let usual = [
            ("APP_ENV", "test"),
            ("APP__HTTP__PORT", "0"),
            ("APP__MONITOR__PORT", "0"),
            ("APP__LOG__FORMAT", "json"),
            ("APP__LOG__LEVEL", "debug"),
        ];
        schema::learn(plinth);
        let mut environment: BTreeMap<String, String> =
            usual.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        environment.extend(mutants().map(|mutants| ("FAILPOINTS".to_owned(), mutants)));
        Self { plinth, stack, arguments: vec!["api".to_owned()], environment, flawed: false }
    }

    /// The binary under test.
    pub fn plinth(&self) -> &'static str {
        self.plinth
    }

    /// On which database.
    pub fn stack(&self) -> Stack {
        self.stack
    }

    /// A setting by its path in the configuration file, such as `http.root_path`.
    pub fn with(self, setting: &str, value: impl ToString) -> Self {
        let name = format!("APP__{}", setting.to_uppercase().replace('.', "__"));
        self.env(&name, value)
    }

    /// As [`Self::with`], unless it is set already.
    pub fn or(mut self, setting: &str, value: impl ToString) -> Self {
        let name = format!("APP__{}", setting.to_uppercase().replace('.', "__"));
        self.environment.entry(name).or_insert_with(|| value.to_string());
        self
    }

    /// Of all that use one Redis, only those on the database at `url` hear each other's hints.
    pub(crate) fn sharing_hints_on(self, url: &str) -> Self {
        self.or("redis.key_prefix", key_prefix(url))
    }

    /// Settings that no variable can hold, as the text of a configuration file.
    pub fn with_file(self, settings: &Value) -> Self {
        self.env("CONF", settings)
    }

    /// Panics in handlers of tasks are what the test wants.
    pub fn expecting_panics(mut self) -> Self {
        self.flawed = true;
        self
    }

    /// Switches `failpoints` on, besides those that are on already.
    pub fn with_failpoints(self, failpoints: &str) -> Self {
        let more = self.environment.get("FAILPOINTS").map(|more| format!(";{more}")).unwrap_or_default();
        self.env("FAILPOINTS", format!("{failpoints}{more}"))
    }

    /// An environment variable.
    pub fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.insert(name.to_owned(), value.to_string());
        self
    }

    /// The command and its options, instead of `api`.
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        self
    }

    /// A migrated and empty database of this test's own.
    pub async fn database(&self) -> TestDatabase {
        TestDatabase::new(self.stack, self.plinth).await
    }

    /// The Redis that goes with the stack: none with SQLite, and none where it is not installed.
    pub async fn redis(&self) -> Option<&'static str> {
        match self.stack {
            Stack::Postgres if !cfg!(no_redis) => Some(Redis::shared().await),
            Stack::Postgres | Stack::Sqlite => None,
        }
    }

    /// Starts the application on a database of its own.
    pub async fn start(self) -> TestApp {
        let database = self.database().await;
        let mut app = self.start_on(database.url()).await;
        app.database = Some(database);
        app
    }

    /// Starts the application on the database at `url`.
    pub async fn start_on(mut self, url: &str) -> TestApp {
        if let Some(redis) = self.redis().await {
            self.environment.entry("REDIS_URL".to_owned()).or_insert_with(|| redis.to_owned());
        }
        let folder = Folder::new();
        let (plinth, flawed) = (self.plinth, AtomicBool::new(self.flawed));
        let process = self.sharing_hints_on(url).env("DATABASE_URL", url).process(&folder);
        let listening = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            let address = |key: &str| Some(line.get(key)?.as_str()?.trim_end_matches('/').to_owned());
            let monitor_url = address("monitor_url")?;
            // A worker and a beat have an internal listener alone.
            let url = address("url").unwrap_or_else(|| monitor_url.clone());
            (line.get("msg")? == "listening").then_some((url, monitor_url))
        };
        let (url, monitor_url) = process.output.wait_for("the line `listening`", listening).await;
        let (client, monitor) = (Client::new(&url), Client::new(&monitor_url));
        TestApp { client, monitor, plinth, process, folder, database: None, flawed }
    }

    /// Starts the application where it is not expected to come up.
    pub fn process(&self, folder: &Folder) -> Process {
        let mut command = Command::new(self.plinth);
        command.args(&self.arguments).env_clear().envs(&self.environment).current_dir(folder.path());
        Process::start(&mut command, "KILL")
    }
}

/// What the keys of those begin with that are on the database at `url`.
pub(crate) fn key_prefix(url: &str) -> String {
    let mut hasher = DefaultHasher::new();
    url.hash(&mut hasher);
    format!("test-{:016x}:", hasher.finish())
}

/// A running application. When it is dropped, it is killed, and the test fails if it has panicked or answered a 500
/// that the test did not announce.
pub struct TestApp {
    /// Talks to the public listener.
    pub client: Client,
    /// Talks to the internal listener.
    pub monitor: Client,
    plinth: &'static str,
    process: Process,
    folder: Folder,
    database: Option<TestDatabase>,
    flawed: AtomicBool,
}

impl TestApp {
    /// A request to the public listener; await it for the reply.
    pub fn get(&self, path: &str) -> Request {
        self.client.request("GET", path)
    }

    /// See [`Self::get`].
    pub fn post(&self, path: &str, body: &Value) -> Request {
        self.client.request("POST", path).json(body)
    }

    /// See [`Self::get`].
    pub fn put(&self, path: &str, body: &Value) -> Request {
        self.client.request("PUT", path).json(body)
    }

    /// A JSON merge patch (RFC 7396); see [`Self::get`].
    pub fn patch(&self, path: &str, body: &Value) -> Request {
        self.client.request("PATCH", path).json(body).header("content-type", "application/merge-patch+json")
    }

    /// See [`Self::get`].
    pub fn delete(&self, path: &str) -> Request {
        self.client.request("DELETE", path)
    }

    /// Makes a person in v1 and answers it.
    pub async fn person(&self, person: &Value) -> Value {
        self.post("/v1/persons", person).await.expect(201).json()
    }

    /// Everything in one process, whatever the stack.
    pub async fn all(setup: Setup) -> Self {
        setup.with_short_leases().arguments(&["all"]).start().await
    }

    /// The database that it was started on.
    pub fn database(&self) -> &TestDatabase {
        self.database.as_ref().expect("a database of its own")
    }

    /// The binary that it is.
    pub fn plinth(&self) -> &'static str {
        self.plinth
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The log lines so far.
    pub fn log(&self) -> Vec<Value> {
        let lines = self.process.output.all();
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// The first log line, past or future, for which `right` holds.
    pub async fn logged(&self, what: &str, right: impl Fn(&Value) -> bool) -> Value {
        let matching = |line: &str| serde_json::from_str(line).ok().filter(|line| right(line));
        self.process.output.wait_for(what, matching).await
    }

    /// Everything that it has written.
    pub fn output(&self) -> String {
        self.process.output.text()
    }

    /// A figure of `/metrics`, over all its labels; 0 while nothing was counted.
    pub async fn figure(&self, name: &str) -> f64 {
        let page = self.monitor.get("/metrics").undocumented().await.expect(200).text();
        let of_name = page
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
        of_name.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Whether it ends by itself in this time.
    pub async fn ends_within(&mut self, limit: std::time::Duration) -> bool {
        tokio::time::timeout(limit, self.process.output.closed()).await.is_ok()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        self.process.ended().await
    }

    /// Asks it to stop, and fails unless it does so with success.
    pub async fn stop(mut self) -> Option<TestDatabase> {
        self.signal(Signal::TERM);
        let status = self.ended().await;
        assert!(status.success(), "ended with {status}:\n{}", self.output());
        self.database.take()
    }

    /// Ends it without a warning, as a crash would.
    pub async fn kill(mut self) -> Option<TestDatabase> {
        self.signal(Signal::KILL);
        self.ended().await;
        self.database.take()
    }

    /// As [`Self::kill`], where it cannot be given away.
    pub async fn die(&mut self) {
        self.signal(Signal::KILL);
        self.ended().await;
    }

    /// From now on an answer of 500 is what the test wants.
    pub fn has_defects(&self) {
        self.flawed.store(true, Ordering::Relaxed);
    }

    fn defects(&self) -> Vec<String> {
        let is_defect = |line: &String| {
            let fields: Value = serde_json::from_str(line).unwrap_or_default();
            let panic = fields["msg"].as_str().is_some_and(|message| message.starts_with("panic"));
            panic || line.contains("panicked at") || fields["status"] == 500
        };
        self.process.output.all().into_iter().filter(is_defect).collect()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        if std::thread::panicking() {
            eprintln!("log of the application:\n{}", self.output());
        } else if !self.flawed.load(Ordering::Relaxed) {
            let defects = self.defects();
            assert!(defects.is_empty(), "the application has defects:\n{}", defects.join("\n"));
        }
    }
}
