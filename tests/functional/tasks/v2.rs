//! Tasks in v2: the same use cases in other shapes.

use plinth_tests::{Setup, TestApp, on_both_stacks, person_v2};
use serde_json::json;

on_both_stacks!(a_birthday_in_v2_is_the_same_task, a_task_is_cancelled_in_v2);

async fn a_birthday_in_v2_is_the_same_task(setup: Setup) {
    let app = TestApp::all(setup).await;
    let location = birthday(&app).await;
    assert!(location.contains("/v2/tasks/"), "{location}");
    let task = app.ended_task(&location).await;
    let old = app.get(&location.replace("/v2/", "/v1/")).await.expect(200).json();
    assert_eq!((&task["id"], &old["state"]), (&old["id"], &json!("succeeded")), "{task}");
}

async fn a_task_is_cancelled_in_v2(setup: Setup) {
    let app = setup.start().await;
    let location = birthday(&app).await;
    app.client.request("POST", &format!("{location}/cancel")).await.expect(200);
    app.client.request("POST", &format!("{location}/cancel")).await.expect(409).problem();
    app.client.request("POST", &format!("{location}/retry")).await.expect(202);
}

/// The URL of the task that adds one year to somebody new.
async fn birthday(app: &TestApp) -> String {
    let ada = app.post("/v2/persons", &person_v2(json!({}))).await.expect(201);
    let path = format!("{}/add-one-year", ada.required("location"));
    let scheduled = app.client.request("POST", &path).await.expect(202);
    scheduled.required("location").to_owned()
}
