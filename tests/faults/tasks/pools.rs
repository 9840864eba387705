//! Connections are used up for longer than two leases, those of the API and those of the handlers alike: workers that live are
//! taken for alive, nothing is taken from them, and everything is done when the jam is over.
//!
//! Red when a session is renewed over connections that handlers can use up (`adapters/diesel`, `Lane::Lease`).

use super::checker::{Findings, living_sessions, steps, trial};
use futures_util::future::join_all;
use plinth_tests::{Fleet, PATIENCE, Setup, on_postgres, person, within};
use serde_json::json;
use std::time::{Duration, Instant};

on_postgres!(exhausted_pools_are_no_sign_of_death);

async fn exhausted_pools_are_no_sign_of_death(setup: Setup) {
    // Who waits for a connection, or for a lock, waits for as long as the jam takes.
    let setup = ["acquire_timeout", "lock_timeout", "statement_timeout"]
        .iter()
        .fold(setup.with_short_leases(), |setup, limit| setup.with(&format!("database.{limit}"), "20s"));
    let setup = setup.with("database.pool_size", 2).with("tasks.concurrency", 16);
    let fleet = Fleet::start(setup, 2).await;
    let ada = fleet.api.person(&person(json!({"age": 0}))).await;
    let before = living_sessions(&fleet).await;
    assert_eq!(before.len(), 2);
    let hold = fleet.database().hold_writes().await;
    let jam = Instant::now();
    let bodies: Vec<_> = (0..8).map(|_| person(json!({}))).collect();
    let writes = bodies.iter().map(|body| tokio::spawn(fleet.api.post("/v1/persons", body).into_future()));
    let writes: Vec<_> = writes.collect();
    let count = 24;
    let payloads: Vec<_> = (0..count).map(|n| trial(&fleet, n, json!({"person_id": ada["id"]}))).collect();
    fleet.schedule("TRIAL", &payloads).await;
    let stuck = async || steps(&fleet).iter().filter(|step| step.event == "effect").count() >= count;
    within(PATIENCE, "all handlers want to write", stuck).await;
    within(PATIENCE, "two leases have passed", async || jam.elapsed() > Duration::from_secs(7)).await;
    assert_eq!(living_sessions(&fleet).await, before, "the sessions live");
    drop(hold);
    for reply in join_all(writes).await {
        let reply = reply.expect("an answer");
        assert!([201, 503, 504].contains(&reply.status), "{reply}");
    }
    let findings = Findings::of(&fleet).await;
    findings.hold(count);
    assert_eq!(findings.count("succeeded"), count);
    for worker in &fleet.workers {
        let taken = worker.figure("plinth_task_reclaimed_total").await;
        assert!(taken < 1.0, "{taken} tasks were taken from a worker that lives");
    }
    assert_eq!(living_sessions(&fleet).await, before, "nobody had to take a new one");
}
