//! `plinth db …` on both databases.

use plinth_tests::{
    Durability, Output, Plinth, Postgres, Setup, Stack, TestDatabase, command, connect, on_both_stacks,
    on_postgres, sqlite,
};
use std::fs;

on_both_stacks!(
    down_and_up_again_gives_the_same_schema,
    status_tells_what_is_applied_and_what_is_not,
    redo_leaves_everything_applied,
    seeding_twice_is_seeding_once,
    reset_empties_and_may_seed,
    production_refuses_to_reset,
    two_upgrades_at_once_are_one,
    an_unknown_migration_is_refused_by_name,
    a_revision_is_drafted_for_both_databases,
);
on_postgres!(
    a_wrong_password_is_told_at_once,
    an_absent_server_is_told_at_once,
    an_absent_database_is_told_at_once
);

async fn down_and_up_again_gives_the_same_schema(setup: Setup) {
    let database = setup.database().await;
    let before = schema(&database).await;
    assert!(before.contains("persons"));
    db(&database, &["downgrade", "--to", "base"]).run().await.succeeded();
    let empty = schema(&database).await;
    assert!(!empty.contains("persons_name_id_idx"), "{empty}");
    db(&database, &["upgrade"]).run().await.succeeded();
    assert_eq!(schema(&database).await, before);
}

async fn status_tells_what_is_applied_and_what_is_not(setup: Setup) {
    let database = setup.database().await;
    let all = db(&database, &["status"]).run().await.succeeded();
    assert!(all.contains("persons") && !all.contains("pending"), "{all}");
    let said = db(&database, &["downgrade"]).run().await.succeeded();
    let last = all.split_whitespace().next_back().expect("a migration");
    assert!(said.contains(last), "{said}");
    let none = db(&database, &["status"]).run().await;
    assert!(format!("{}{}", none.stdout, none.stderr).contains("pending"), "{none:?}");
}

async fn redo_leaves_everything_applied(setup: Setup) {
    let database = setup.database().await;
    let before = schema(&database).await;
    db(&database, &["redo"]).run().await.succeeded();
    assert_eq!(schema(&database).await, before);
}

async fn seeding_twice_is_seeding_once(setup: Setup) {
    let database = setup.database().await;
    db(&database, &["seed"]).run().await.succeeded();
    let seeded = persons(&database).await;
    assert!(seeded > 5);
    db(&database, &["seed"]).run().await.succeeded();
    assert_eq!(persons(&database).await, seeded);
}

async fn reset_empties_and_may_seed(setup: Setup) {
    let database = setup.database().await;
    let before = schema(&database).await;
    db(&database, &["reset", "--seed"]).run().await.succeeded();
    assert!(persons(&database).await > 5);
    db(&database, &["reset"]).run().await.succeeded();
    assert_eq!((persons(&database).await, schema(&database).await), (0, before));
}

async fn production_refuses_to_reset(setup: Setup) {
    let database = setup.database().await;
    db(&database, &["seed"]).run().await.succeeded();
    let before = persons(&database).await;
    let refused = db(&database, &["reset"]).env("APP_ENV", "prod").run().await.failed();
    assert!(refused.contains("prod"), "{refused}");
    assert_eq!(persons(&database).await, before);
}

async fn two_upgrades_at_once_are_one(setup: Setup) {
    let database = setup.database().await;
    db(&database, &["downgrade", "--to", "base"]).run().await.succeeded();
    let upgrade = || db(&database, &["upgrade"]).run();
    let (first, second, third) = tokio::join!(upgrade(), upgrade(), upgrade());
    let said = [first, second, third].map(Output::succeeded);
    assert!(persons(&database).await == 0, "{said:?}");
    assert_eq!(said.iter().filter(|said| said.contains("persons")).count(), 1, "{said:?}");
}

async fn an_unknown_migration_is_refused_by_name(setup: Setup) {
    let database = setup.database().await;
    for command in ["upgrade", "downgrade"] {
        let said = db(&database, &[command, "--to", "nonsense"]).run().await.failed();
        assert!(said.contains("nonsense"), "{said}");
    }
    assert_eq!(persons(&database).await, 0);
}

