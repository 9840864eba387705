//! Names are shortened by a task.

use plinth_tests::{Setup, TestApp, on_both_stacks, person};
use serde_json::json;

on_both_stacks!(a_name_is_shortened, nobody_is_not_tried_again);

async fn a_name_is_shortened(setup: Setup) {
    let app = TestApp::all(setup).await;
    let ada = app.person(&person(json!({"name": "Ada Lovelace"}))).await;
    let task = app.run_task("SHORTEN_NAME", &json!({"person_id": ada["id"]})).await;
    assert_eq!(task["result"], json!({"name": "Ada"}));
}

async fn nobody_is_not_tried_again(setup: Setup) {
    let app = TestApp::all(setup).await;
    let nobody = json!({"person_id": "01890b6f-0000-7000-8000-000000000000"});
    let task = app.run_task("SHORTEN_NAME", &nobody).await;
    assert_eq!((&task["state"], &task["attempt"]), (&json!("failed"), &json!(1)), "{task}");
}
