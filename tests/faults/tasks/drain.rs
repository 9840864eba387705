//! A process is asked to stop while requests come and tasks run: it ends in time and well, no accepted request is cut, short
//! tasks are finished and long ones given back with their attempt.
//!
//! Red when a worker is dropped at the signal, or when what it gives back counts as a run.

use super::checker::{at_seeds, steps, trial};
use crate::writers::{Journal, write};
use plinth_tests::{Fleet, PATIENCE, Setup, Signal, on_both_stacks, within};
use serde_json::json;
use std::time::{Duration, Instant};

on_both_stacks!(a_worker_ends_in_order);

async fn a_worker_ends_in_order(setup: Setup) {
    at_seeds(setup, drained).await;
}

async fn drained(setup: Setup, seed: usize) {
    let setup = setup.with_short_leases().with("tasks.drain", "2s").with("tasks.concurrency", 55);
    let mut fleet = Fleet::start(setup, 1).await;
    let short = (0..50).map(|n| trial(&fleet, format!("short {n}"), json!({"run_ms": 500})));
    let long = (0..5).map(|n| trial(&fleet, format!("long {n}"), json!({"run_ms": 4_500})));
    let payloads: Vec<_> = short.chain(long).collect();
    fleet.schedule("TRIAL", &payloads).await;
    let all_run =
        async || steps(&fleet).iter().filter(|step| step.event == "started").count() == payloads.len();
    within(PATIENCE, "all of them run", all_run).await;
    let journal = Journal::default();
    let writers = write(&fleet.api, &journal, 4);
    journal.reaches(5 + seed).await;
    let asked = Instant::now();
    let worker = fleet.workers.first_mut().unwrap_or(&mut fleet.api);
    worker.signal(Signal::TERM);
    assert!(worker.ended().await.success(), "{}", worker.output());
    let said = worker.output();
    fleet.workers.clear();
    assert!(asked.elapsed() < Duration::from_secs(2 + 3), "{:?}", asked.elapsed());
    if fleet.is_one_process() {
        // A request that came too late was refused, or has met a connection that was being closed; one that was accepted is
        // answered.
        let all_told = async || fleet.database().count("persons").await == journal.count() as i64;
        within(PATIENCE, "whatever was written was acknowledged", all_told).await;
    }
    drop(writers);
    // In the database itself, for a process that is asked would take the tasks.
    let tasks = async |which: &str| fleet.database().count(&format!("tasks WHERE {which}")).await;
    assert_eq!(tasks("state = 'succeeded'").await, 50, "short ones are finished\n{said}");
    let given_back = "state = 'queued' AND attempt = 0 AND crashes = 0";
    assert_eq!(tasks(given_back).await, 5, "long ones are given back\n{said}");
}
