//! PostgreSQL is restarted at once, as after a crash, under writes, with fsync on: no acknowledged write is lost, the
//! answer meanwhile is 503 and never 500, and five seconds after it is back everything works.
//!
//! Red when a lost connection is not `Unavailable` (`adapters/diesel`, `error.rs`), or when a lost shared connection is not
//! replaced (`adapters/diesel/src/postgres`).

use crate::{
    times,
    writers::{Journal, write},
};
use plinth_tests::{Durability, Postgres, Setup, command, on_postgres};
use std::time::{Duration, Instant};

on_postgres!(restarts_under_writes_lose_nothing);

async fn restarts_under_writes_lose_nothing(setup: Setup) {
    let mut server = Postgres::start(Durability::Full).await;
    let url = server.url("postgres");
    command(setup.plinth(), &["db", "upgrade"]).env("DATABASE_URL", &url).run().await.succeeded();
    let app = setup.with("log.level", "info").start_on(&url).await;
    let journal = Journal::default();
    let writers = write(&app, &journal, 16);
    for _ in 0..times(3, 10) {
        journal.reaches(journal.count() + 200).await;
        server.crash().await;
        app.get("/v1/persons").await.expect(503).problem();
        app.get("/mon/ping").await.expect(200);
        server.resume().await;
        let back = Instant::now();
        journal.reaches(journal.count() + 1).await;
        let read = async || app.get("/v1/persons").await.status == 200;
        plinth_tests::within(Duration::from_secs(5), "reads work again", read).await;
        let ready = async || app.get("/health").await.status == 200;
        plinth_tests::within(Duration::from_secs(5), "the service is ready again", ready).await;
        assert!(back.elapsed() < Duration::from_secs(5), "{:?}", back.elapsed());
    }
    drop(writers);
    assert_eq!(journal.unexpected(), Vec::<String>::new());
    journal.all_readable(&app).await;
    app.stop().await;
}
