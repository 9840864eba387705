//! How the service starts, and what a running one takes over.

use plinth_tests::{Client, Folder, Process, Setup, Signal, command, on_both_stacks, on_sqlite, person};
use serde_json::{Value, json};
use std::fs;

on_both_stacks!(
    update_db_migrates_an_empty_database_and_seeds_nothing,
    reset_db_starts_from_the_demo_persons,
    production_refuses_reset_db,
    a_database_that_is_not_migrated_is_not_ready_or_migrated,
);
on_sqlite!(
    nothing_needs_to_be_configured,
    without_a_command_everything_runs,
    a_second_server_on_the_same_file_is_refused,
    a_taken_port_is_told,
    a_running_service_takes_over_its_log_level,
    a_running_service_refuses_a_wrong_file_as_a_whole,
    data_survives_a_restart,
    a_file_that_may_not_grow_is_a_full_disk_and_not_the_end,
);

async fn update_db_migrates_an_empty_database_and_seeds_nothing(setup: Setup) {
    let database = setup.database().await;
    downgrade(database.url()).await;
    let app = setup.env("UPDATE_DB", "1").start_on(database.url()).await;
    app.get("/health").await.expect(200);
    assert_eq!(app.get("/v1/persons").await.expect(200).json()["objects"], json!([]));
}

async fn reset_db_starts_from_the_demo_persons(setup: Setup) {
    let database = setup.database().await;
    let app = Setup::new(setup.plinth(), setup.stack()).start_on(database.url()).await;
    let made = app.person(&person(json!({}))).await;
    app.stop().await;
    let app = setup.env("RESET_DB", "1").start_on(database.url()).await;
    let persons = app.get("/v1/persons?limit=100").await.expect(200).json();
    let ids: Vec<&Value> = persons["objects"].as_array().expect("objects").iter().map(|p| &p["id"]).collect();
    assert!(ids.len() > 5 && !ids.contains(&&made["id"]));
}

async fn production_refuses_reset_db(setup: Setup) {
    let database = setup.database().await;
    for command_name in ["api", "all"] {
        let api = command(setup.plinth(), &[command_name]).env("APP_ENV", "prod").env("RESET_DB", "1");
        let said = api.env("DATABASE_URL", database.url()).run().await.failed();
        assert!(said.contains("reset_on_start") || said.contains("RESET_DB"), "{said}");
    }
}

