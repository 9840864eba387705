//! Clients that are slow, silent or many do not keep others from being served.

use plinth_tests::{PATIENCE, Raw, Setup, on_sqlite, person, within};
use serde_json::json;
use std::time::{Duration, Instant};

on_sqlite!(
    a_silent_connection_is_closed,
    a_slow_header_ends_the_connection,
    a_slow_body_ends_the_connection,
    an_idle_connection_is_closed,
    connections_beyond_the_limit_wait,
    connections_of_one_address_are_limited,
    a_trusted_proxy_may_open_more,
    slow_clients_do_not_slow_others,
);

const PING: &str = "GET /mon/ping HTTP/1.1\r\nhost: x\r\n\r\n";

async fn a_silent_connection_is_closed(setup: Setup) {
    let app = setup.with("http.timeouts.header", "300ms").start().await;
    let started = Instant::now();
    let answer = Raw::connect(app.client.address()).await.rest().await;
    assert_eq!(answer, "");
    assert!(started.elapsed() < Duration::from_secs(5));
}

async fn a_slow_header_ends_the_connection(setup: Setup) {
    let app = setup.with("http.timeouts.header", "300ms").start().await;
    for beginning in ["G", "GET / HTTP/1.1\r\nho", "GET / HTTP/1.1\r\nhost: x\r\n", "PRI * HTTP/2.0\r\n"] {
        let started = Instant::now();
        let answer = Raw::connect(app.client.address()).await.send(beginning).await.rest().await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{beginning:?}: {answer}");
        assert!(started.elapsed() < Duration::from_secs(5), "{beginning:?}");
    }
}

async fn a_slow_body_ends_the_connection(setup: Setup) {
    let app = setup.with("http.timeouts.body", "300ms").start().await;
    let head = "POST /v1/persons HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    for framing in
        ["content-length: 50\r\n\r\n{\"name\"", "transfer-encoding: chunked\r\n\r\n7\r\n{\"name\"\r\n"]
    {
        let started = Instant::now();
        let answer =
            Raw::connect(app.client.address()).await.send(format!("{head}{framing}")).await.rest().await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

async fn an_idle_connection_is_closed(setup: Setup) {
    let app = setup.with("http.timeouts.idle", "300ms").start().await;
    let mut raw = Raw::connect(app.client.address()).await;
    let answer = raw.send(PING).await.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

async fn connections_beyond_the_limit_wait(setup: Setup) {
    let app = setup.with("http.limits.connections", 2).start().await;
    let mut first = open(app.client.address()).await;
    let _second = open(app.client.address()).await;
    let mut third = Raw::connect(app.client.address()).await;
    third.send(PING).await;
    first.send("GET /mon/ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.rest().await;
    assert!(third.head().await.starts_with("HTTP/1.1 200 "));
}

async fn connections_of_one_address_are_limited(setup: Setup) {
    let app = setup.with("http.limits.connections_per_address", 2).start().await;
    let mut first = open(app.client.address()).await;
    let _second = open(app.client.address()).await;
    assert_eq!(Raw::connect(app.client.address()).await.send(PING).await.rest().await, "");
    first.send("GET /mon/ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.rest().await;
    // The place is free as soon as the server has seen the end, which nothing tells us.
    let served = async || {
        let answer = Raw::connect(app.client.address()).await.send(PING).await.head().await;
        answer.starts_with("HTTP/1.1 200 ")
    };
    within(PATIENCE, "the place is free again", served).await;
}

async fn a_trusted_proxy_may_open_more(setup: Setup) {
    let setup = setup.with("http.limits.connections_per_address", 1);
    let app = setup.with("http.trusted_proxies", "127.0.0.1/32").start().await;
    let mut open_at_once = Vec::new();
    for _ in 0..5 {
        open_at_once.push(open(app.client.address()).await);
    }
}

async fn slow_clients_do_not_slow_others(setup: Setup) {
    let app = setup.with("http.limits.connections_per_address", 1000).start().await;
    let mut slow = Vec::new();
    for beginning in ["", "GET / HT", "POST /v1/persons HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"]
    {
        for _ in 0..100 {
            let mut raw = Raw::connect(app.client.address()).await;
            raw.send(beginning).await;
            slow.push(raw);
        }
    }
    for _ in 0..20 {
        let started = Instant::now();
        app.person(&person(json!({}))).await;
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

/// A connection that is known to have been let in.
async fn open(address: &str) -> Raw {
    let mut raw = Raw::connect(address).await;
    let answer = raw.send(PING).await.head().await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    raw
}
