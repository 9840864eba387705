//! The process is killed in the middle of writes to its embedded database: the file is whole, every acknowledged write
//! is readable afterwards, and the next process starts as if nothing had been.
//!
//! Red when an insert is acknowledged before it is committed (`adapters/diesel/src/repositories/persons.rs`).

use crate::{
    times,
    writers::{Journal, write},
};
use diesel::{RunQueryDsl, dsl::sql, sql_types::Text};
use plinth_tests::{Setup, on_sqlite, sqlite};

on_sqlite!(kills_under_writes_lose_nothing);

async fn kills_under_writes_lose_nothing(setup: Setup) {
    let database = setup.database().await;
    let journal = Journal::default();
    for round in 0..times(10, 200) {
        let app = Setup::new(setup.plinth(), setup.stack()).with("log.level", "info");
        let app = app.start_on(database.url()).await;
        let writers = write(&app, &journal, 8);
        journal.reaches(journal.count() + 5 + round % 7 * 5).await;
        app.kill().await;
        drop(writers);
        let whole = sql::<Text>("PRAGMA integrity_check").get_result::<String>(&mut sqlite(database.url()));
        assert_eq!(whole.as_deref(), Ok("ok"), "round {round}");
    }
    let defects: Vec<String> =
        journal.unexpected().into_iter().filter(|answer| answer.starts_with("500")).collect();
    assert_eq!(defects, Vec::<String>::new());
    let app = setup.start_on(database.url()).await;
    journal.all_readable(&app).await;
    app.stop().await;
}
