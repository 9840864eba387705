//! After a rush everything is as it was before: descriptors, threads, sessions of the database.
//!
//! Red when connections are not counted out again (`adapters/http/src/server`), or when a connection of the pool is
//! opened for each request.

use futures_util::{StreamExt, stream};
use plinth_tests::{Raw, Setup, TestApp, on_both_stacks, person, within};
use serde_json::json;
use std::{fs, time::Duration};

on_both_stacks!(a_rush_leaves_nothing_behind);

async fn a_rush_leaves_nothing_behind(setup: Setup) {
    let setup = setup.with("http.limits.connections_per_address", 1000).with("http.timeouts.idle", "2s");
    let app = setup.with("log.level", "info").start().await;
    rush(&app, 50).await;
    let idle = async || open_files(&app) <= 60;
    within(Duration::from_secs(30), "the service is at rest", idle).await;
    let (files, threads) = (open_files(&app), threads(&app));
    rush(&app, 500).await;
    let as_before = async || open_files(&app) * 100 <= files * 105 + 200;
    within(Duration::from_secs(30), "descriptors are as before", as_before).await;
    // Threads that block for SQLite stay for ten seconds after their last work, and what is done every second wakes one after
    // the other: so many may stay for ever.
    let as_before = async || self::threads(&app) <= threads + 12;
    within(Duration::from_secs(30), "threads are as before", as_before).await;
}

/// Clients that read, write, hang up and are silent.
async fn rush(app: &TestApp, clients: usize) {
    let client = async |number: usize| {
        let mut raw = Raw::connect(app.client.address()).await;
        match number % 4 {
            0 => drop(raw.send("GET /v1/persons HTTP/1.1\r\nhost: x\r\n\r\n").await),
            1 => drop(raw.send("GET /v1/per").await),
            2 => drop(raw.send("GET /v1/persons HTTP/1.1\r\nhost: x\r\n\r\n").await.head().await),
            _ => drop(app.person(&person(json!({}))).await),
        }
    };
    stream::iter(0..clients).map(client).buffer_unordered(50).collect::<Vec<()>>().await;
}

fn open_files(app: &TestApp) -> usize {
    fs::read_dir(format!("/proc/{}/fd", app.id())).expect("a running process").count()
}

fn threads(app: &TestApp) -> usize {
    fs::read_dir(format!("/proc/{}/task", app.id())).expect("a running process").count()
}
