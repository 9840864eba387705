//! A thousand clients hang up in the middle of a write: no session stays in a transaction, no connection of the pool is
//! lost, and a write is whole or not there.
//!
//! Red when a handler is dropped with its connection or at its deadline instead of going on in a task of its own
//! (`adapters/http`, `route/gate.rs`, `Drop for Work`): what nobody waits for is then given up, and once a write is a
//! transaction of several statements, its session stays idle in the middle of it.

use crate::times;
use futures_util::{StreamExt, future::join_all, stream};
use plinth_tests::{
    PATIENCE, Proxy, Setup, TestApp, Weather, connect, on_both_stacks, on_postgres, on_sqlite, person, within,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream};

on_both_stacks!(a_write_goes_on_when_nobody_waits_for_it_any_more);
on_postgres!(hang_ups_leave_no_transaction_open);
on_sqlite!(hang_ups_leave_every_write_whole);

/// One write waits for a lock, the next for the connection that the first one has. Both clients are told that it takes
/// too long, and both writes are finished none the less.
async fn a_write_goes_on_when_nobody_waits_for_it_any_more(setup: Setup) {
    let setup = setup.with("database.pool_size", 1).with("database.lock_timeout", "20s");
    let setup = setup.with("database.acquire_timeout", "20s").with("http.timeouts.handler", "200ms");
    let app = setup.start().await;
    let hold = app.database().hold_writes().await;
    for _ in 0..2 {
        app.post("/v1/persons", &person(json!({}))).await.expect(504).problem();
    }
    drop(hold);
    let written = async || {
        let list = app.get("/v1/persons").await.expect(200).json();
        list["objects"].as_array().is_some_and(|persons| persons.len() == 2)
    };
    within(PATIENCE, "both are written", written).await;
}

async fn hang_ups_leave_no_transaction_open(setup: Setup) {
    let database = setup.database().await;
    // A slow way to the database, so that clients hang up while statements are under way.
    let proxy = Proxy::before(database.url()).await;
    proxy.set(Weather::Delay(Duration::from_millis(3)));
    let app = with_room(setup).start_on(&proxy.url(database.url())).await;
    let sent = hang_up(&app).await;
    let admin = connect(database.url()).await;
    let idle =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
    let none_idle = async || admin.query_one(idle, &[]).await.expect("a count").get::<_, i64>(0) == 0;
    within(Duration::from_secs(5), "no session idle in a transaction", none_idle).await;
    every_write_is_whole(&app, &sent).await;
    app.stop().await;
}

async fn hang_ups_leave_every_write_whole(setup: Setup) {
    let app = with_room(setup).start().await;
    let sent = hang_up(&app).await;
    every_write_is_whole(&app, &sent).await;
    app.stop().await;
}

fn with_room(setup: Setup) -> Setup {
    setup.with("http.limits.connections_per_address", 1000).with("log.level", "info")
}

/// What was sent, by address.
async fn hang_up(app: &TestApp) -> BTreeMap<String, Value> {
    let clients = times(1_000, 10_000);
    let sent = stream::iter(0..clients).map(|number| hang_up_once(app.client.address(), number));
    sent.buffer_unordered(50).collect().await
}

/// Hangs up at one of four moments: with half of the body, after all of it, both with and without a reset.
async fn hang_up_once(address: &str, number: usize) -> (String, Value) {
    let body = person(json!({"age": number % 150}));
    let text = body.to_string();
    let request = post(&text);
    let length = if number.is_multiple_of(4) { request.len() - text.len() / 2 } else { request.len() };
    let mut socket = TcpStream::connect(address).await.expect("the service listens");
    socket.write_all(&request.as_bytes()[..length]).await.ok();
    if number.is_multiple_of(3) {
        // Long enough for the statement to be under way, and not yet done on a slow way.
        tokio::time::sleep(Duration::from_millis((number % 10) as u64)).await;
    }
    if number.is_multiple_of(2) {
        socket.set_zero_linger().ok();
    }
    drop(socket);
    (body["email"].as_str().expect("an address").to_owned(), body)
}

fn post(body: &str) -> String {
    let length = body.len();
    let head = "POST /v1/persons HTTP/1.1\r\nhost: x\r\ncontent-type: application/json";
    format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// And the service still works as it should, with every connection of its pool.
async fn every_write_is_whole(app: &TestApp, sent: &BTreeMap<String, Value>) {
    let mut next = Some("/v1/persons?limit=100".to_owned());
    let mut written = 0;
    while let Some(url) = next {
        let page = app.get(&url).await.expect(200).json();
        for found in page["objects"].as_array().expect("objects") {
            let body = &sent[found["email"].as_str().expect("an address")];
            assert_eq!((&found["name"], &found["age"]), (&body["name"], &body["age"]));
            written += 1;
        }
        next = page["next"].as_str().map(str::to_owned);
    }
    assert!(written > 0, "nothing was written at all");
    // What nobody waits for any more may still be at work, and in the way.
    let served = async || {
        let bodies: Vec<Value> = (0..50).map(|_| person(json!({}))).collect();
        let replies = join_all(bodies.iter().map(|body| app.post("/v1/persons", body).into_future())).await;
        replies.iter().all(|reply| reply.status == 201)
    };
    within(PATIENCE, "fifty writes at once are all served", served).await;
}
