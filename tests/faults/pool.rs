//! Exhausted connections: who finds none is told so within the acquire time-out, reads and liveness go on, and when the
//! jam is over everything is as before.
//!
//! Red when the acquire time-out is not passed on to the pool (`adapters/diesel`, `open.rs`): the answers then come after
//! the pool's own 30 seconds.

use futures_util::future::join_all;
use plinth_tests::{Setup, on_both_stacks, person};
use serde_json::json;
use std::time::{Duration, Instant};

on_both_stacks!(an_exhausted_pool_answers_503_in_time_and_recovers);

async fn an_exhausted_pool_answers_503_in_time_and_recovers(setup: Setup) {
    let setup = setup.with("database.pool_size", 2).with("database.acquire_timeout", "500ms");
    let app = setup.with("database.lock_timeout", "20s").start().await;
    let hold = app.database().hold_writes().await;
    let url = app.client.clone();
    // As many as there are connections for writes wait for the lock; they are let go in the end.
    let waiting: Vec<_> = (0..2)
        .map(|_| tokio::spawn(url.request("POST", "/v1/persons").json(&person(json!({}))).send()))
        .collect();
    let told = async || app.post("/v1/persons", &person(json!({}))).await.status == 503;
    plinth_tests::within(Duration::from_secs(10), "the pool is exhausted", told).await;
    let started = Instant::now();
    let bodies: Vec<_> = (0..10).map(|_| person(json!({}))).collect();
    for reply in join_all(bodies.iter().map(|body| app.post("/v1/persons", body).into_future())).await {
        reply.expect(503).problem().required("retry-after");
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    app.get("/mon/ping").await.expect(200);
    app.get("/v1/persons").await.expect(200);
    drop(hold);
    for write in waiting {
        let reply = write.await.expect("no panic").expect("an answer");
        assert!([201, 503].contains(&reply.status), "{reply}");
    }
    for reply in join_all(bodies.iter().map(|body| app.post("/v1/persons", body).into_future())).await {
        reply.expect(201);
    }
}
