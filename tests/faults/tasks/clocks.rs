//! The clock of a host is wrong by hours: leases, due times and slots go by the database's.
//!
//! Red with the mutant `host_clock`.

use super::checker::{Findings, at_seeds, living_sessions, steps, trial};
use plinth_tests::{Fleet, PATIENCE, Setup, on_postgres, within};
use serde_json::json;

on_postgres!(a_worker_whose_host_is_two_hours_ahead_harms_nobody);

async fn a_worker_whose_host_is_two_hours_ahead_harms_nobody(setup: Setup) {
    at_seeds(setup, ahead).await;
}

async fn ahead(setup: Setup, seed: usize) {
    let mut fleet = Fleet::start(setup.with("tasks.concurrency", 4), 1).await;
    let count = 40;
    // Not all slots are ever free at once.
    let payloads = (0..count).map(|n| trial(&fleet, n, json!({"run_ms": 300 + n * 97 % 400})));
    let payloads: Vec<_> = payloads.collect();
    fleet.schedule("TRIAL", &payloads).await;
    within(PATIENCE, "the work goes on", async || steps(&fleet).len() > 4 + seed).await;
    let before = living_sessions(&fleet).await;
    let ahead = fleet.failing(&["worker"], "host_clock_offset_seconds=return(7200)").await;
    fleet.workers.push(ahead);
    let findings = Findings::of(&fleet).await;
    findings.hold(count);
    assert_eq!((findings.count("succeeded"), findings.duplicates()), (count, 0));
    let after = living_sessions(&fleet).await;
    assert!(
        before.len() == 1 && after.contains(&before[0]),
        "nobody's session is ended: {before:?} {after:?}"
    );
    for worker in &fleet.workers {
        let taken = worker.figure("plinth_task_reclaimed_total").await;
        assert!(taken < 1.0, "a worker took {taken} tasks from one that lives");
    }
}
