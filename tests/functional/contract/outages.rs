//! A server that is slow, busy, cut off or gone: whatever happens is `Unavailable`, in time, and over when it is over.

use super::{NOTHING, Store, persons::person};
use adapter_diesel::{Database, DatabaseConfig};
use application::{Error, PersonRepository};
use domain::PersonId;
use plinth_tests::{
    Durability, Postgres, Proxy, Setup, Weather, connect, on_both_stacks, on_postgres, on_sqlite,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

on_sqlite!(a_file_that_somebody_else_writes_to_is_unavailable);
on_both_stacks!(in_a_crowd_everybody_is_served_in_turn);
on_postgres!(
    a_lock_that_is_not_released_is_unavailable,
    a_statement_that_takes_too_long_is_unavailable,
    a_session_that_is_terminated_is_unavailable,
    a_deadlock_is_unavailable,
    a_full_disk_is_unavailable,
    an_exhausted_pool_is_unavailable_in_time,
    terminated_connections_are_replaced_unseen,
    a_plan_does_not_outlive_a_migration,
    a_server_that_has_become_a_standby_is_left,
    a_restart_is_over_when_it_is_over,
    a_server_that_says_nothing_is_given_up,
    hanging_up_leaves_no_transaction_and_no_half_write,
);

const SHORT: Duration = Duration::from_millis(200);
const NOBODY: PersonId = PersonId(Uuid::nil());

pub(super) fn assert_unavailable<T: std::fmt::Debug>(result: Result<T, Error>, reason: &str) {
    match result {
        Err(Error::Unavailable { dependency: "the database", source }) => {
            assert!(source.to_string().contains(reason), "{source}");
        }
        other => panic!("not unavailable: {other:?}"),
    }
}

/// Ends the sessions of the application that `which` is true of; how many there were.
async fn terminate(store: &Store, which: &str) -> i64 {
    let sql = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'plinth' AND {which}"
    );
    connect(store.kept.url()).await.query_one(&sql, &[]).await.expect("a row").get(0)
}

