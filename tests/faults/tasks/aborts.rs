//! Processes end at the worst moments: an API between the commit and the hint, a worker between an effect and its
//! acknowledgement, or in the middle of that.
//!
//! Red when a task is announced before it is committed (`adapters/diesel`), or when a handler's write and the success of its
//! task are two transactions (`Then::settle`).

use super::checker::{Findings, SETTLED, trial};
use crate::times;
use plinth_tests::{Fleet, Setup, on_both_stacks, on_postgres, person};
use serde_json::{Value, json};
use std::time::Duration;

on_postgres!(a_lost_hint_costs_a_poll_and_no_task);
on_both_stacks!(
    effects_in_the_database_happen_once_whenever_the_worker_ends,
    a_worker_that_ends_in_the_middle_of_a_finish_has_finished_nothing,
);

/// How often a worker looks by itself.
const POLL: Duration = Duration::from_secs(2);

async fn a_lost_hint_costs_a_poll_and_no_task(setup: Setup) {
    let setup = setup.with_short_leases().with("tasks.poll", format!("{}ms", POLL.as_millis()));
    let fleet = Fleet::start(setup, 1).await;
    let ada = fleet.api.person(&person(json!({"age": 0}))).await;
    let path = format!("/v1/persons/{}/add-one-year", ada["id"].as_str().expect("an id"));
    let rounds = times(5, 140);
    for _ in 0..rounds {
        let api = fleet.failing(&["api"], "after_commit_before_hint=return").await;
        let answer = api.client.request("POST", &path).send().await;
        assert!(answer.is_err(), "the process has ended before it could answer");
        api.kill().await;
    }
    let findings = Findings::of(&fleet).await;
    assert_eq!(findings.count("succeeded"), rounds);
    for task in findings.tasks.values() {
        let waited = instant(&task["started_at"]) - instant(&task["created_at"]);
        let limit = POLL.mul_f64(1.2) + Duration::from_millis(250);
        assert!(waited.to_std().is_ok_and(|waited| waited <= limit), "{waited}: {task}");
    }
}

async fn effects_in_the_database_happen_once_whenever_the_worker_ends(setup: Setup) {
    ends_at(setup, "after_effect_before_finish").await;
}

async fn a_worker_that_ends_in_the_middle_of_a_finish_has_finished_nothing(setup: Setup) {
    ends_at(setup, "in_finish").await;
}

/// Workers that end at the failpoint `place`, one after the other, until everything is done.
async fn ends_at(setup: Setup, place: &str) {
    let mut fleet = Fleet::start(setup.with("tasks.concurrency", 4), 0).await;
    let persons = [
        fleet.api.person(&person(json!({"age": 0}))).await,
        fleet.api.person(&person(json!({"age": 0}))).await,
    ];
    let count = times(30, 200);
    let payloads: Vec<Value> =
        (0..count).map(|n| trial(&fleet, n, json!({"person_id": persons[n % 2]["id"]}))).collect();
    fleet.schedule("TRIAL", &payloads).await;
    for life in 0..times(6, 40) {
        // Later each time, so that a task that was lost with its worker comes through before the next end.
        let point = format!("{place}={}*off->1*return", 3 + life % 5);
        let role = if fleet.is_one_process() { "all" } else { "worker" };
        fleet.free_the_file().await;
        let mut worker = fleet.failing(&[role], &point).await;
        if !worker.ends_within(SETTLED / 4).await {
            worker.kill().await;
            break;
        }
    }
    fleet.start_worker().await;
    let findings = Findings::of(&fleet).await;
    findings.hold(count);
    assert_eq!(findings.count("succeeded"), count);
    let mut years = 0;
    for person in &persons {
        let path = format!("/v1/persons/{}", person["id"].as_str().expect("an id"));
        years += fleet.api.get(&path).await.expect(200).json()["age"].as_u64().expect("an age");
    }
    assert_eq!(years, count as u64, "each task has added one year, and none has added two");
    assert!(findings.done("effect").len() >= count, "effects elsewhere happen at least once");
}

fn instant(value: &Value) -> chrono::DateTime<chrono::Utc> {
    let text = value.as_str().expect("an instant");
    chrono::DateTime::parse_from_rfc3339(text).expect("RFC 3339").to_utc()
}
