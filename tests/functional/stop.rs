//! The end: not ready, no new connections, requests under way to their end, at most until the deadline.

use plinth_tests::{PATIENCE, Raw, Setup, Signal, TestApp, on_both_stacks, on_sqlite, person, within};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

on_both_stacks!(
    it_stops_with_success,
    a_request_under_way_is_finished,
    a_handler_whose_client_has_gone_is_finished,
);
on_sqlite!(
    an_interrupt_stops_it_too,
    a_stopping_service_is_not_ready,
    what_is_not_done_by_the_deadline_is_cut,
    idle_connections_do_not_delay_the_end,
);

async fn it_stops_with_success(setup: Setup) {
    let app = setup.start().await;
    app.person(&person(json!({}))).await;
    app.stop().await;
}

async fn an_interrupt_stops_it_too(setup: Setup) {
    let mut app = setup.start().await;
    app.signal(Signal::INT);
    assert!(app.ended().await.success());
}

async fn a_request_under_way_is_finished(setup: Setup) {
    let mut app = setup.start().await;
    let (mut raw, rest) = half_a_post(&app).await;
    app.signal(Signal::TERM);
    no_longer_listens(&app).await;
    let answer = raw.send(rest).await.rest().await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(answer.ends_with('}'), "{answer}");
    assert!(app.ended().await.success());
}

async fn a_handler_whose_client_has_gone_is_finished(setup: Setup) {
    let database = setup.database().await;
    let plinth = Setup::new(setup.plinth(), setup.stack());
    let mut app = setup.start_on(database.url()).await;
    let hold = database.hold_writes().await;
    let (mut raw, rest) = half_a_post(&app).await;
    raw.send(rest).await;
    // Its answer proves that the bytes before it have been read too: one connection is read in order.
    app.get("/mon/ping").await.expect(200);
    drop(raw);
    app.signal(Signal::TERM);
    no_longer_listens(&app).await;
    drop(hold);
    assert!(app.ended().await.success());
    let app = plinth.start_on(database.url()).await;
    let list = app.get("/v1/persons").await.expect(200).json();
    assert!(list["objects"].as_array().is_some_and(|persons| persons.len() <= 1), "{list}");
}

async fn a_stopping_service_is_not_ready(setup: Setup) {
    let mut app = setup.start().await;
    let (mut raw, rest) = half_a_post(&app).await;
    app.signal(Signal::TERM);
    no_longer_listens(&app).await;
    app.monitor.get("/health").await.expect(503);
    app.monitor.get("/mon/ping").await.expect(200);
    raw.send(rest).await.rest().await;
    assert!(app.ended().await.success());
}

async fn what_is_not_done_by_the_deadline_is_cut(setup: Setup) {
    let mut app = setup.with("http.timeouts.shutdown", "300ms").start().await;
    let (mut raw, _) = half_a_post(&app).await;
    let started = Instant::now();
    app.signal(Signal::TERM);
    raw.rest().await;
    app.ended().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

async fn idle_connections_do_not_delay_the_end(setup: Setup) {
    let mut app = setup.start().await;
    let mut idle = Raw::connect(app.client.address()).await;
    idle.send("GET /mon/ping HTTP/1.1\r\nhost: x\r\n\r\n").await.head().await;
    let _silent = Raw::connect(app.client.address()).await;
    let started = Instant::now();
    app.signal(Signal::TERM);
    assert!(app.ended().await.success());
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

/// A request that is known to be under way, for its body has been asked for, and the rest of its body.
async fn half_a_post(app: &TestApp) -> (Raw, String) {
    let body = person(json!({})).to_string();
    let mut raw = Raw::connect(app.client.address()).await;
    let head = format!(
        "POST /v1/persons HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    let answer = raw.send(head).await.head().await;
    assert!(answer.starts_with("HTTP/1.1 100 "), "{answer}");
    (raw, body)
}

async fn no_longer_listens(app: &TestApp) {
    let refused = async || TcpStream::connect(app.client.address()).await.is_err();
    within(PATIENCE, "the listener is closed", refused).await;
}
