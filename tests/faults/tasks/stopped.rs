//! A worker is stopped for longer than its lease, its tasks are taken by another, and then it goes on.
//!
//! Red when the fence of a finish is not checked, or when a worker trusts its lease by the wall clock.

use super::checker::{Findings, at_seeds, steps, trial};
use plinth_tests::{Fleet, PATIENCE, Setup, Signal, on_postgres, within};
use serde_json::json;

on_postgres!(a_worker_that_was_stopped_finishes_nothing_that_is_not_its_own);

async fn a_worker_that_was_stopped_finishes_nothing_that_is_not_its_own(setup: Setup) {
    at_seeds(setup, stopped).await;
}

async fn stopped(setup: Setup, seed: usize) {
    let mut fleet = Fleet::start(setup, 1).await;
    let count = 12;
    let payloads: Vec<_> =
        (0..count).map(|n| trial(&fleet, n, json!({"run_ms": 1_000 - 40 * seed}))).collect();
    fleet.schedule("TRIAL", &payloads).await;
    let begun = async || steps(&fleet).len() >= count;
    within(PATIENCE, "all of them run", begun).await;
    fleet.workers[0].signal(Signal::STOP);
    fleet.start_worker().await;
    let findings = Findings::of(&fleet).await;
    findings.nothing_is_lost(count);
    fleet.workers[0].signal(Signal::CONT);
    // It notices, drops what it holds, and works again under a new session.
    let late = async || fleet.workers[0].figure("plinth_task_stale_finishes_total").await >= count as f64;
    within(PATIENCE, "every late finish is counted", late).await;
    fleet.workers.truncate(1);
    fleet.schedule("TRIAL", &[trial(&fleet, "afterwards", json!({}))]).await;
    let findings = Findings::of(&fleet).await;
    findings.nothing_is_lost(count + 1);
    assert_eq!(findings.count("succeeded"), count + 1);
}
