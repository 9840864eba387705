//! Workers are killed without a warning: their tasks run again, and none is lost.
//!
//! Red when the fence of a finish is not checked, or when a claimed task is not reclaimed
//! (`adapters/diesel/src/repositories/ledger`).

use super::checker::{Findings, steps, trial};
use crate::times;
use plinth_tests::{Fleet, PATIENCE, Setup, on_both_stacks, within};
use serde_json::json;

on_both_stacks!(killed_workers_lose_nothing);

const SLOTS: usize = 16;

async fn killed_workers_lose_nothing(setup: Setup) {
    let mut fleet = Fleet::start(setup.with("tasks.concurrency", SLOTS), 2).await;
    let count = times(400, 2_000);
    let payloads: Vec<_> = (0..count).map(|n| trial(&fleet, n, json!({"run_ms": 50}))).collect();
    fleet.schedule("TRIAL", &payloads).await;
    let kills = times(4, 15);
    for kill in 0..kills {
        let before = steps(&fleet).len();
        // In the middle of the work, and at another moment each time.
        let goes_on = async || steps(&fleet).len() > before + 20 + kill * 7;
        within(PATIENCE, "the work goes on", goes_on).await;
        fleet.kill(kill).await;
    }
    let findings = Findings::of(&fleet).await;
    findings.hold(count);
    assert_eq!(findings.count("succeeded"), count);
    assert!(findings.duplicates() <= kills * SLOTS, "{} duplicates", findings.duplicates());
}
