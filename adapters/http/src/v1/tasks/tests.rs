//! Version 1 over a mocked ledger: what is asked of it, and what is made of what it says.

use crate::testing::{ID, Ports, TASK, app_of_tasks, at, get, request, send, story, task, telling};
use application::{Cancellation, Error, MockTaskRepository};
use domain::{
    Cursor, Direction, Fault, FaultCode, Page, Place, Progress, Task, TaskFault, TaskId, TaskLink, TaskQuery,
    TaskState, TaskStory, Version,
};
use serde_json::{Value, json};
use uuid::Uuid;

const OTHER: TaskId = TaskId(Uuid::from_u128(0x0190_b6f0_0000_7000_8000_0000_0000_0001));

fn in_list() -> Value {
    json!({
        "id": ID.0.to_string(), "kind": "ADD_ONE_YEAR", "queue": "default", "priority": "normal", "state": "running",
        "attempt": 1, "max_retries": 3, "progress": {"fraction": 0.4, "note": "fetched"}, "result": null,
        "reason": null, "chain": null, "group": null, "request_id": "trail", "cancel_requested": false,
        "version": 2, "due_at": "1970-01-01T00:00:01.000000Z", "created_at": "1970-01-01T00:00:00.000000Z",
        "started_at": "1970-01-01T00:00:04.000000Z", "finished_at": null,
    })
}

fn link(id: TaskId, state: TaskState) -> TaskLink {
    let progress = (state == TaskState::Running).then(|| Progress::new(0.5, ""));
    TaskLink { id, kind: "FIRST".to_owned(), state, progress, version: Version::new(7).unwrap() }
}

/// The second link of a chain.
fn chained(state: TaskState) -> TaskStory {
    let place = Place::Link { chain: OTHER, position: 1, length: 2 };
    let task = Task { place, ..task(state) };
    let own = TaskLink { version: task.version, kind: task.kind.clone(), ..link(task.id, state) };
    TaskStory { links: vec![link(OTHER, TaskState::Running), own], task, faults: Vec::new() }
}

/// A ledger that is asked for this list once and answers `page`.
fn listing(
    query: impl Fn(&TaskQuery) -> bool + Send + 'static,
    page: Page<Task, TaskId>,
) -> MockTaskRepository {
    let mut tasks = MockTaskRepository::new();
    tasks.expect_list().withf(query).once().return_once(move |_| Ok(page));
    tasks
}

fn nothing() -> Page<Task, TaskId> {
    Page { items: vec![], next: None, prev: None }
}

