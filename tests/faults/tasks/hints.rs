//! A hint leads to the task that it is about: whoever hears it finds what it says.
//!
//! Red with the mutant `hint_before_commit`.

use crate::times;
use plinth_tests::{Fleet, PATIENCE, Setup, on_both_stacks, person, within};
use serde_json::json;
use std::time::Duration;

on_both_stacks!(a_hint_leads_to_its_task);

async fn a_hint_leads_to_its_task(setup: Setup) {
    // Whoever misses a hint notices it at the next poll, which is beyond the patience of this test.
    let fleet = Fleet::start(setup.with("tasks.poll", "60s"), 1).await;
    let ada = fleet.api.person(&person(json!({"age": 0}))).await;
    let path = format!("/v1/persons/{}/add-one-year", ada["id"].as_str().expect("an id"));
    // The first look of a worker is over once it has done a first task.
    fleet.api.client.request("POST", &path).await.expect(202);
    within(PATIENCE, "the first task has ended", async || fleet.is_settled().await).await;
    for _ in 0..times(25, 140) {
        fleet.api.client.request("POST", &path).await.expect(202);
        within(Duration::from_secs(8), "the task has ended", async || fleet.is_settled().await).await;
    }
}
