//! A worker is lost while the others are busy with long tasks: one of them waits until it is empty to run what was lost by
//! itself, and the rest goes on with other work.
//!
//! Red when every worker that sees a lost task waits (`application/src/tasks/worker/suspects.rs`).

use super::checker::{Findings, Step, steps, trial};
use plinth_tests::{Fleet, PATIENCE, Setup, on_postgres, within};
use serde_json::{Value, json};

on_postgres!(one_busy_worker_waits_for_what_was_lost_and_the_others_go_on);

const QUIET: &str = "task_sessions WHERE quiet_since IS NOT NULL";

async fn one_busy_worker_waits_for_what_was_lost_and_the_others_go_on(setup: Setup) {
    // Two trials at a time in each worker, beside which there is room for something else.
    let setup = setup.with("tasks.concurrency", 3).with("tasks.queue_concurrency", "default=2");
    let mut fleet = Fleet::start(setup, 0).await;
    fleet.schedule("TRIAL", &trials(&fleet, "long", 4, 15_000)).await;
    fleet.database().execute("UPDATE tasks SET timeout_ms = 60000").await;
    fleet.start_worker().await;
    fleet.start_worker().await;
    within(PATIENCE, "both are busy", async || named(&fleet, "started", "long").len() == 4).await;
    fleet.start_worker().await;
    fleet.schedule("TRIAL", &trials(&fleet, "lost", 2, 2_000)).await;
    within(PATIENCE, "the third is busy", async || named(&fleet, "started", "lost").len() == 2).await;
    fleet.workers.remove(2).kill().await;
    let waits = async || fleet.database().count(QUIET).await > 0;
    within(PATIENCE, "somebody waits to be empty", waits).await;
    for _ in 0..5 {
        fleet.plinth(&["task", "run", "PRUNE_TASKS", "{}", "--follow"]).await;
    }
    assert_eq!(fleet.database().count(QUIET).await, 1, "one waits");
    assert!(named(&fleet, "ended", "long").is_empty(), "other work has run meanwhile");
    let findings = Findings::of(&fleet).await;
    assert_eq!(findings.count("succeeded"), 4 + 2 + 5);
    assert_eq!(named(&fleet, "ended", "lost").len(), 2, "what was lost has run");
    within(PATIENCE, "nobody waits any more", async || fleet.database().count(QUIET).await == 0).await;
}

fn trials(fleet: &Fleet, name: &str, count: usize, run_ms: u64) -> Vec<Value> {
    (0..count).map(|n| trial(fleet, format!("{name} {n}"), json!({"run_ms": run_ms}))).collect()
}

/// The steps so far of one kind, of the trials whose names begin like this.
fn named(fleet: &Fleet, event: &str, name: &str) -> Vec<Step> {
    let of_these = |step: &Step| step.event == event && step.name.starts_with(name);
    steps(fleet).into_iter().filter(of_these).collect()
}