/// Returns when a session waits for a lock.
async fn waits_for_a_lock(store: &Store) {
    let client = connect(store.kept.url()).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while client.query_one(waiting, &[]).await.expect("a row").get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Tries until it succeeds, for `limit` at most; every failure before is `Unavailable`.
async fn recovers<T>(limit: Duration, mut attempt: impl AsyncFnMut() -> Result<T, Error>) -> T {
    let started = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(Error::Unavailable { source, .. }) => assert!(started.elapsed() < limit, "still {source}"),
            Err(error) => panic!("{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_file_that_somebody_else_writes_to_is_unavailable(setup: Setup) {
    let store = Store::with(&setup, |config| config.lock_timeout = SHORT).await;
    let hold = store.kept.hold_writes().await;
    assert_unavailable(
        store.persons().insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await,
        "database is locked",
    );
    assert_eq!(store.persons().find(NOBODY).await.expect("reads go on"), None);
    drop(hold);
    store.persons().insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await.expect("inserted");
}

async fn a_lock_that_is_not_released_is_unavailable(setup: Setup) {
    let store = Store::with(&setup, |config| config.lock_timeout = SHORT).await;
    let _hold = store.kept.hold_writes().await;
    assert_unavailable(
        store.persons().insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await,
        "lock timeout",
    );
}

async fn a_statement_that_takes_too_long_is_unavailable(setup: Setup) {
    let store = Store::with(&setup, |config| config.statement_timeout = SHORT).await;
    let _hold = store.kept.hold_writes().await;
    assert_unavailable(
        store.persons().insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await,
        "statement timeout",
    );
}

async fn a_session_that_is_terminated_is_unavailable(setup: Setup) {
    let store = Store::new(&setup).await;
    let _hold = store.kept.hold_writes().await;
    let persons = store.persons();
    let insert =
        tokio::spawn(async move { persons.insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await });
    waits_for_a_lock(&store).await;
    assert_eq!(terminate(&store, "wait_event_type = 'Lock'").await, 1);
    assert_unavailable(insert.await.expect("no panic"), "");
}

/// We hold the row that we insert and wait for the address that somebody else has inserted; that one then waits for our
/// row. The server asks who waits for whom after a second, of us first.
async fn a_deadlock_is_unavailable(setup: Setup) {
    let store = Store::new(&setup).await;
    let other = connect(store.kept.url()).await;
    let insert = "INSERT INTO persons SELECT $1::text::uuid, 'Eve', $2, $2, 36, 1, now(), now()";
    other.batch_execute("BEGIN; SET LOCAL deadlock_timeout = '1min'").await.expect("begun");
    let eve = Uuid::from_u128(9).to_string();
    other.execute(insert, &[&eve, &"ada@example.com"]).await.expect("inserted");
    let persons = store.persons();
    let ours =
        tokio::spawn(async move { persons.insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await });
    waits_for_a_lock(&store).await;
    let ada = Uuid::from_u128(1).to_string();
    let theirs = other.execute(insert, &[&ada, &"eve@example.com"]).await;
    assert_unavailable(ours.await.expect("no panic"), "deadlock detected");
    theirs.expect("the other one goes on");
}

/// A trigger says what the server says then: filling a disk takes a disk of one's own.
async fn a_full_disk_is_unavailable(setup: Setup) {
    let store = Store::new(&setup).await;
    let client = connect(store.kept.url()).await;
    for (number, said) in [
        (1, "could not extend file \"base/5/16384\": wrote only 4096 of 8192 bytes at block 9"),
        (2, "could not write to file \"pg_wal/xlogtemp.9\": No space left on device"),
    ] {
        let full = format!(
            "CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION '%', '{said}' USING ERRCODE = 'disk_full'; END $$; \
             CREATE OR REPLACE TRIGGER full_disk BEFORE INSERT ON persons EXECUTE FUNCTION full_disk()"
        );
        client.batch_execute(&full).await.expect("a trigger");
        assert_unavailable(
            store.persons().insert(&person(number, "Ada", "ada@example.com"), &NOTHING).await,
            said,
        );
    }
    client.batch_execute("DROP TRIGGER full_disk ON persons").await.expect("dropped");
    store
        .persons()
        .insert(&person(1, "Ada", "ada@example.com"), &NOTHING)
        .await
        .expect("there is room again");
}

async fn an_exhausted_pool_is_unavailable_in_time(setup: Setup) {
    let store = Store::with(&setup, |config| (config.pool_size, config.acquire_timeout) = (1, SHORT)).await;
    let hold = store.kept.hold_writes().await;
    let persons = store.persons();
    let first =
        tokio::spawn(async move { persons.insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await });
    waits_for_a_lock(&store).await;
    let started = Instant::now();
    assert_unavailable(
        store.persons().insert(&person(2, "Eve", "eve@example.com"), &NOTHING).await,
        "in use",
    );
    assert!(started.elapsed() < SHORT + Duration::from_millis(500), "{:?}", started.elapsed());
    assert_eq!(store.persons().find(NOBODY).await.expect("reads go on"), None);
    drop(hold);
    first.await.expect("no panic").expect("inserted");
}

async fn in_a_crowd_everybody_is_served_in_turn(setup: Setup) {
    let small = |config: &mut DatabaseConfig| {
        (config.pool_size, config.acquire_timeout) = (2, Duration::from_secs(2))
    };
    let store = Store::with(&setup, small).await;
    let crowd = (0..32).map(|writer: u64| {
        let persons = store.persons();
        tokio::spawn(async move {
            for number in 0..20 {
                let somebody =
                    person((writer * 100 + number).into(), "Ada", &format!("{writer}-{number}@example.com"));
                persons.insert(&somebody, &NOTHING).await.expect("served in time");
            }
        })
    });
    for member in crowd.collect::<Vec<_>>() {
        member.await.expect("no panic");
    }
}

async fn terminated_connections_are_replaced_unseen(setup: Setup) {
    let store = Store::new(&setup).await;
    store.persons().insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await.expect("inserted");
    for number in 2..10 {
        store.persons().find(NOBODY).await.expect("an answer");
        assert!(terminate(&store, "true").await >= 2);
        // A read that was lost is repeated; a write goes to a connection that is known to be open.
        store.persons().find(NOBODY).await.expect("an answer");
        let somebody = person(number, "Eve", &format!("eve{number}@example.com"));
        recovers(Duration::from_secs(1), async || store.persons().insert(&somebody, &NOTHING).await).await;
    }
}

async fn a_plan_does_not_outlive_a_migration(setup: Setup) {
    let store = Store::with(&setup, |config| config.shared_connections = 1).await;
    let ada = person(1, "Ada", "ada@example.com");
    store.persons().insert(&ada, &NOTHING).await.expect("inserted");
    assert!(store.persons().find(ada.id()).await.expect("found").is_some());
    let change = "ALTER TABLE persons ALTER COLUMN email TYPE varchar(254)";
    connect(store.kept.url()).await.batch_execute(change).await.expect("altered");
    assert_eq!(store.persons().find(ada.id()).await.expect("found"), Some(ada));
}

async fn a_server_that_has_become_a_standby_is_left(setup: Setup) {
    let store = Store::with(&setup, |config| config.pool_size = 1).await;
    let client = connect(store.kept.url()).await;
    let name: String = client.query_one("SELECT current_database()::text", &[]).await.expect("a row").get(0);
    let standby = format!("ALTER DATABASE {name} SET default_transaction_read_only");
    client.batch_execute(&format!("{standby} = on")).await.expect("set");
    let ada = person(1, "Ada", "ada@example.com");
    assert_unavailable(store.persons().insert(&ada, &NOTHING).await, "read-only");
    // The setting is a session's from its beginning: only a new one sees that this has changed.
    client.batch_execute(&format!("{standby} = off")).await.expect("set");
    store.persons().insert(&ada, &NOTHING).await.expect("inserted by a new session");
}

/// A database on a server of its own, behind a proxy.
async fn own_server(
    change: impl FnOnce(&mut DatabaseConfig),
) -> (Postgres, Proxy, Arc<dyn PersonRepository>) {
    // Full, or a crash would take the migrations with it.
    let server = Postgres::start(Durability::Full).await;
    let proxy = Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()))).await;
    let url = format!("postgres://plinth@127.0.0.1:{}/postgres", proxy.address().port());
    let mut config = DatabaseConfig { url: url.as_str().into(), ..DatabaseConfig::default() };
    change(&mut config);
    let mut migrator = adapter_diesel::Migrator::open(&config, &super::silent()).await.expect("opened");
    migrator.upgrade(None).await.expect("upgraded");
    let database =
        Database::open(&config, Arc::new(super::Rings::default()), &super::silent()).await.expect("opened");
    (server, proxy, database.persons())
}

