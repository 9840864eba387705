//! What the probes tell.

use super::{NOTHING, Store, persons::person};
use adapter_diesel::Database;
use application::{CheckStatus, HealthController, HealthStatus};
use plinth_tests::{Setup, on_both_stacks};
use std::time::Duration;

on_both_stacks!(
    a_migrated_database_is_well,
    pending_migrations_are_counted,
    a_key_that_is_not_that_of_its_address_is_found,
    a_closed_database_is_down_and_names_nobody,
);

fn health(database: &Database) -> HealthController {
    HealthController::new(database.probes(), Duration::from_secs(5))
}

async fn a_migrated_database_is_well(setup: Setup) {
    let store = Store::new(&setup).await;
    let health = health(&store.database);
    assert_eq!(health.names().collect::<Vec<_>>(), ["db", "migrations", "consistency"]);
    let report = health.report().await;
    assert_eq!(report.status, HealthStatus::Ok, "{report:?}");
    assert_eq!(report.checks[1].detail, "at head");
}

async fn pending_migrations_are_counted(setup: Setup) {
    let store = Store::new(&setup).await;
    let undone = store.migrator().await.downgrade(Some("base")).await.expect("downgraded").len();
    let check = health(&store.database).check("migrations").await.expect("a check");
    assert_eq!(check.status, CheckStatus::Down);
    assert!(check.detail.contains(&format!("{undone} pending")), "{}", check.detail);
}

async fn a_key_that_is_not_that_of_its_address_is_found(setup: Setup) {
    let store = Store::new(&setup).await;
    store.persons().insert(&person(1, "Ada", "Ada@example.com"), &NOTHING).await.expect("inserted");
    let health = health(&store.database);
    assert_eq!(health.check("consistency").await.expect("a check").status, CheckStatus::Ok);
    store.kept.execute("UPDATE persons SET email_key = 'eve@example.com'").await;
    let check = health.check("consistency").await.expect("a check");
    assert_eq!(check.status, CheckStatus::Degraded, "{}", check.detail);
    assert!(check.detail.contains("1 of"), "{}", check.detail);
}

async fn a_closed_database_is_down_and_names_nobody(setup: Setup) {
    let store = Store::new(&setup).await;
    store.database.close().await;
    let report = health(&store.database).report().await;
    assert_eq!(report.status, HealthStatus::Down);
    for check in report.checks {
        assert_eq!(check.detail, "the database is not available");
    }
}
