//! Opening a database: the right one opens, any other says why not.

use super::{Rings, Store, silent};
use adapter_diesel::{Database, DatabaseConfig, Migrator, OpenError};
use adapter_system::SystemClock;
use application::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use plinth_tests::{
    Durability, Folder, Postgres, Proxy, Setup, Weather, on_both_stacks, on_postgres, on_sqlite,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

on_sqlite!(
    a_file_is_made_with_its_folder_and_migrated,
    a_second_server_is_refused_and_told_what_to_do,
    a_command_may_use_what_a_server_has,
    a_closed_file_can_be_served_again,
    what_is_not_a_database_is_refused,
);
on_postgres!(
    the_true_reason_is_told_in_time_and_no_secret,
    a_database_that_cannot_hold_every_text_is_refused,
    a_session_has_a_name,
    a_clock_that_differs_is_told,
);
on_both_stacks!(a_usual_server_needs_no_advice);

/// As many seconds ahead of this host as it says.
struct Ahead(i64);
impl Clock for Ahead {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::seconds(self.0)
    }
}

async fn open(url: &str) -> Result<Database, OpenError> {
    let config = DatabaseConfig { url: url.into(), ..DatabaseConfig::default() };
    Database::open(&config, Arc::new(Rings::default()), &silent()).await
}

async fn a_file_is_made_with_its_folder_and_migrated(_: Setup) {
    let folder = Folder::new();
    let url = format!("sqlite://{}/a/b/plinth.db", folder.path().display());
    let database = open(&url).await.expect("opened");
    assert_eq!(database.persons().list(&Default::default()).await.expect("a page").items, []);
}

async fn a_second_server_is_refused_and_told_what_to_do(setup: Setup) {
    let store = Store::new(&setup).await;
    let error = open(store.kept.url()).await.err().expect("refused");
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    assert!(error.to_string().contains("postgres://"), "{error}");
}

async fn a_command_may_use_what_a_server_has(setup: Setup) {
    let store = Store::new(&setup).await;
    assert!(store.migrator().await.status().await.expect("a status").iter().all(|status| status.applied));
}

async fn a_closed_file_can_be_served_again(setup: Setup) {
    let store = Store::new(&setup).await;
    store.database.close().await;
    assert!(store.persons().list(&Default::default()).await.is_err(), "it is closed");
    open(store.kept.url()).await.expect("opened again");
}

async fn what_is_not_a_database_is_refused(_: Setup) {
    let folder = Folder::new();
    let file = folder.path().join("plinth.db");
    std::fs::write(&file, "a letter, not a database, and long enough to be taken for one: ".repeat(20))
        .expect("written");
    let error = open(&format!("sqlite://{}", file.display())).await.err().expect("refused");
    assert!(error.to_string().contains("plinth.db"), "{error}");
}

async fn the_true_reason_is_told_in_time_and_no_secret(_: Setup) {
    let server = Postgres::start(Durability::None).await;
    let port = server.port();
    let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await;
    proxy.set(Weather::Freeze);
    let role = "CREATE ROLE guarded LOGIN PASSWORD 'correct'";
    let exists = plinth_tests::connect(&server.url("postgres")).await.batch_execute(role).await;
    drop(exists);
    let frozen = proxy.address().port();
    for (url, reason) in [
        (format!("postgres://guarded:s3cret@127.0.0.1:{port}/postgres"), "password authentication failed"),
        (format!("postgres://plinth:s3cret@127.0.0.1:{port}/nowhere"), "database \"nowhere\" does not exist"),
        ("postgres://plinth:s3cret@127.0.0.1:1/postgres".to_owned(), "Connection refused"),
        (format!("postgres://plinth:s3cret@127.0.0.1:{frozen}/postgres"), "no answer within"),
        (format!("postgres://plinth:s3cret@127.0.0.1:{port}/postgres?sslmode=require"), "TLS"),
        (format!("postgres://plinth:s3cret@127.0.0.1:{port}/postgres?sslmode=never"), "sslmode"),
    ] {
        let started = Instant::now();
        let error = open(&url).await.err().expect("refused").to_string();
        assert!(started.elapsed() < Duration::from_millis(5500), "{reason}: {:?}", started.elapsed());
        assert!(error.contains(reason) && !error.contains("s3cret"), "{error}");
    }
    let config = DatabaseConfig { url: server.url("nowhere").as_str().into(), ..DatabaseConfig::default() };
    assert!(matches!(Migrator::open(&config, &silent()).await, Err(OpenError::Connect(_))));
}

async fn a_database_that_cannot_hold_every_text_is_refused(_: Setup) {
    let server = Postgres::start(Durability::None).await;
    let client = plinth_tests::connect(&server.url("postgres")).await;
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = encoding.to_lowercase();
        let create = format!("CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0");
        client.batch_execute(&create).await.expect("a database");
        let config = DatabaseConfig { url: server.url(&name).into(), ..DatabaseConfig::default() };
        for error in [
            Database::open(&config, Arc::new(Rings::default()), &silent()).await.err().expect("refused"),
            Migrator::open(&config, &silent()).await.err().expect("refused"),
        ] {
            assert!(matches!(&error, OpenError::Encoding(found) if found == encoding), "{error}");
            assert!(error.to_string().contains("ENCODING 'UTF8'"), "{error}");
        }
    }
    open(&server.url("postgres")).await.expect("opened");
}

async fn a_session_has_a_name(setup: Setup) {
    let store = Store::new(&setup).await;
    store.persons().list(&Default::default()).await.expect("a page");
    let client = plinth_tests::connect(store.kept.url()).await;
    let sessions = "SELECT count(*) FROM pg_stat_activity \
                    WHERE datname = current_database() AND application_name = 'plinth'";
    assert!(client.query_one(sessions, &[]).await.expect("a row").get::<_, i64>(0) >= 1);
}

async fn a_usual_server_needs_no_advice(setup: Setup) {
    let store = Store::new(&setup).await;
    assert_eq!(store.migrator().await.advice().await.expect("asked"), [""; 0]);
}

async fn a_clock_that_differs_is_told(setup: Setup) {
    let store = Store::new(&setup).await;
    let mut migrator = store.migrator().await;
    for (ahead, skew) in [(0, 0), (60, -60), (-60, 60)] {
        let found = migrator.clock_skew(&Ahead(ahead)).await.expect("asked").expect("a server has a clock");
        // The server may be on another host, with a clock of its own.
        assert!((found.num_milliseconds() - skew * 1000).abs() < 10_000, "{ahead}: {found}");
    }
}
