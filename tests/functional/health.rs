//! Whether to send requests here, and what the internal listener tells besides.

use plinth_tests::{Redis, Reply, Setup, on_both_stacks, on_redis, on_sqlite, person};
use serde_json::{Value, json};

on_both_stacks!(
    a_healthy_service_says_what_it_is,
    each_check_can_be_asked_for,
    pending_migrations_are_not_ready,
    metrics_count_requests_by_route,
    the_public_sees_no_internals,
);
on_sqlite!(a_missing_redis_degrades_and_no_more, the_two_listeners_answer_their_own);
on_redis!(redis_is_checked_where_it_is_configured);

async fn a_healthy_service_says_what_it_is(setup: Setup) {
    let redis = setup.redis().await.map(|_| "redis");
    let app = setup.start().await;
    for client in [&app.client, &app.monitor] {
        let health = client.get("/health").await.expect(200).json();
        assert_eq!(health["status"], "ok", "{health}");
        assert_eq!(health["name"], "plinth");
        assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
        assert!(health["revision"].is_string(), "{health}");
        for name in ["db", "migrations"].into_iter().chain(redis) {
            let check = named(&health, name);
            assert_eq!(check["status"], "ok", "{health}");
            assert!(check["duration_ms"].is_number(), "{health}");
        }
        client.get("/mon/ping").await.expect(200);
    }
}

async fn each_check_can_be_asked_for(setup: Setup) {
    let app = setup.start().await;
    for name in ["db", "migrations", "consistency"] {
        let check = app.monitor.get(&format!("/mon/checks/{name}")).await.expect(200).json();
        assert_eq!((&check["name"], &check["status"]), (&json!(name), &json!("ok")));
    }
    app.monitor.get("/mon/checks/nonsense").await.expect(404).problem();
}

async fn pending_migrations_are_not_ready(setup: Setup) {
    let app = setup.start().await;
    let downgrade = plinth_tests::command(env!("CARGO_BIN_EXE_plinth"), &["db", "downgrade"]);
    downgrade.env("DATABASE_URL", app.database().url()).run().await.succeeded();
    let health = app.get("/health").await.expect(503).json();
    assert_eq!(
        (&health["status"], &named(&health, "migrations")["status"]),
        (&json!("down"), &json!("down"))
    );
    app.monitor.get("/mon/checks/migrations").await.expect(503);
    app.get("/mon/ping").await.expect(200);
}

async fn metrics_count_requests_by_route(setup: Setup) {
    let app = setup.start().await;
    let made = app.person(&person(json!({}))).await;
    let url = format!("/v1/persons/{}", made["id"].as_str().expect("an id"));
    app.get(&url).await.expect(200);
    app.get(&url).await.expect(200);
    app.put(&url, &person(json!({}))).await.expect(200);
    app.get("/nowhere/4711").await.expect(404);
    let metrics = app.monitor.get("/metrics").await.expect(200);
    assert!(metrics.required("content-type").starts_with("text/plain"), "{metrics}");
    let value = |name: &str, labels: &[&str]| value_of(&metrics, name, labels);
    let route = "route=\"/v1/persons/{id}\"";
    assert_eq!(value("plinth_http_requests_total", &["method=\"GET\"", route, "status=\"2xx\""]), Some(2.0));
    assert_eq!(value("plinth_http_deprecated_requests_total", &["method=\"PUT\"", route]), Some(1.0));
    assert!(!metrics.text().contains("4711"), "what a client makes up is no label");
    assert!(metrics.text().lines().any(|line| line.starts_with("plinth_db_")), "{metrics}");
    assert_eq!(value("plinth_db_acquire_timeouts_total", &["pool=\"writer"]), Some(0.0), "{metrics}");
    assert!(metrics.text().contains("# HELP plinth_db_acquire_timeouts_total "), "{metrics}");
    assert!(metrics.text().contains("plinth_http_request_duration_seconds"), "{metrics}");
}

async fn the_public_sees_no_internals(setup: Setup) {
    let app = setup.start().await;
    for path in ["/metrics", "/mon/checks/db", "/mon/checks"] {
        app.get(path).await.expect(404).problem();
    }
    let health = app.get("/health").await.expect(200).text();
    for secret in ["127.0.0.1", "/tmp", app.database().url()] {
        assert!(!health.contains(secret), "{health}");
    }
}

async fn a_missing_redis_degrades_and_no_more(setup: Setup) {
    let app = setup.env("REDIS_URL", "redis://127.0.0.1:1/0").start().await;
    let health = app.get("/health").await.expect(200).json();
    assert_eq!(
        (&health["status"], &named(&health, "redis")["status"]),
        (&json!("degraded"), &json!("degraded"))
    );
    app.person(&person(json!({}))).await;
}

async fn redis_is_checked_where_it_is_configured(setup: Setup) {
    let redis = Redis::start().await;
    let app = setup.env("REDIS_URL", redis.url()).start().await;
    let health = app.get("/health").await.expect(200).json();
    assert_eq!((&health["status"], &named(&health, "redis")["status"]), (&json!("ok"), &json!("ok")));
}

async fn the_two_listeners_answer_their_own(setup: Setup) {
    let app = setup.start().await;
    app.monitor.get("/v1/persons").undocumented().await.expect(404).problem();
    app.monitor.get("/doc/").await.expect(404).problem();
}

fn named<'h>(health: &'h Value, name: &str) -> &'h Value {
    let mut checks = health["checks"].as_array().expect("checks").iter();
    checks.find(|check| check["name"] == name).unwrap_or_else(|| panic!("no check `{name}` in {health}"))
}

fn value_of(metrics: &Reply, name: &str, labels: &[&str]) -> Option<f64> {
    let text = metrics.text();
    let line = text
        .lines()
        .find(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)))?;
    line.rsplit(' ').next()?.parse().ok()
}