/// PostgreSQL waits for an operator; the embedded database has none and migrates itself.
async fn a_database_that_is_not_migrated_is_not_ready_or_migrated(setup: Setup) {
    let (database, embedded) = (setup.database().await, setup.stack() == plinth_tests::Stack::Sqlite);
    downgrade(database.url()).await;
    let app = setup.start_on(database.url()).await;
    app.get("/health").await.expect(if embedded { 200 } else { 503 });
    app.get("/v1/persons").await.expect(if embedded { 200 } else { 503 });
    let at_start = app.log().into_iter().take_while(|line| line["msg"] != "listening");
    let told = at_start.filter(|line| line["level"] == "warning" && line["pending"].is_number());
    let told: Vec<String> = told.map(|line| line["msg"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(told.len(), usize::from(!embedded), "{told:?}");
    assert!(told.iter().all(|message| message.contains("`plinth db upgrade`")), "{told:?}");
}

async fn nothing_needs_to_be_configured(setup: Setup) {
    let folder = Folder::new();
    let process = serve(setup.plinth(), &["api"], &folder, &[("APP_ENV", "prod")]);
    listening(&process).await;
    assert!(folder.path().join("var/plinth.db").is_file());
}

async fn without_a_command_everything_runs(setup: Setup) {
    let folder = Folder::new();
    for arguments in [&[][..], &["all"]] {
        let mut process = serve(setup.plinth(), arguments, &folder, &[]);
        listening(&process).await;
        process.signal(Signal::TERM);
        assert!(process.ended().await.success());
    }
}

async fn a_second_server_on_the_same_file_is_refused(setup: Setup) {
    let second = command(setup.plinth(), &["api"]).env("APP__HTTP__PORT", "0").env("APP__MONITOR__PORT", "0");
    let app = setup.start().await;
    let said = second.env("DATABASE_URL", app.database().url()).run().await.failed();
    assert!(said.contains("another") || said.contains("in use"), "{said}");
    app.person(&person(json!({}))).await;
}

async fn a_taken_port_is_told(setup: Setup) {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let said = command(setup.plinth(), &["api", "--port", &port])
        .env("APP__MONITOR__PORT", "0")
        .run()
        .await
        .failed();
    assert!(said.contains(&port) && said.to_lowercase().contains("in use"), "{said}");
}

async fn a_running_service_takes_over_its_log_level(setup: Setup) {
    let folder = Folder::new();
    let file = folder.path().join("config.yml");
    fs::write(&file, "log: {level: info}\n").expect("a file");
    let process = reloadable(setup.plinth(), &folder);
    listening(&process).await;
    fs::write(&file, "log: {level: debug}\nhttp: {root_path: /new}\n").expect("a file");
    process.signal(Signal::HUP);
    process.output.wait_for("the changed key", |line| line.contains("log.level").then_some(())).await;
    process
        .output
        .wait_for("the key that needs a restart", |line| line.contains("http.root_path").then_some(()))
        .await;
}

async fn a_running_service_refuses_a_wrong_file_as_a_whole(setup: Setup) {
    let folder = Folder::new();
    let file = folder.path().join("config.yml");
    fs::write(&file, "log: {level: info}\n").expect("a file");
    let mut process = reloadable(setup.plinth(), &folder);
    listening(&process).await;
    fs::write(&file, "log: {level: debug}\nhttp: {port: nonsense}\n").expect("a file");
    process.signal(Signal::HUP);
    process.output.wait_for("what is wrong", |line| line.contains("http.port").then_some(())).await;
    assert!(process.is_running());
    assert!(!process.output.text().contains("\"level\":\"debug\""));
}

async fn data_survives_a_restart(setup: Setup) {
    let again = Setup::new(setup.plinth(), setup.stack());
    let app = setup.start().await;
    let made = app.person(&person(json!({}))).await;
    let database = app.stop().await.expect("its own");
    let app = again.start_on(database.url()).await;
    let persons = app.get("/v1/persons").await.expect(200).json();
    assert_eq!(persons["objects"], json!([made]));
}

async fn a_file_that_may_not_grow_is_a_full_disk_and_not_the_end(setup: Setup) {
    let folder = Folder::new();
    let limited = ["-c", "ulimit -f 400; exec \"$0\" api", setup.plinth()];
    let mut process = serve("/bin/sh", &limited, &folder, &[("APP__LOG__LEVEL", "debug")]);
    let url = |line: &str| serde_json::from_str::<Value>(line).ok()?["url"].as_str().map(str::to_owned);
    let client = Client::new(&process.output.wait_for("the line `listening`", url).await);
    let mut made = 0;
    loop {
        let reply = client.request("POST", "/v1/persons").json(&person(json!({}))).await;
        if reply.status == 201 && made < 1000 {
            made += 1;
            continue;
        }
        reply.expect(503);
        break;
    }
    process.output.wait_for("the reason", |line| line.contains("disk I/O error").then_some(())).await;
    client.request("GET", "/v1/persons").await.expect(200);
    assert!(made > 0 && process.is_running());
}

async fn downgrade(url: &str) {
    let downgrade = command(env!("CARGO_BIN_EXE_plinth"), &["db", "downgrade", "--to", "base"]);
    downgrade.env("DATABASE_URL", url).run().await.succeeded();
}

fn reloadable(plinth: &str, folder: &Folder) -> Process {
    serve(plinth, &["api"], folder, &[("APP_CONFIG", "config.yml")])
}

fn serve(plinth: &str, arguments: &[&str], folder: &Folder, environment: &[(&str, &str)]) -> Process {
    let mut command = std::process::Command::new(plinth);
    command.args(arguments).env_clear().current_dir(folder.path()).envs([
        ("APP_ENV", "test"),
        ("APP__HTTP__PORT", "0"),
        ("APP__MONITOR__PORT", "0"),
        ("APP__LOG__FORMAT", "json"),
    ]);
    Process::start(command.envs(environment.iter().copied()), "KILL")
}

async fn listening(process: &Process) {
    process
        .output
        .wait_for("the line `listening`", |line| line.contains("\"listening\"").then_some(()))
        .await;
}
