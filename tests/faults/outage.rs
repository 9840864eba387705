//! The way to PostgreSQL is cut, refused or swallowed: the service lives, says within three seconds that it is not ready,
//! answers 503 (or 504, where nothing answers at all) and never 500, and is ready five seconds after the way is back.
//!
//! Red when a probe has no deadline (`application/src/health.rs`), or when a lost connection is not `Unavailable`
//! (`adapters/diesel`, `error.rs`).

use plinth_tests::{Proxy, Setup, TestApp, TestDatabase, Weather, on_postgres, person, within};
use serde_json::json;
use std::time::Duration;

on_postgres!(
    a_refusing_database_is_survived,
    a_cut_connection_is_survived,
    a_silent_database_is_survived,
    a_slow_database_is_only_slow,
);

async fn a_refusing_database_is_survived(setup: Setup) {
    survives(setup, Weather::Refuse).await;
}

async fn a_cut_connection_is_survived(setup: Setup) {
    survives(setup, Weather::Cut).await;
}

async fn a_silent_database_is_survived(setup: Setup) {
    survives(setup, Weather::Freeze).await;
}

async fn a_slow_database_is_only_slow(setup: Setup) {
    let (app, proxy, _database) = behind_a_proxy(setup).await;
    proxy.set(Weather::Delay(Duration::from_millis(20)));
    app.person(&person(json!({}))).await;
    app.get("/v1/persons").await.expect(200);
    app.get("/health").await.expect(200);
}

async fn survives(setup: Setup, weather: Weather) {
    let (app, proxy, _database) = behind_a_proxy(setup).await;
    app.person(&person(json!({}))).await;
    for _ in 0..2 {
        proxy.set(weather);
        let not_ready = async || app.get("/health").await.status == 503;
        within(Duration::from_secs(3), "the service is not ready", not_ready).await;
        app.get("/mon/ping").await.expect(200);
        for reply in [app.get("/v1/persons").await, app.post("/v1/persons", &person(json!({}))).await] {
            assert!([503, 504].contains(&reply.status), "{reply}");
            reply.problem();
        }
        proxy.set(Weather::Fair);
        let works = async || {
            let ready = app.get("/health").await.status == 200;
            let reads = app.get("/v1/persons").await.status == 200;
            ready && reads && app.post("/v1/persons", &person(json!({}))).await.status == 201
        };
        within(Duration::from_secs(5), "everything works again", works).await;
    }
    app.stop().await;
}

/// The service, the weather between it and its database, and the database.
async fn behind_a_proxy(setup: Setup) -> (TestApp, Proxy, TestDatabase) {
    let database = setup.database().await;
    let proxy = Proxy::before(database.url()).await;
    let url = proxy.url(database.url());
    // A database that says nothing at all is waited for as long as a handler may take.
    let setup = setup.with("log.level", "info").with("http.timeouts.handler", "4s");
    (setup.start_on(&url).await, proxy, database)
}
