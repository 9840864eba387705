//! What version 2 says otherwise.

use crate::testing::{ID, TASK_V2, app_of_tasks, at, get, next, open, request, send, story, task, telling};
use application::{Error, MockTaskRepository};
use domain::{Fault, FaultCode, Page, Place, TaskFault, TaskId, TaskLink, TaskState, Version};
use serde_json::{Value, json};

fn running() -> Value {
    json!({
        "id": ID.0.to_string(), "kind": "ADD_ONE_YEAR", "queue": "default", "priority": "normal", "status": "running",
        "attempt": 1, "max_retries": 3, "progress_percent": 40, "progress_note": "fetched", "data": null,
        "reason": null, "chain": null, "group": null, "request_id": "trail", "cancel_requested": false,
        "meta": {
            "version": 2, "due_at": "1970-01-01T00:00:01.000000Z", "created_at": "1970-01-01T00:00:00.000000Z",
            "started_at": "1970-01-01T00:00:04.000000Z", "finished_at": null,
        },
    })
}

#[tokio::test]
async fn a_list_tells_where_its_page_stands() {
    let mut tasks = MockTaskRepository::new();
    let page = Page { items: vec![task(TaskState::Running)], next: None, prev: None };
    tasks
        .expect_list()
        .withf(|query| query.filter.state == Some(TaskState::Running) && query.limit.get() == 7)
        .once()
        .return_once(|_| Ok(page));
    let answer = get(&app_of_tasks(tasks), "/v2/tasks?status=running&limit=7").await;
    let page = json!({"limit": 7, "next": null, "prev": null});
    assert_eq!(answer.json(), json!({"items": [running()], "page": page}));
}

#[tokio::test]
async fn names_of_version_1_are_unknown() {
    let app = app_of_tasks(MockTaskRepository::new());
    get(&app, "/v2/tasks?state=queued").await.is_problem(422, &[("state", "unknown")]);
    get(&app, "/v2/tasks?status=sleeping").await.is_problem(422, &[("status", "choice")]);
}

#[tokio::test]
async fn a_task_is_told_with_its_data_its_errors_and_its_links() {
    let mut story = story(TaskState::Succeeded);
    story.task.place = Place::Link { chain: TaskId(ID.0), position: 0, length: 1 };
    let own = TaskLink {
        id: story.task.id,
        kind: "ADD_ONE_YEAR".to_owned(),
        state: TaskState::Succeeded,
        progress: None,
        version: Version::FIRST.next(),
    };
    story.links = vec![own];
    story.faults = vec![TaskFault { attempt: 1, at: at(3), fault: Fault::new(FaultCode::Timeout, "late") }];
    let body = get(&app_of_tasks(telling(1, story)), TASK_V2).await.json();
    assert_eq!((&body["status"], &body["data"]), (&json!("succeeded"), &json!({"age": 37})));
    let links = json!([{
        "id": ID.0.to_string(), "kind": "ADD_ONE_YEAR", "status": "succeeded", "progress_percent": null,
        "url": format!("http://api.test{TASK_V2}"),
    }]);
    assert_eq!(body["chain"]["links"], links);
    assert_eq!(body["errors"][0]["code"], "timeout");
}

#[tokio::test]
async fn an_unchanged_task_is_not_sent_again() {
    for (tag, status) in [("\"2\"", 304), ("\"1\"", 200)] {
        let app = app_of_tasks(telling(1, story(TaskState::Running)));
        let answer = send(&app, request("GET", TASK_V2).header("if-none-match", tag), "").await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (status, Some("\"2\"")), "{tag}");
    }
}

#[tokio::test]
async fn a_conflict_is_about_the_status() {
    let mut tasks = MockTaskRepository::new();
    let ended = || Error::conflict("state", "ended", "has ended");
    tasks.expect_cancel().once().returning(move |_, _| Err(ended()));
    let answer = send(&app_of_tasks(tasks), request("POST", &format!("{TASK_V2}/cancel")), "").await;
    assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["field"]), (409, &json!("status")));
}

#[tokio::test]
async fn a_retry_leads_to_the_task_of_this_version() {
    let mut tasks = telling(1, story(TaskState::Queued));
    tasks.expect_retry().once().returning(|_, _| Ok(()));
    let answer = send(&app_of_tasks(tasks), request("POST", &format!("{TASK_V2}/retry")), "").await;
    let location = format!("http://api.test{TASK_V2}");
    assert_eq!((answer.status.as_u16(), answer.header("location")), (202, Some(&*location)));
}

#[tokio::test]
async fn an_event_has_the_body_of_this_version() {
    let app = app_of_tasks(telling(2, story(TaskState::Cancelled)));
    let told = get(&app, TASK_V2).await.body;
    let mut stream = open(&app, request("GET", &format!("{TASK_V2}/events"))).await.into_body();
    next(&mut stream).await;
    let event = next(&mut stream).await.unwrap();
    assert_eq!(event, format!("id: 2\nevent: task\ndata: {}\n\n", String::from_utf8_lossy(&told)));
}
