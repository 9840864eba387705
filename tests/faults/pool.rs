//! Exhausted connections: who finds none is told so within the acquire time-out, reads and liveness go on, and when the
//! jam is over everything is as before.
//!
//! Red when the acquire time-out is not passed on to the pool (`adapters/diesel`, `postgres/pool.rs` and
//! `sqlite/mod.rs`): the answer is then 504, at the handler's deadline.

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use plinth_tests::{Setup, on_both_stacks, person};
use serde_json::json;
use std::time::{Duration, Instant};

on_both_stacks!(an_exhausted_pool_answers_503_in_time_and_recovers);

async fn an_exhausted_pool_answers_503_in_time_and_recovers(setup: Setup) {
    let setup = setup.with("database.pool_size", 2).with("database.acquire_timeout", "500ms");
    let app = setup.with("database.lock_timeout", "20s").start().await;
    let hold = app.database().hold_writes().await;
    let bodies: Vec<_> = (0..12).map(|_| person(json!({}))).collect();
    let mut writes: FuturesUnordered<_> =
        bodies.iter().map(|body| app.post("/v1/persons", body).into_future()).collect();
    // Those that have a connection, two at most, wait for the lock; all others are told.
    let started = Instant::now();
    for _ in 0..10 {
        writes.next().await.expect("twelve are under way").expect(503).problem().required("retry-after");
    }
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    app.get("/mon/ping").await.expect(200);
    app.get("/v1/persons").await.expect(200);
    drop(hold);
    while let Some(reply) = writes.next().await {
        assert!([201, 503].contains(&reply.status), "{reply}");
    }
    let bodies: Vec<_> = (0..12).map(|_| person(json!({}))).collect();
    for reply in join_all(bodies.iter().map(|body| app.post("/v1/persons", body).into_future())).await {
        reply.expect(201);
    }
}