#[tokio::test]
async fn a_list_has_exactly_this_shape() {
    let app = app_of_tasks(listing(|query| *query == TaskQuery::default(), nothing()));
    assert_eq!(get(&app, "/v1/tasks").await.body, r#"{"objects":[],"next":null,"prev":null}"#);
    let page = Page { items: vec![task(TaskState::Running)], next: None, prev: None };
    let answer = get(&app_of_tasks(listing(|_| true, page)), "/v1/tasks").await;
    assert_eq!(answer.json(), json!({"objects": [in_list()], "next": null, "prev": null}));
}

#[tokio::test]
async fn the_parameters_of_a_list_reach_the_ledger() {
    let wanted = |query: &TaskQuery| {
        query.limit.get() == 5
            && query.filter.state == Some(TaskState::Failed)
            && query.filter.kind.as_deref() == Some("ADD_ONE_YEAR")
            && query.filter.queue.as_ref().is_some_and(|queue| queue.as_str() == "mail")
            && query.filter.request_id.as_deref() == Some("svc:1")
            && query.cursor.is_none()
    };
    let query = "limit=5&state=failed&kind=ADD_ONE_YEAR&queue=mail&request_id=svc%3A1";
    let answer = get(&app_of_tasks(listing(wanted, nothing())), &format!("/v1/tasks?{query}")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn next_and_prev_are_urls_that_lead_back_here_with_every_parameter() {
    let edge = |direction| Some(Cursor { position: TaskId(ID.0), direction });
    let page = Page {
        items: vec![task(TaskState::Queued)],
        next: edge(Direction::After),
        prev: edge(Direction::Before),
    };
    let body = get(&app_of_tasks(listing(|_| true, page)), "/v1/tasks?state=queued").await.json();
    for (link, direction) in [("next", Direction::After), ("prev", Direction::Before)] {
        let path = body[link].as_str().unwrap().strip_prefix("http://api.test").unwrap();
        assert!(path.starts_with("/v1/tasks?state=queued&cursor="), "{path}");
        let wanted = move |query: &TaskQuery| query.cursor == edge(direction);
        assert_eq!(get(&app_of_tasks(listing(wanted, nothing())), path).await.status, 200);
    }
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let app = app_of_tasks(MockTaskRepository::new());
    let query = "limit=0&state=sleeping&kind=%00&queue=No&request_id=a+b&cursor=x";
    get(&app, &format!("/v1/tasks?{query}")).await.is_problem(
        422,
        &[
            ("limit", "range"),
            ("state", "choice"),
            ("kind", "kind"),
            ("queue", "queue"),
            ("request_id", "request_id"),
            ("cursor", "cursor"),
        ],
    );
    for (query, field, code) in [
        ("status=queued", "status", "unknown"),
        ("state=", "state", "empty"),
        ("sort=kind", "sort", "unknown"),
    ] {
        get(&app, &format!("/v1/tasks?{query}")).await.is_problem(422, &[(field, code)]);
    }
}

#[tokio::test]
async fn a_task_is_told_with_what_went_wrong() {
    let fault = Fault::new(FaultCode::Panic, "no such thing");
    let faults = vec![TaskFault { attempt: 1, at: at(5), fault }];
    let answer =
        get(&app_of_tasks(telling(1, TaskStory { faults, ..story(TaskState::Running) })), TASK).await;
    let mut wanted = in_list();
    wanted["errors"] = json!([
        {"attempt": 1, "at": "1970-01-01T00:00:05.000000Z", "code": "panic", "message": "the handler panicked"},
    ]);
    assert_eq!((answer.status.as_u16(), answer.json()), (200, wanted));
    assert!(!String::from_utf8_lossy(&answer.body).contains("hush"), "the payload stays inside");
}

#[tokio::test]
async fn a_result_is_told_as_it_was_stored() {
    let answer = get(&app_of_tasks(telling(1, story(TaskState::Succeeded))), TASK).await;
    assert!(String::from_utf8_lossy(&answer.body).contains(r#""result":{"age": 37},"errors":[]"#));
    assert_eq!(answer.json()["finished_at"], "1970-01-01T00:00:05.000000Z");
}

#[tokio::test]
async fn a_link_is_told_with_its_chain_and_has_no_time_while_it_waits() {
    let body = get(&app_of_tasks(telling(1, chained(TaskState::Waiting))), TASK).await.json();
    let own = ID.0.to_string();
    let first = OTHER.0.to_string();
    let links = json!([
        {"id": first, "kind": "FIRST", "state": "running", "progress": {"fraction": 0.5, "note": ""},
            "url": format!("http://api.test/v1/tasks/{first}")},
        {"id": own, "kind": "ADD_ONE_YEAR", "state": "waiting", "progress": null,
            "url": format!("http://api.test{TASK}")},
    ]);
    assert_eq!(body["chain"], json!({"id": first, "position": 1, "length": 2, "links": links}));
    assert_eq!((&body["due_at"], &body["group"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn who_belongs_to_a_group_is_member_or_callback() {
    let group = Uuid::from_u128(9);
    for (place, role) in [(Place::Member { group }, "member"), (Place::Callback { group }, "callback")] {
        let mut story = chained(TaskState::Queued);
        story.task.place = place;
        let body = get(&app_of_tasks(telling(1, story)), TASK).await.json();
        assert_eq!((&body["group"]["id"], &body["group"]["role"]), (&json!(group.to_string()), &json!(role)));
        assert_eq!(
            (body["group"]["links"].as_array().map(Vec::len), &body["chain"]),
            (Some(2), &Value::Null)
        );
    }
}

#[tokio::test]
async fn an_unchanged_task_is_not_sent_again() {
    for (tag, status) in [("\"8\"", 304), ("W/\"8\"", 304), ("*", 304), ("\"1\"", 200)] {
        // Of version 1, beside a link of version 7.
        let app = app_of_tasks(telling(1, chained(TaskState::Waiting)));
        let answer = send(&app, request("GET", TASK).header("if-none-match", tag), "").await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (status, Some("\"8\"")), "{tag}");
        assert_eq!(answer.body.is_empty(), status == 304);
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_an_id_is_a_uuid() {
    for (method, path) in [("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/retry")] {
        let mut tasks = MockTaskRepository::new();
        tasks.expect_stories().returning(|_| Ok(Vec::new()));
        tasks.expect_cancel().returning(|id, _| Err(Error::not_found("task", id.0)));
        tasks.expect_retry().returning(|id, _| Err(Error::not_found("task", id.0)));
        let app = app_of_tasks(tasks);
        send(&app, request(method, &format!("{TASK}{path}")), "").await.is_problem(404, &[]);
        let wrong = format!("/v1/tasks/7{path}");
        send(&app, request(method, &wrong), "").await.is_problem(400, &[("id", "uuid")]);
    }
}

/// A ledger that is asked to cancel once, and tells `story` then.
fn cancelling(said: Cancellation, story: TaskStory) -> Ports {
    let mut tasks = telling(1, story);
    tasks
        .expect_cancel()
        .withf(|id, now| *id == TaskId(ID.0) && *now == at(9))
        .once()
        .return_once(|_, _| Ok(said));
    Ports { tasks, ..Ports::default() }
}

#[tokio::test]
async fn who_is_cancelled_at_once_is_told_so() {
    let app = cancelling(Cancellation::Done, story(TaskState::Cancelled)).app();
    let answer = send(&app, request("POST", &format!("{TASK}/cancel")), "").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (200, None));
    assert_eq!(
        (&answer.json()["state"], &answer.json()["reason"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
}

#[tokio::test]
async fn who_runs_is_asked_to_end() {
    let mut ports = cancelling(Cancellation::Requested, story(TaskState::Running));
    ports.doorbell.expect_cancel().withf(|id| *id == TaskId(ID.0)).once().return_const(());
    let answer = send(&ports.app(), request("POST", &format!("{TASK}/cancel")), "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (202, Some(&*format!("http://api.test{TASK}")))
    );
}

#[tokio::test]
async fn what_cannot_be_cancelled_or_retried_is_a_conflict() {
    let ended = || Error::conflict("state", "ended", "has ended");
    for action in ["cancel", "retry"] {
        let mut tasks = MockTaskRepository::new();
        tasks.expect_cancel().times(usize::from(action == "cancel")).returning(move |_, _| Err(ended()));
        tasks.expect_retry().times(usize::from(action == "retry")).returning(move |_, _| Err(ended()));
        let answer = send(&app_of_tasks(tasks), request("POST", &format!("{TASK}/{action}")), "").await;
        assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["field"]), (409, &json!("state")));
    }
}

#[tokio::test]
async fn a_retry_is_accepted() {
    let mut tasks = telling(1, story(TaskState::Queued));
    tasks
        .expect_retry()
        .withf(|id, now| *id == TaskId(ID.0) && *now == at(9))
        .once()
        .returning(|_, _| Ok(()));
    let answer = send(&app_of_tasks(tasks), request("POST", &format!("{TASK}/retry")), "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (202, Some(&*format!("http://api.test{TASK}")))
    );
    assert_eq!(answer.json()["state"], "queued");
}
