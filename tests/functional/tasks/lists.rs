//! Lists of tasks: newest first, filtered, in pages.

use plinth_tests::{Setup, TestApp, on_both_stacks, person};
use serde_json::{Value, json};

on_both_stacks!(
    without_tasks_the_list_is_empty,
    the_newest_task_comes_first,
    a_list_is_filtered,
    pages_lead_to_one_another,
    a_filter_that_makes_no_sense_is_refused,
);

async fn without_tasks_the_list_is_empty(setup: Setup) {
    let app = setup.start().await;
    let list = app.get("/v1/tasks").await.expect(200).json();
    assert_eq!(list, json!({"objects": [], "next": null, "prev": null}));
}

async fn the_newest_task_comes_first(setup: Setup) {
    let app = setup.start().await;
    let scheduled = schedule(&app, 3).await;
    let listed: Vec<Value> = objects(&app, "/v1/tasks").await;
    let newest_first: Vec<&Value> = scheduled.iter().rev().map(|task| &task["id"]).collect();
    assert_eq!(listed.iter().map(|task| &task["id"]).collect::<Vec<_>>(), newest_first);
}

async fn a_list_is_filtered(setup: Setup) {
    let app = setup.start().await;
    let scheduled = schedule(&app, 3).await;
    let path = format!("/v1/tasks/{}/cancel", scheduled[1]["id"].as_str().expect("an id"));
    app.client.request("POST", &path).await.expect(200);
    for (filter, count) in [
        ("state=cancelled", 1),
        ("state=queued", 2),
        ("state=running", 0),
        ("kind=ADD_ONE_YEAR", 3),
        ("kind=ADD_ONE_YEAR&state=cancelled", 1),
        ("kind=PRUNE_TASKS", 0),
        ("queue=default", 3),
        ("queue=imports", 0),
    ] {
        assert_eq!(objects(&app, &format!("/v1/tasks?{filter}")).await.len(), count, "{filter}");
    }
    let request_id = scheduled[0]["request_id"].as_str().expect("an id");
    let mine = objects(&app, &format!("/v1/tasks?request_id={request_id}")).await;
    assert_eq!(mine.iter().map(|task| &task["id"]).collect::<Vec<_>>(), [&scheduled[0]["id"]]);
}

async fn pages_lead_to_one_another(setup: Setup) {
    let app = setup.start().await;
    schedule(&app, 5).await;
    let first = app.get("/v1/tasks?limit=2&state=queued").await.expect(200).json();
    let second = app.get(first["next"].as_str().expect("a page")).await.expect(200).json();
    let third = app.get(second["next"].as_str().expect("a page")).await.expect(200).json();
    assert_eq!(third["objects"].as_array().map(Vec::len), Some(1));
    assert_eq!(third["next"], Value::Null);
    let back = app.get(second["prev"].as_str().expect("a page")).await.expect(200).json();
    assert_eq!(back["objects"], first["objects"]);
}

async fn a_filter_that_makes_no_sense_is_refused(setup: Setup) {
    let app = setup.start().await;
    app.get("/v1/tasks?state=sleeping").await.expect(422).problem().fields(&["state"]);
    app.get("/v1/tasks?queue=No").await.expect(422).problem().fields(&["queue"]);
    app.get("/v1/tasks?limit=0").await.expect(422).problem().fields(&["limit"]);
    app.get("/v1/tasks?colour=red").await.expect(422).problem().fields(&["colour"]);
}

/// So many tasks that nobody takes, oldest first.
async fn schedule(app: &TestApp, count: usize) -> Vec<Value> {
    let ada = app.person(&person(json!({}))).await;
    let path = format!("/v1/persons/{}/add-one-year", ada["id"].as_str().expect("an id"));
    let mut scheduled = Vec::new();
    for _ in 0..count {
        scheduled.push(app.client.request("POST", &path).await.expect(202).json());
    }
    scheduled
}

async fn objects(app: &TestApp, url: &str) -> Vec<Value> {
    app.get(url).await.expect(200).json()["objects"].as_array().expect("objects").clone()
}
