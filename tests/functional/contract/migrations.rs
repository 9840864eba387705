//! The schema over time.

use super::{NOTHING, Store, outages::assert_unavailable, persons::person, silent};
use adapter_diesel::{MigrateError, MigrationStatus, Migrator};
use adapter_system::{SystemClock, SystemIds};
use domain::{Limit, PersonQuery};
use plinth_tests::{Setup, on_both_stacks};

on_both_stacks!(
    the_schema_in_the_code_is_that_of_the_database,
    a_difference_to_the_schema_is_told,
    everything_can_be_taken_back_and_applied_again,
    a_target_is_a_version_or_a_name,
    at_head_nothing_is_applied,
    a_redo_ends_where_it_began,
    a_reset_leaves_an_empty_database_at_head,
    seeding_twice_adds_once,
    of_many_that_migrate_at_once_one_applies,
    a_migration_of_a_newer_program_is_told_and_kept,
    a_table_that_is_missing_is_unavailable_until_it_is_there,
);

async fn count(store: &Store) -> usize {
    let query = PersonQuery { limit: Limit::MAX, ..PersonQuery::default() };
    store.persons().list(&query).await.expect("a page").items.len()
}

async fn the_schema_in_the_code_is_that_of_the_database(setup: Setup) {
    let store = Store::new(&setup).await;
    assert_eq!(store.migrator().await.drift().await.expect("compared"), [""; 0]);
}

async fn a_difference_to_the_schema_is_told(setup: Setup) {
    let store = Store::new(&setup).await;
    store
        .kept
        .execute("ALTER TABLE persons DROP COLUMN email; ALTER TABLE persons ADD COLUMN extra TEXT;")
        .await;
    store.kept.execute("CREATE TABLE pets (id TEXT)").await;
    let drift = store.migrator().await.drift().await.expect("compared");
    let expected = [
        "column persons.email is missing in the database",
        "column persons.extra is not in schema.rs",
        "table pets is not in schema.rs",
    ];
    assert_eq!(drift, expected);
}

async fn everything_can_be_taken_back_and_applied_again(setup: Setup) {
    let store = Store::new(&setup).await;
    let mut migrator = store.migrator().await;
    let mut undone = migrator.downgrade(Some("base")).await.expect("downgraded");
    assert!(migrator.status().await.expect("a status").iter().all(|status| !status.applied && status.known));
    let drift = migrator.drift().await.expect("compared");
    assert_eq!(drift.first().map(String::as_str), Some("table persons is missing in the database"));
    let done = migrator.upgrade(None).await.expect("upgraded");
    undone.reverse();
    assert_eq!(done, undone);
    assert!(migrator.status().await.expect("a status").iter().all(|status| status.applied));
    assert_eq!(migrator.drift().await.expect("compared"), [""; 0]);
}

async fn a_target_is_a_version_or_a_name(setup: Setup) {
    let store = Store::new(&setup).await;
    let mut migrator = store.migrator().await;
    let all: Vec<String> = migrator.status().await.expect("a status").into_iter().map(|s| s.name).collect();
    migrator.downgrade(Some("base")).await.expect("downgraded");
    let version = all[0].split('_').next().expect("a version");
    assert_eq!(migrator.upgrade(Some(version)).await.expect("upgraded"), all[..1]);
    assert_eq!(migrator.downgrade(Some(&all[0])).await.expect("downgraded"), [""; 0]);
    assert_eq!(migrator.downgrade(None).await.expect("downgraded"), all[..1]);
    let error = migrator.upgrade(Some("nonsense")).await.expect_err("no such migration");
    assert!(matches!(error, MigrateError::NoSuchMigration(name) if name == "nonsense"));
}

async fn at_head_nothing_is_applied(setup: Setup) {
    let store = Store::new(&setup).await;
    assert_eq!(store.migrator().await.upgrade(None).await.expect("upgraded"), [""; 0]);
}

async fn a_redo_ends_where_it_began(setup: Setup) {
    let store = Store::new(&setup).await;
    let mut migrator = store.migrator().await;
    let before = migrator.status().await.expect("a status");
    assert_eq!(migrator.redo().await.expect("redone").len(), 1);
    assert_eq!(migrator.status().await.expect("a status"), before);
    migrator.downgrade(Some("base")).await.expect("downgraded");
    assert_eq!(migrator.redo().await.expect("nothing to redo"), [""; 0]);
}

async fn a_reset_leaves_an_empty_database_at_head(setup: Setup) {
    let store = Store::new(&setup).await;
    store.persons().insert(&person(1, "Ada", "ada@example.com"), &NOTHING).await.expect("inserted");
    store.kept.execute("CREATE TABLE pets (id TEXT); CREATE VIEW names AS SELECT name FROM persons;").await;
    let mut migrator = store.migrator().await;
    assert!(!migrator.reset().await.expect("reset").is_empty());
    assert_eq!(migrator.drift().await.expect("compared"), [""; 0]);
    assert_eq!(count(&store).await, 0);
}

async fn seeding_twice_adds_once(setup: Setup) {
    let store = Store::new(&setup).await;
    // Somebody has the address of a demo person already.
    store.persons().insert(&person(1, "Somebody", "ADA@example.com"), &NOTHING).await.expect("inserted");
    let mut migrator = store.migrator().await;
    let (clock, ids) = (SystemClock, SystemIds::default());
    let added = migrator.seed(&clock, &ids).await.expect("seeded");
    assert!(added >= 12, "{added}");
    assert_eq!(migrator.seed(&clock, &ids).await.expect("seeded"), 0);
    assert_eq!(count(&store).await, added + 1);
}

async fn of_many_that_migrate_at_once_one_applies(setup: Setup) {
    let store = Store::new(&setup).await;
    let all = store.migrator().await.downgrade(Some("base")).await.expect("downgraded").len();
    let upgrades = (0..4).map(|_| {
        let config = store.config.clone();
        tokio::spawn(async move {
            let mut migrator = Migrator::open(&config, &silent()).await.expect("opened");
            migrator.upgrade(None).await.expect("upgraded").len()
        })
    });
    let applied = futures_util::future::join_all(upgrades).await;
    let mut applied: Vec<usize> = applied.into_iter().map(|applied| applied.expect("no panic")).collect();
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, all]);
}

async fn a_migration_of_a_newer_program_is_told_and_kept(setup: Setup) {
    let store = Store::new(&setup).await;
    store.kept.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')").await;
    let mut migrator = store.migrator().await;
    let newest = migrator.status().await.expect("a status").pop();
    let newer = MigrationStatus { name: "99990101000000".to_owned(), applied: true, known: false };
    assert_eq!(newest, Some(newer));
    assert_eq!(migrator.upgrade(None).await.expect("nothing to do"), [""; 0]);
    let error = migrator.downgrade(None).await.expect_err("it has no SQL for that");
    assert!(matches!(&error, MigrateError::UnknownMigration(version) if version == "99990101000000"));
    assert!(error.to_string().contains("newer"), "{error}");
}

async fn a_table_that_is_missing_is_unavailable_until_it_is_there(setup: Setup) {
    let store = Store::new(&setup).await;
    store.migrator().await.downgrade(Some("base")).await.expect("taken back");
    let ada = person(1, "Ada", "ada@example.com");
    for _ in 0..2 {
        assert_unavailable(store.persons().find(ada.id()).await, "run `plinth db upgrade`");
        assert_unavailable(store.persons().insert(&ada, &NOTHING).await, "run `plinth db upgrade`");
    }
    store.migrator().await.upgrade(None).await.expect("upgraded");
    store.persons().insert(&ada, &NOTHING).await.expect("inserted");
}