async fn a_restart_is_over_when_it_is_over(_: Setup) {
    let (mut server, _proxy, persons) =
        own_server(|config| config.acquire_timeout = Duration::from_secs(1)).await;
    persons.insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await.expect("inserted");
    server.crash().await;
    for _ in 0..5 {
        assert_unavailable(persons.find(NOBODY).await, "");
    }
    assert_unavailable(persons.insert(&person(2, "Eve", "eve@example.com"), &NOTHING).await, "");
    server.resume().await;
    let found =
        recovers(Duration::from_secs(5), async || persons.find(PersonId(Uuid::from_u128(1))).await).await;
    assert!(found.is_some());
    let eve = person(2, "Eve", "eve@example.com");
    recovers(Duration::from_secs(5), async || persons.insert(&eve, &NOTHING).await).await;
}

async fn a_server_that_says_nothing_is_given_up(_: Setup) {
    let short = |config: &mut DatabaseConfig| {
        (config.read_timeout, config.statement_timeout, config.acquire_timeout) = (SHORT, SHORT, SHORT);
    };
    let (_server, proxy, persons) = own_server(short).await;
    persons.insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await.expect("inserted");
    proxy.set(Weather::Freeze);
    let started = Instant::now();
    assert_unavailable(persons.find(NOBODY).await, "no answer");
    assert_unavailable(persons.insert(&person(2, "Eve", "eve@example.com"), &NOTHING).await, "no answer");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    proxy.set(Weather::Fair);
    recovers(Duration::from_secs(5), async || persons.find(NOBODY).await).await;
    let zoe = person(3, "Zoe", "zoe@example.com");
    recovers(Duration::from_secs(5), async || persons.insert(&zoe, &NOTHING).await).await;
}

async fn hanging_up_leaves_no_transaction_and_no_half_write(setup: Setup) {
    let store = Store::new(&setup).await;
    let mut accepted = Vec::new();
    for number in 1..=1000_u64 {
        let somebody = person(number.into(), "Ada", &format!("ada{number}@example.com"));
        let persons = store.persons();
        // From "not even sent" to "answered".
        let patience = Duration::from_micros(number % 40 * 25);
        if let Ok(result) = tokio::time::timeout(patience, persons.insert(&somebody, &NOTHING)).await {
            result.expect("inserted");
            accepted.push(somebody);
        }
    }
    for somebody in accepted {
        assert_eq!(store.persons().find(somebody.id()).await.expect("found"), Some(somebody));
    }
    let idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' \
                AND datname = current_database()";
    let client = connect(store.kept.url()).await;
    assert_eq!(client.query_one(idle, &[]).await.expect("a row").get::<_, i64>(0), 0);
}
