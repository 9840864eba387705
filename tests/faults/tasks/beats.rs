//! Several beats at once, killed at random: each slot fires once.
//!
//! Red when a slot and its task are not one transaction, or when a beat trusts its memory instead of the database
//! (`adapters/diesel/src/repositories/schedules.rs`).

use crate::times;
use plinth_tests::{Fleet, PATIENCE, Setup, on_both_stacks, within};
use serde_json::json;
use std::collections::BTreeSet;

on_both_stacks!(every_slot_fires_once_whichever_beats_are_killed);

async fn every_slot_fires_once_whichever_beats_are_killed(setup: Setup) {
    let schedule =
        json!({"every-second": {"cron": "* * * * * *", "kind": "PRUNE_TASKS", "misfire": "catch_up"}});
    let setup = setup.with_file(&json!({"schedules": schedule}));
    let mut fleet = Fleet::start(setup, 0).await;
    let mut beats = Vec::new();
    for _ in 0..if fleet.is_one_process() { 0 } else { 5 } {
        beats.push(fleet.process(&["beat"]).await);
    }
    let rounds = times(6, 60);
    for round in 0..rounds {
        let fired = slots(&fleet).await.len();
        within(PATIENCE, "slots fire", async || slots(&fleet).await.len() > fired).await;
        if beats.is_empty() {
            fleet.kill(0).await;
        } else {
            beats.swap_remove(round * 7 % beats.len()).kill().await;
            beats.push(fleet.process(&["beat"]).await);
        }
    }
    let fired = slots(&fleet).await;
    let unique: BTreeSet<&i64> = fired.iter().collect();
    assert_eq!(unique.len(), fired.len(), "no slot has fired twice");
    let (first, last) = (*unique.first().expect("a slot"), *unique.last().expect("a slot"));
    assert_eq!(unique.len() as i64, last - first + 1, "no slot is missing: {unique:?}");
}

/// The slots that have fired, in seconds since 1970: tasks are due at their slot.
async fn slots(fleet: &Fleet) -> Vec<i64> {
    let tasks = fleet.tasks().await;
    let of_schedule = tasks.iter().filter(|task| task["kind"] == "PRUNE_TASKS");
    of_schedule.map(|task| seconds(task["due_at"].as_str().expect("an instant"))).collect()
}

fn seconds(instant: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(instant).expect("RFC 3339").timestamp()
}
