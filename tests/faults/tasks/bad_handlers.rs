//! Handlers that panic, never yield, or take the process with them, among innocent ones.
//!
//! Red when a panic keeps its slot, when a crash is not counted, or when a suspect runs beside others
//! (`application/src/tasks/worker/run.rs`, `application/src/tasks/worker/suspects.rs`).

use super::checker::{Findings, trial};
use crate::times;
use plinth_tests::{Fleet, Setup, on_both_stacks};
use serde_json::json;
use std::time::Duration;

on_both_stacks!(
    panics_cost_no_slot,
    a_panic_while_dropping_costs_no_slot,
    who_ends_the_process_fails_and_nobody_else,
    who_overflows_the_stack_fails_and_nobody_else,
    who_never_yields_is_overdue,
);

async fn panics_cost_no_slot(setup: Setup) {
    let fleet = Fleet::start(defective(setup).with("tasks.concurrency", 4), 1).await;
    let panics = times(60, 1_000);
    let payloads: Vec<_> = (0..panics).map(|n| trial(&fleet, n, json!({"act": "panic"}))).collect();
    fleet.schedule("TRIAL", &payloads).await;
    let findings = Findings::of(&fleet).await;
    assert_eq!(findings.count("failed"), panics);
    every_slot_is_free(&fleet, 4).await;
}

async fn a_panic_while_dropping_costs_no_slot(setup: Setup) {
    let fleet = Fleet::start(defective(setup).with("tasks.concurrency", 4), 1).await;
    let payloads: Vec<_> = (0..4).map(|n| trial(&fleet, n, json!({"act": "panic_in_drop"}))).collect();
    fleet.schedule("TRIAL", &payloads).await;
    let failed = Findings::of(&fleet).await;
    assert_eq!(failed.count("failed"), 4);
    every_slot_is_free(&fleet, 4).await;
}

async fn who_ends_the_process_fails_and_nobody_else(setup: Setup) {
    culprit(setup, "abort").await;
}

async fn who_overflows_the_stack_fails_and_nobody_else(setup: Setup) {
    culprit(setup, "overflow").await;
}

async fn culprit(setup: Setup, act: &str) {
    let mut fleet = Fleet::start(setup.with("tasks.concurrency", 16), 1).await;
    let innocent = (0..15).map(|n| trial(&fleet, n, json!({"run_ms": 300})));
    let payloads: Vec<_> = innocent.chain([trial(&fleet, "culprit", json!({"act": act}))]).collect();
    fleet.schedule("TRIAL", &payloads).await;
    // Something starts a process again that has ended, as systemd and Kubernetes do.
    fleet.supervise(Duration::from_secs(60)).await;
    let findings = Findings::of(&fleet).await;
    assert_eq!((findings.count("succeeded"), findings.count("failed")), (15, 1));
    let failed = findings.tasks.values().find(|task| task["state"] == "failed").expect("one failed");
    assert_eq!(failed["reason"], "worker_lost", "{failed}");
    let runs = findings.steps.iter().filter(|step| step.name == "culprit" && step.event == "started").count();
    assert!(runs <= 3, "the culprit ran {runs} times");
}

async fn who_never_yields_is_overdue(setup: Setup) {
    let fleet = Fleet::start(setup.with("tasks.concurrency", 2), 1).await;
    fleet.schedule("TRIAL", &[trial(&fleet, "block", json!({"act": {"block": 7_000}}))]).await;
    let findings = Findings::of(&fleet).await;
    let task = findings.tasks.values().next().expect("a task");
    let detail = fleet.api.get(&format!("/v1/tasks/{}", task["id"].as_str().expect("an id"))).await.json();
    assert_eq!(detail["errors"][0]["code"], "timeout", "{detail}");
}

/// A panic is what these tests are about, so its log lines are no defects.
fn defective(setup: Setup) -> Setup {
    setup.expecting_panics()
}

/// So many tasks run at the same time.
async fn every_slot_is_free(fleet: &Fleet, slots: usize) {
    let payloads: Vec<_> =
        (0..slots).map(|n| trial(fleet, format!("probe {n}"), json!({"run_ms": 400}))).collect();
    fleet.schedule("TRIAL", &payloads).await;
    let findings = Findings::of(fleet).await;
    let of = |event: &str| -> Vec<i64> {
        let steps =
            findings.steps.iter().filter(|step| step.name.starts_with("probe") && step.event == event);
        steps.map(|step| step.at_us).collect()
    };
    let (last_start, first_end) = (of("started").into_iter().max(), of("ended").into_iter().min());
    assert!(last_start < first_end, "they did not run side by side: {:?}", findings.steps);
}
