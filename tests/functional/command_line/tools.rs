//! The small commands: documents, routes, secrets, the doctor.

use plinth_tests::{Folder, Setup, command, on_both_stacks, on_postgres, on_sqlite};
use std::collections::HashSet;

on_sqlite!(
    routes_are_listed_with_method_and_path,
    secrets_are_long_and_differ,
    the_version_is_told,
    help_is_help,
    what_is_no_command_is_refused,
);
on_both_stacks!(the_doctor_finds_a_healthy_service_healthy);
on_postgres!(the_doctor_finds_what_is_wrong);
on_sqlite!(the_doctor_makes_nothing, what_a_start_does_is_no_failure_to_the_doctor);

async fn routes_are_listed_with_method_and_path(setup: Setup) {
    let routes = command(setup.plinth(), &["routes"]).run().await.succeeded();
    for (method, path) in [
        ("GET", "/v1/persons"),
        ("PUT", "/v1/persons/{id}"),
        ("PATCH", "/v2/persons/{id}"),
        ("GET", "/health"),
    ] {
        let listed = routes.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            words.contains(&method) && words.contains(&path)
        });
        assert!(listed, "no {method} {path} in\n{routes}");
    }
}

async fn secrets_are_long_and_differ(setup: Setup) {
    let mut seen = HashSet::new();
    for _ in 0..3 {
        let secret = command(setup.plinth(), &["secret"]).run().await.succeeded();
        assert!(secret.trim_end().len() >= 43 && seen.insert(secret.clone()), "{secret}");
    }
    let short = command(setup.plinth(), &["secret", "--bytes", "24"]).run().await.succeeded();
    assert_eq!(short.trim_end().len(), 32);
}

async fn the_version_is_told(setup: Setup) {
    let said = command(setup.plinth(), &["--version"]).run().await.succeeded();
    assert!(said.contains(env!("CARGO_PKG_VERSION")), "{said}");
}

async fn help_is_help(setup: Setup) {
    let said = command(setup.plinth(), &["--help"]).run().await.succeeded();
    for word in ["api", "db", "config", "openapi", "routes", "secret", "doctor"] {
        assert!(said.contains(word), "no `{word}` in\n{said}");
    }
}

async fn what_is_no_command_is_refused(setup: Setup) {
    let said = command(setup.plinth(), &["apo"]).run().await.failed();
    assert!(said.contains("apo") && said.contains("api"), "{said}");
    command(setup.plinth(), &["openapi", "v9"]).run().await.failed();
}

async fn the_doctor_finds_a_healthy_service_healthy(setup: Setup) {
    let database = setup.database().await;
    command(setup.plinth(), &["doctor"]).env("DATABASE_URL", database.url()).run().await.succeeded();
}

async fn the_doctor_finds_what_is_wrong(setup: Setup) {
    let database = setup.database().await;
    let downgrade = command(setup.plinth(), &["db", "downgrade"]).env("DATABASE_URL", database.url());
    downgrade.run().await.succeeded();
    let said = command(setup.plinth(), &["doctor"]).env("DATABASE_URL", database.url()).run().await.failed();
    assert!(said.contains("plinth db upgrade"), "{said}");
}

async fn the_doctor_makes_nothing(setup: Setup) {
    let folder = Folder::new();
    let said = command(setup.plinth(), &["doctor"]).in_folder(folder.path()).run().await.succeeded();
    assert!(said.contains("its file does not exist yet"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

async fn what_a_start_does_is_no_failure_to_the_doctor(setup: Setup) {
    let database = setup.database().await;
    command(setup.plinth(), &["db", "downgrade"]).env("DATABASE_URL", database.url()).run().await.succeeded();
    let doctor = command(setup.plinth(), &["doctor"]).env("DATABASE_URL", database.url());
    let said = doctor.run().await.succeeded();
    assert!(said.contains("1 pending") && said.contains("starting applies them"), "{said}");
}
