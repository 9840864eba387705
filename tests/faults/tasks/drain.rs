//! A process is asked to stop while requests come and tasks run: it ends in time and well, no accepted request is cut, short
//! tasks are finished and long ones given back with their attempt.
//!
//! Red when a worker is dropped at the signal, or when what it gives back counts as a run.

use super::checker::{steps, trial};
use crate::writers::{Journal, write};
use plinth_tests::{Fleet, PATIENCE, Setup, Signal, on_both_stacks, within};
use serde_json::json;
use std::time::{Duration, Instant};

on_both_stacks!(a_worker_ends_in_order);

async fn a_worker_ends_in_order(setup: Setup) {
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
    journal.reaches(5).await;
    let asked = Instant::now();
    let worker = fleet.workers.first_mut().unwrap_or(&mut fleet.api);
    worker.signal(Signal::TERM);
    assert!(worker.ended().await.success(), "{}", worker.output());
    let said = worker.output();
    fleet.workers.clear();
    assert!(asked.elapsed() < Duration::from_secs(2 + 3), "{:?}", asked.elapsed());
    drop(writers);
    // A connection that is refused is no accepted request; an answer that is cut would be.
    let cut: Vec<String> =
        journal.unexpected().into_iter().filter(|answer| answer.contains("IncompleteMessage")).collect();
    assert_eq!(cut, Vec::<String>::new());
    fleet.revive().await;
    let tasks = fleet.tasks().await;
    let long: Vec<_> = tasks.iter().filter(|task| task["state"] != "succeeded").collect();
    assert_eq!(long.len(), 5, "{long:?}");
    for task in long {
        assert_eq!((&task["state"], &task["attempt"]), (&json!("queued"), &json!(0)), "{task}\n{said}");
    }
}
