//! What is written about requests, and what never is.

use plinth_tests::{Setup, command, on_both_stacks, on_sqlite, person};
use serde_json::{Value, json};

on_both_stacks!(a_request_leaves_one_access_line, secrets_and_bodies_are_not_logged);
on_sqlite!(
    monitoring_is_not_logged_at_info,
    each_line_is_one_record,
    a_route_is_logged_by_its_pattern,
    the_level_decides_what_is_written,
    people_get_lines_for_people,
);

async fn a_request_leaves_one_access_line(setup: Setup) {
    let app = setup.with("log.level", "info").start().await;
    let reply = app.post("/v1/persons", &person(json!({}))).await.expect(201);
    let id = reply.required("x-request-id").to_owned();
    let is_access = |line: &Value| line["request_id"] == *id && line["status"].is_u64();
    let line = app.logged("the access line", is_access).await;
    assert_eq!(line["level"], "info");
    assert_eq!((&line["method"], &line["route"]), (&json!("POST"), &json!("/v1/persons")));
    assert_eq!((&line["status"], &line["bytes"]), (&json!(201), &json!(reply.body.len())));
    assert!(line["peer"].as_str().is_some_and(|peer| peer.starts_with("127.0.0.1")), "{line}");
    assert!(line["duration_ms"].is_number(), "{line}");
    app.get("/nowhere").await.expect(404);
    app.logged("the access line of the next request", |line| line["status"] == 404).await;
    assert_eq!(app.log().iter().filter(|line| is_access(line)).count(), 1);
}

async fn monitoring_is_not_logged_at_info(setup: Setup) {
    let app = setup.start().await;
    app.get("/mon/ping").await.expect(200);
    app.get("/nowhere").await.expect(404);
    app.logged("the access line of the next request", |line| line["status"] == 404).await;
    let pings: Vec<Value> = app.log().into_iter().filter(|line| line["route"] == "/mon/ping").collect();
    assert!(pings.iter().all(|line| line["level"] == "debug"), "{pings:?}");
}

async fn each_line_is_one_record(setup: Setup) {
    let app = setup.start().await;
    let nasty = "%0d%0a%7B%22msg%22:%22forged%22%7D%1b%5B31m%E2%80%A8";
    app.get(&format!("/{nasty}")).await.expect(404);
    app.get("/v1/persons").header("user-agent", "a\"b\\c\u{e9}").await.expect(200);
    let location = app.post("/v1/persons", &person(json!({}))).await.expect(201);
    app.logged("the last access line", |line| line["request_id"] == *location.required("x-request-id")).await;
    for line in app.output().lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_ne!(record["msg"], "forged");
        assert!(
            record["ts"].is_string() && record["level"].is_string() && record["msg"].is_string(),
            "{line}"
        );
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

async fn a_route_is_logged_by_its_pattern(setup: Setup) {
    let app = setup.start().await;
    let made = app.person(&person(json!({}))).await;
    let reply = app.get(&format!("/v1/persons/{}", made["id"].as_str().expect("an id"))).await.expect(200);
    let id = reply.required("x-request-id").to_owned();
    let line = app.logged("the access line", |line| line["request_id"] == *id && line["status"] == 200).await;
    assert_eq!(line["route"], "/v1/persons/{id}");
}

async fn secrets_and_bodies_are_not_logged(setup: Setup) {
    let app = setup.start().await;
    let body = person(json!({"name": "Canary-In-The-Body"}));
    let request =
        app.post("/v1/persons?canary-in-the-query=1", &body).header("authorization", "Bearer canary-token");
    let reply = request.undocumented().header("cookie", "id=canary-cookie").await;
    let id = reply.required("x-request-id").to_owned();
    app.logged("the access line", |line| line["request_id"] == *id && line["status"].is_u64()).await;
    assert!(!app.output().to_lowercase().contains("canary"), "{}", app.output());
}

async fn the_level_decides_what_is_written(setup: Setup) {
    let app = setup.start().await;
    app.person(&person(json!({}))).await;
    app.logged("what a use case says at debug", |line| line["msg"] == "person created").await;
}

async fn people_get_lines_for_people(setup: Setup) {
    let shown = command(setup.plinth(), &["db", "status"]).env("APP__LOG__FORMAT", "human");
    let said = shown.env("DATABASE_URL", setup.database().await.url()).run().await.succeeded();
    assert!(!said.contains("{\""), "{said}");
}
