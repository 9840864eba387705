//! What a process is there for: everything, the API, running tasks, schedules.

use plinth_tests::{
    Folder, PATIENCE, Process, Proxy, Setup, Signal, TestApp, Weather, command, on_both_stacks, on_postgres,
    on_sqlite, within,
};
use serde_json::{Value, json};
use std::{fs, path::Path};

on_both_stacks!(
    everything_is_asked_for_its_progress,
    a_running_beat_takes_over_schedules,
    a_schedule_that_cannot_be_is_refused_at_start,
);
on_postgres!(each_part_runs_apart_under_either_name, health_is_by_progress);
on_sqlite!(
    who_runs_no_tasks_says_so,
    a_worker_has_nothing_to_do_where_requests_do_it,
    the_shipped_schedules_are_right
);

async fn everything_is_asked_for_its_progress(setup: Setup) {
    let app = TestApp::all(setup).await;
    for (name, says) in [("tasks", "running 0; renewed "), ("beat", "looked ")] {
        well(&app, name).await;
        let check = app.monitor.get(&format!("/mon/checks/{name}")).await.expect(200).json();
        assert!(check["detail"].as_str().is_some_and(|detail| detail.starts_with(says)), "{check}");
    }
}

async fn each_part_runs_apart_under_either_name(setup: Setup) {
    let database = setup.database().await;
    let parts = [("worker", "tasks"), ("celery_worker", "tasks"), ("beat", "beat"), ("celery_beat", "beat")];
    for (name, check) in parts {
        let part = setup.clone().arguments(&[name]).start_on(database.url()).await;
        well(&part, check).await;
        part.monitor.get("/health").await.expect(200);
        part.monitor.get("/metrics").await.expect(200);
        part.monitor.get("/v1/persons").undocumented().await.expect(404).problem();
        part.stop().await;
    }
}

async fn health_is_by_progress(setup: Setup) {
    let database = setup.database().await;
    let proxy = Proxy::before(database.url()).await;
    let worker = setup.with_short_leases().arguments(&["worker"]).start_on(&proxy.url(database.url())).await;
    well(&worker, "tasks").await;
    proxy.set(Weather::Refuse);
    let says = async || worker.monitor.get("/mon/checks/tasks").await.text();
    let unwell = async || says().await.contains("the worker has not renewed its session for");
    within(PATIENCE, "the worker is not well", unwell).await;
    worker.monitor.get("/health").await.expect(503);
    worker.monitor.get("/mon/ping").await.expect(200);
    proxy.set(Weather::Fair);
    well(&worker, "tasks").await;
}

async fn a_running_beat_takes_over_schedules(setup: Setup) {
    let database = setup.database().await;
    let role = if setup.stack() == plinth_tests::Stack::Sqlite { "all" } else { "beat" };
    let folder = Folder::new();
    write(&folder, &json!({}));
    let file = folder.path().join("config.yml");
    let setup = setup.env("APP_CONFIG", file.display()).arguments(&[role]);
    let app = setup.start_on(database.url()).await;
    write(&folder, &json!({"every-second": {"cron": "* * * * * *", "kind": "PRUNE_TASKS"}}));
    app.signal(Signal::HUP);
    app.logged("the changed key", |line| line["key"] == "schedules.every-second.cron").await;
    app.logged("a fired slot", |line| line["schedule"] == "every-second").await;
    write(&folder, &json!({"every-second": {"cron": "* * * * * *", "kind": "NONSENSE"}}));
    app.signal(Signal::HUP);
    let told = app.logged("what is wrong", |line| line["problem"].is_string()).await;
    let problem = told["problem"].as_str().unwrap_or_default();
    assert!(problem.starts_with("schedules.every-second.kind: must be one of ADD_ONE_YEAR, "), "{told}");
}

async fn a_schedule_that_cannot_be_is_refused_at_start(setup: Setup) {
    let database = setup.database().await;
    let schedules = "schedules:\n  a: {cron: 0 * * * *, kind: NONSENSE}\n  b: {cron: 0 * * * *, kind: WAIT_FOR_SERVERS, enabled: false}\n";
    let start = command(setup.plinth(), &["beat"]).env("CONF", schedules).env("APP__MONITOR__PORT", "0");
    let ended = start.env("DATABASE_URL", database.url()).run().await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for part in [
        "schedules.a.kind: must be one of",
        "schedules.b.payload: is not one of WAIT_FOR_SERVERS: missing field",
    ] {
        assert!(ended.stdout.contains(part), "no `{part}` in\n{ended:?}");
    }
}

async fn the_shipped_schedules_are_right(setup: Setup) {
    let database = setup.database().await;
    for file in ["config-dev.yml", "config-example.yml"] {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
        let list = command(setup.plinth(), &["schedule", "list"]).env("APP_CONFIG", &file.to_string_lossy());
        let said = list.env("DATABASE_URL", database.url()).run().await.succeeded();
        assert!(said.contains("prune-tasks"), "{said}");
    }
}

async fn who_runs_no_tasks_says_so(setup: Setup) {
    let api = setup.clone().start().await;
    let warning =
        |line: &Value| line["msg"].as_str().is_some_and(|said| said.starts_with("nobody runs tasks: "));
    assert!(api.log().iter().any(warning), "{}", api.output());
    let all = setup.arguments(&["all"]).start().await;
    assert!(!all.log().iter().any(warning), "{}", all.output());
}

async fn a_worker_has_nothing_to_do_where_requests_do_it(setup: Setup) {
    let folder = Folder::new();
    let setup = setup.with("tasks.mode", "eager").arguments(&["worker"]);
    let mut worker: Process = setup.process(&folder);
    assert!(!worker.ended().await.success());
    assert!(worker.output.text().contains("tasks.mode is eager"), "{}", worker.output.text());
}

/// A moment after the process listens.
async fn well(app: &TestApp, check: &str) {
    let url = format!("/mon/checks/{check}");
    let ok = async || app.monitor.get(&url).await.json()["status"] == "ok";
    within(PATIENCE, "it is well", ok).await;
}

fn write(folder: &Folder, schedules: &Value) {
    fs::write(folder.path().join("config.yml"), json!({"schedules": schedules}).to_string()).expect("a file");
}
