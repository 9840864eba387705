//! The small commands: documents, routes, secrets, the doctor.

use plinth_tests::{
    Durability, Folder, Postgres, Setup, command, connect, on_both_stacks, on_postgres, on_sqlite,
};
use std::{
    collections::HashSet,
    fs::File,
    process::{Command, Stdio},
};

on_sqlite!(
    routes_are_listed_with_method_and_path,
    secrets_are_long_and_differ,
    the_version_is_told,
    help_is_help,
    what_is_no_command_is_refused,
    a_result_that_cannot_be_written_is_a_failure,
    a_reader_that_has_gone_is_no_failure,
);
on_both_stacks!(the_doctor_finds_a_healthy_service_healthy);
on_postgres!(the_doctor_finds_what_is_wrong, the_doctor_finds_an_encoding_that_lacks_letters);
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

/// Every command that prints, at least one of each source file.
const PRINT: [&[&str]; 7] = [
    &["openapi", "v1"],
    &["routes"],
    &["secret"],
    &["config", "example"],
    &["config", "check"],
    &["db", "status"],
    &["doctor"],
];

async fn a_result_that_cannot_be_written_is_a_failure(setup: Setup) {
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    for arguments in PRINT {
        let ended = printing(&setup, arguments, full.try_clone().expect("a second handle").into());
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("cannot write to standard output"), "{arguments:?}: {said}");
    }
}

async fn a_reader_that_has_gone_is_no_failure(setup: Setup) {
    for arguments in PRINT {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = printing(&setup, arguments, writer.into());
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

fn printing(setup: &Setup, arguments: &[&str], output: Stdio) -> std::process::Output {
    let folder = Folder::new();
    let mut command = Command::new(setup.plinth());
    command.args(arguments).env_clear().env("APP_ENV", "test").current_dir(folder.path()).stdout(output);
    let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
    child.wait_with_output().expect("it ends")
}

async fn the_doctor_finds_an_encoding_that_lacks_letters(setup: Setup) {
    let server = Postgres::start(Durability::None).await;
    let create = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0";
    connect(&server.url("postgres")).await.batch_execute(create).await.expect("a database");
    let doctor = command(setup.plinth(), &["doctor"]).env("DATABASE_URL", &server.url("latin"));
    let said = doctor.run().await.failed();
    assert!(said.contains("LATIN1") && said.contains("ENCODING 'UTF8'"), "{said}");
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
