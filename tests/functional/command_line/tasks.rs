//! `plinth task …` and `plinth schedule …`: operators at work, beside processes that serve.

use plinth_tests::{Output, Setup, TestApp, command, on_both_stacks, on_sqlite};
use serde_json::{Value, json};

on_both_stacks!(
    a_task_is_scheduled_and_followed_to_its_end,
    a_task_that_fails_fails_the_command_that_follows_it,
    tasks_are_listed_as_a_table_and_as_json,
    a_task_is_cancelled_and_retried_and_purged,
    a_schedule_is_listed_and_run,
);
on_sqlite!(
    a_task_that_cannot_be_is_refused,
    many_tasks_come_out_of_a_file,
    a_file_with_a_wrong_line_schedules_nothing,
    what_is_not_shown_is_mentioned,
    the_kinds_are_listed,
    a_schedule_that_is_not_in_force_cannot_be_run,
    nothing_is_older_than_time_itself,
    where_there_is_no_database_nothing_is_made,
    what_is_not_over_cannot_be_purged,
);

const ANSWERS: &str = "WAIT_FOR_SERVERS";

async fn a_task_is_scheduled_and_followed_to_its_end(setup: Setup) {
    let app = TestApp::all(setup).await;
    let said = plinth(&app, &["task", "run", ANSWERS, &servers(&app), "--follow"]).await.succeeded();
    let last = said.lines().last().expect("a line");
    assert!(last.starts_with("succeeded") && last.ends_with(r#"{"servers":1}"#), "{said}");
}

async fn a_task_that_fails_fails_the_command_that_follows_it(setup: Setup) {
    let app = TestApp::all(setup).await;
    let nobody = json!({"person_id": "01890b6f-0000-7000-8000-000000000000"}).to_string();
    let ended = plinth(&app, &["task", "run", "ADD_ONE_YEAR", &nobody, "--follow"]).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("run 1 failed, unrecoverable: there is no person"), "{ended:?}");
    assert!(ended.stderr.contains("the task has failed"), "{ended:?}");
}

async fn tasks_are_listed_as_a_table_and_as_json(setup: Setup) {
    let app = TestApp::all(setup).await;
    let task = app.run_task(ANSWERS, &serde_json::from_str(&servers(&app)).expect("JSON")).await;
    let id = task["id"].as_str().expect("an id");
    let table = plinth(&app, &["task", "list", "--kind", ANSWERS]).await.succeeded();
    let row = table.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{table}"));
    assert!(row.contains("succeeded") && row.contains("1/21"), "{table}");
    let listed = plinth(&app, &["task", "list", "--state", "succeeded", "--json"]).await.succeeded();
    let listed: Value = serde_json::from_str(listed.lines().next().expect("a line")).expect("JSON");
    let page = app.get("/v1/tasks?state=succeeded").await.expect(200).json();
    assert_eq!(listed, page["objects"][0]);
    assert_eq!(plinth(&app, &["task", "list", "--queue", "mail", "--json"]).await.succeeded(), "");
    let shown = plinth(&app, &["task", "show", id]).await.succeeded();
    for line in ["kind         WAIT_FOR_SERVERS", "state        succeeded", r#"result       {"servers":1}"#] {
        assert!(shown.contains(line), "no `{line}` in\n{shown}");
    }
}

async fn a_task_is_cancelled_and_retried_and_purged(setup: Setup) {
    let app = setup.start().await; // nobody takes tasks
    let id = plinth(&app, &["task", "run", ANSWERS, &servers(&app)]).await.succeeded();
    let id = id.trim();
    assert!(plinth(&app, &["task", "cancel", id]).await.succeeded().contains("cancelled"));
    let said = plinth(&app, &["task", "cancel", id]).await.failed();
    assert!(said.contains(&format!("{id}: state: is cancelled already")), "{said}");
    // One that is refused does not keep the next from its turn.
    let nobody = "01890b6f-0000-7000-8000-000000000000";
    let retried = plinth(&app, &["task", "retry", nobody, id]).await;
    assert!(retried.code == Some(1) && retried.stdout.contains("queued"), "{retried:?}");
    for part in [format!("{nobody}: there is no task"), "1 of 2 were refused".to_owned()] {
        assert!(retried.stderr.contains(&part), "{retried:?}");
    }
    plinth(&app, &["task", "cancel", id]).await.succeeded();
    let purge = |age: &'static str| ["task", "purge", "--state", "cancelled,failed", "--older-than", age];
    assert_eq!(plinth(&app, &purge("1h")).await.succeeded(), "deleted: 0\n");
    assert_eq!(plinth(&app, &purge("0s")).await.succeeded(), "deleted: 1\n");
    let said = plinth(&app, &["task", "show", id]).await.failed();
    assert!(said.contains(&format!("there is no task {id}")), "{said}");
}

async fn a_schedule_is_listed_and_run(setup: Setup) {
    let app = TestApp::all(setup).await;
    let listed = plinth(&app, &["schedule", "list"]).await.succeeded();
    let row = listed.lines().nth(1).expect("a line");
    assert!(row.starts_with("prune-tasks  17 3 * * *  UTC   PRUNE_TASKS  run_once  skip"), "{listed}");
    let id = plinth(&app, &["schedule", "run", "prune-tasks"]).await.succeeded();
    let task = app.ended_task(&format!("/v1/tasks/{}", id.trim())).await;
    assert_eq!((&task["kind"], &task["state"]), (&json!("PRUNE_TASKS"), &json!("succeeded")));
}

async fn a_schedule_that_is_not_in_force_cannot_be_run(setup: Setup) {
    let app = setup.start().await;
    let said = plinth(&app, &["schedule", "run", "nonsense"]).await.failed();
    assert!(said.contains("there is no schedule nonsense; there are: prune-tasks"), "{said}");
    let disabled = command(app.plinth(), &["schedule", "run", "prune-tasks"])
        .env("CONF", "schedules: {prune-tasks: {enabled: false}}")
        .env("DATABASE_URL", app.database().url());
    let said = disabled.run().await.failed();
    assert!(said.contains("the schedule prune-tasks is disabled"), "{said}");
}

async fn a_task_that_cannot_be_is_refused(setup: Setup) {
    let app = setup.start().await;
    let said = plinth(&app, &["task", "run", "NONSENSE"]).await.failed();
    assert!(said.contains("kind: must be one of ADD_ONE_YEAR, "), "{said}");
    let said = plinth(&app, &["task", "run", ANSWERS, "{}"]).await.failed();
    assert!(said.contains("payload: missing field `servers`"), "{said}");
    assert_eq!(app.get("/v1/tasks").await.expect(200).json()["objects"], json!([]));
}

async fn many_tasks_come_out_of_a_file(setup: Setup) {
    let app = setup.start().await;
    let file = app.folder().path().join("payloads");
    std::fs::write(&file, format!("{0}\n\n{0}\n", servers(&app))).expect("a file");
    let said = plinth(&app, &["task", "run", ANSWERS, "--each", &file.to_string_lossy()]).await.succeeded();
    let tasks = app.get("/v1/tasks").await.expect(200).json();
    let ids = tasks["objects"].as_array().expect("objects").iter().rev().map(|task| task["id"].as_str());
    assert_eq!(said.lines().map(Some).collect::<Vec<_>>(), ids.collect::<Vec<_>>());
}

async fn a_file_with_a_wrong_line_schedules_nothing(setup: Setup) {
    let app = setup.start().await;
    let file = app.folder().path().join("payloads");
    std::fs::write(&file, format!("{}\n{{}}\n", servers(&app))).expect("a file");
    let said = plinth(&app, &["task", "run", ANSWERS, "--each", &file.to_string_lossy()]).await.failed();
    assert!(said.contains("payloads:2: payload: missing field `servers`"), "{said}");
    assert_eq!(app.get("/v1/tasks").await.expect(200).json()["objects"], json!([]));
}

async fn what_is_not_shown_is_mentioned(setup: Setup) {
    let app = setup.start().await;
    for _ in 0..2 {
        plinth(&app, &["task", "run", ANSWERS, &servers(&app)]).await.succeeded();
    }
    let listed = async |limit| plinth(&app, &["task", "list", "--limit", limit]).await;
    assert!(listed("1").await.stderr.contains("there are more; --limit shows them"));
    assert_eq!(listed("2").await.stderr, "");
}

async fn the_kinds_are_listed(setup: Setup) {
    let app = setup.start().await;
    let listed = plinth(&app, &["task", "kinds"]).await.succeeded();
    let row = listed.lines().find(|line| line.starts_with("PRUNE_TASKS")).expect("a line");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[1..4], ["maintenance", "normal", "3"], "{listed}");
    let json = plinth(&app, &["task", "kinds", "--json"]).await.succeeded();
    let first: Value = serde_json::from_str(json.lines().next().expect("a line")).expect("JSON");
    let known = (&first["name"], &first["queue"], &first["timeout_seconds"]);
    assert_eq!(known, (&json!("ADD_ONE_YEAR"), &json!("default"), &json!(300.0)));
}

async fn nothing_is_older_than_time_itself(setup: Setup) {
    let app = setup.start().await;
    let purge = ["task", "purge", "--state", "failed", "--older-than", "300000years"];
    let said = plinth(&app, &purge).await.failed();
    assert!(said.contains("--older-than is too long ago"), "{said}");
}

async fn where_there_is_no_database_nothing_is_made(setup: Setup) {
    let folder = plinth_tests::Folder::new();
    let said = command(setup.plinth(), &["task", "list"]).in_folder(folder.path()).run().await.failed();
    assert!(said.contains("there is no database file var/plinth.db yet"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

async fn what_is_not_over_cannot_be_purged(setup: Setup) {
    let ended =
        command(setup.plinth(), &["task", "purge", "--state", "queued", "--older-than", "1d"]).run().await;
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("succeeded, failed, cancelled"), "{ended:?}");
}

/// A command beside the application, on its database.
async fn plinth(app: &TestApp, arguments: &[&str]) -> Output {
    command(app.plinth(), arguments).env("DATABASE_URL", app.database().url()).run().await
}

/// The payload of a task that finds the application answering.
fn servers(app: &TestApp) -> String {
    json!({"servers": [app.client.address()]}).to_string()
}
