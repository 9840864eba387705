//! EAGER: what a request schedules has run when the request is answered.

use plinth_tests::{Setup, on_both_stacks, person};
use serde_json::json;

on_both_stacks!(a_task_has_run_when_its_request_is_answered, a_retry_does_not_wait);

async fn a_task_has_run_when_its_request_is_answered(setup: Setup) {
    let app = setup.with("tasks.mode", "eager").start().await;
    let ada = app.person(&person(json!({"age": 36}))).await;
    let ada = format!("/v1/persons/{}", ada["id"].as_str().expect("an id"));
    let scheduled = app.client.request("POST", &format!("{ada}/add-one-year")).await.expect(202);
    assert_eq!(app.get(&ada).await.expect(200).json()["age"], 37);
    let task = app.get(scheduled.required("location")).await.expect(200).json();
    assert_eq!(task["state"], "succeeded");
}

async fn a_retry_does_not_wait(setup: Setup) {
    // Nobody listens there: twenty retries, half of them after up to ten minutes, if they were waited for.
    let app = setup.with("tasks.mode", "eager").start().await;
    let payload = json!({"servers": ["127.0.0.1:1"]}).to_string();
    let run = plinth_tests::command(app.plinth(), &["task", "run", "WAIT_FOR_SERVERS", &payload]);
    run.env("DATABASE_URL", app.database().url()).run().await.succeeded();
    app.person(&person(json!({}))).await;
    let tasks = app.get("/v1/tasks?kind=WAIT_FOR_SERVERS").await.expect(200).json();
    let task = &tasks["objects"][0];
    assert_eq!((&task["state"], &task["attempt"]), (&json!("failed"), &json!(21)), "{task}");
}
