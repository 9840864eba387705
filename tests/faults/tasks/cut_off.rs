//! A worker cannot reach the database for longer than its lease: it starts nothing once it cannot be sure any more that
//! its tasks are its own, somebody else takes them, and it goes on when the way is back. And the database is gone for
//! everybody, again and again.
//!
//! Red when a worker does not watch its lease (`application/src/tasks/worker/session.rs`).

use super::checker::{Findings, at_seeds, steps, trial};
use crate::times;
use plinth_tests::{Durability, Fleet, PATIENCE, Postgres, Proxy, Setup, Weather, on_postgres, within};
use serde_json::json;
use std::time::{Duration, Instant};

on_postgres!(
    a_worker_that_is_cut_off_starts_nothing_beyond_its_lease,
    a_worker_that_hears_nothing_starts_nothing_beyond_its_lease,
    tasks_survive_restarts_of_the_database,
);

async fn a_worker_that_is_cut_off_starts_nothing_beyond_its_lease(setup: Setup) {
    at_seeds(setup, async |setup, seed| cut_off(setup, seed, Weather::Refuse).await).await;
}

async fn a_worker_that_hears_nothing_starts_nothing_beyond_its_lease(setup: Setup) {
    at_seeds(setup, async |setup, seed| cut_off(setup, seed, Weather::Freeze).await).await;
}

async fn cut_off(setup: Setup, seed: usize, weather: Weather) {
    let mut fleet = Fleet::start(setup.with("tasks.concurrency", 4), 0).await;
    let proxy = Proxy::before(fleet.database_url()).await;
    let lonely = fleet.process_behind(&["worker"], &proxy).await;
    let count = 120;
    let payloads: Vec<_> = (0..count).map(|n| trial(&fleet, n, json!({"run_ms": 200}))).collect();
    fleet.schedule("TRIAL", &payloads).await;
    within(PATIENCE, "the work goes on", async || steps(&fleet).len() > 20 + seed).await;
    proxy.set(weather);
    let cut = Instant::now();
    // The last renewal may be as old as the cut: lease 3 s, margin 0.5 s, and a little for the machine.
    tokio::time::sleep(Duration::from_millis(3_500)).await;
    let before = steps(&fleet).len();
    within(Duration::from_secs(10), "two leases have passed", async || {
        cut.elapsed() > Duration::from_secs(6)
    })
    .await;
    assert_eq!(steps(&fleet).len(), before, "nothing is done beyond the lease");
    fleet.start_worker().await;
    let findings = Findings::of(&fleet).await;
    findings.nothing_is_lost(count);
    proxy.set(Weather::Fair);
    fleet.workers.clear();
    fleet.schedule("TRIAL", &[trial(&fleet, "afterwards", json!({}))]).await;
    Findings::of(&fleet).await.nothing_is_lost(count + 1);
    drop(lonely);
}

async fn tasks_survive_restarts_of_the_database(setup: Setup) {
    let mut server = Postgres::start(Durability::Full).await;
    let fleet = Fleet::start_on_server(setup.with("tasks.concurrency", 8), 2, &server).await;
    let count = times(150, 1_000);
    let payloads: Vec<_> = (0..count).map(|n| trial(&fleet, n, json!({"run_ms": 100}))).collect();
    fleet.schedule("TRIAL", &payloads).await;
    for _ in 0..times(2, 10) {
        let before = steps(&fleet).len();
        within(PATIENCE, "the work goes on", async || steps(&fleet).len() > before + 20).await;
        server.crash().await;
        server.resume().await;
    }
    Findings::of(&fleet).await.nothing_is_lost(count);
}