async fn a_revision_is_drafted_for_both_databases(setup: Setup) {
    let database = setup.database().await;
    let folder = plinth_tests::Folder::new();
    for kind in ["sqlite", "postgres"] {
        fs::create_dir_all(folder.path().join("migrations").join(kind)).expect("a folder");
    }
    let drafted = db(&database, &["new", "Add a nickname"]).in_folder(folder.path()).run().await;
    let said = drafted.succeeded();
    for kind in ["sqlite", "postgres"] {
        let made = fs::read_dir(folder.path().join("migrations").join(kind)).expect("a folder").flatten();
        let made: Vec<_> = made.map(|entry| entry.path()).collect();
        assert_eq!(made.len(), 1, "{said}");
        assert!(made[0].to_string_lossy().ends_with("_add_a_nickname"), "{made:?}");
        assert!(made[0].join("up.sql").is_file() && made[0].join("down.sql").is_file());
    }
}

async fn a_wrong_password_is_told_at_once(setup: Setup) {
    let server = Postgres::start(Durability::None).await;
    let admin = connect(&server.url("postgres")).await;
    admin.batch_execute("CREATE ROLE guarded LOGIN PASSWORD 'correct'").await.expect("a role");
    let wrong = server.url("postgres").replace("plinth@", "guarded:canary@");
    let started = std::time::Instant::now();
    let said = command(setup.plinth(), &["db", "status"]).env("DATABASE_URL", &wrong).run().await.failed();
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("canary"), "{said}");
    let served = command(setup.plinth(), &["api"]).env("DATABASE_URL", &wrong).env("APP__HTTP__PORT", "0");
    let said = served.env("APP__MONITOR__PORT", "0").run().await.failed();
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

async fn an_absent_server_is_told_at_once(setup: Setup) {
    let said = command(setup.plinth(), &["db", "status"]).env("DATABASE_URL", "postgres://a@127.0.0.1:1/b");
    let said = said.run().await.failed();
    assert!(said.to_lowercase().contains("connection refused"), "{said}");
}

async fn an_absent_database_is_told_at_once(setup: Setup) {
    let database = setup.database().await;
    let mut url = url::Url::parse(database.url()).expect("a URL");
    url.set_path("nonsense");
    let said =
        command(setup.plinth(), &["db", "status"]).env("DATABASE_URL", url.as_str()).run().await.failed();
    assert!(said.contains("\"nonsense\" does not exist"), "{said}");
}

fn db(database: &TestDatabase, arguments: &[&str]) -> Plinth {
    let arguments = [&["db"], arguments].concat();
    command(env!("CARGO_BIN_EXE_plinth"), &arguments).env("DATABASE_URL", database.url())
}

async fn persons(database: &TestDatabase) -> i64 {
    match database.stack() {
        Stack::Sqlite => {
            use diesel::{RunQueryDsl, dsl::sql, sql_types::BigInt};
            let count = sql::<BigInt>("SELECT count(*) FROM persons");
            count.get_result(&mut sqlite(database.url())).expect("a table")
        }
        Stack::Postgres => {
            let row = connect(database.url()).await.query_one("SELECT count(*) FROM persons", &[]).await;
            row.expect("a table").get(0)
        }
    }
}

/// Everything that the database knows of its own shape, as text.
async fn schema(database: &TestDatabase) -> String {
    match database.stack() {
        Stack::Sqlite => {
            use diesel::{RunQueryDsl, dsl::sql, sql_types::Text};
            let shape = "SELECT coalesce(group_concat(name || ': ' || coalesce(sql, ''), char(10)), '') FROM
                (SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY name)";
            sql::<Text>(shape).get_result(&mut sqlite(database.url())).expect("a schema")
        }
        Stack::Postgres => {
            let shape = "SELECT coalesce(string_agg(line, E'\\n' ORDER BY line), '') FROM (
                SELECT concat_ws(' ', table_name, column_name, ordinal_position, data_type, is_nullable,
                    column_default, collation_name) AS line
                FROM information_schema.columns WHERE table_schema = 'public'
                UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
                UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint
                    WHERE connamespace = 'public'::regnamespace) AS lines
                WHERE line NOT LIKE '%diesel%'";
            connect(database.url()).await.query_one(shape, &[]).await.expect("a schema").get(0)
        }
    }
}
