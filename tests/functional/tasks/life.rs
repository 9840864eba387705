//! The life of a task in v1: scheduled, followed, cancelled, retried.

use plinth_tests::{Event, Fleet, PATIENCE, Setup, TestApp, on_both_stacks, person, within};
use serde_json::{Value, json};

on_both_stacks!(
    a_birthday_is_a_task_and_happens_once,
    nobody_has_no_birthday,
    the_greatest_age_ends_the_task_for_good,
    events_are_whole_tasks_with_growing_ids,
    a_client_goes_on_where_it_was_cut_off,
    an_ended_task_has_no_further_events,
    a_queued_task_is_cancelled_at_once,
    a_running_task_is_asked_to_end,
    what_has_ended_cannot_be_cancelled,
    a_failed_task_runs_again_when_somebody_says_so,
    what_has_succeeded_cannot_be_retried,
    an_error_is_retried_three_times,
    a_task_knows_the_request_that_it_comes_from,
    nothing_is_found_under_an_unknown_id,
);

async fn a_birthday_is_a_task_and_happens_once(setup: Setup) {
    let app = TestApp::all(setup).await;
    let (ada, location) = birthday(&app, 36).await;
    let task = app.ended_task(&location).await;
    assert_eq!((&task["state"], &task["kind"]), (&json!("succeeded"), &json!("ADD_ONE_YEAR")));
    assert_eq!((&task["result"], &task["attempt"]), (&json!({"age": 37}), &json!(1)));
    assert_eq!(app.get(&ada).await.expect(200).json()["age"], 37);
}

async fn nobody_has_no_birthday(setup: Setup) {
    let app = TestApp::all(setup).await;
    let nobody = "/v1/persons/01890b6f-0000-7000-8000-000000000000/add-one-year";
    app.client.request("POST", nobody).await.expect(404).problem();
}

async fn the_greatest_age_ends_the_task_for_good(setup: Setup) {
    let app = TestApp::all(setup).await;
    let (_, location) = birthday(&app, 150).await;
    let task = app.ended_task(&location).await;
    assert_eq!(
        (&task["state"], &task["reason"], &task["attempt"]),
        (&json!("failed"), &json!("unrecoverable"), &json!(1))
    );
    assert!(task["errors"][0]["message"].as_str().is_some_and(|message| message.contains("150")), "{task}");
}

async fn events_are_whole_tasks_with_growing_ids(setup: Setup) {
    let fleet = Fleet::start(setup, 1).await;
    let location = trial(&fleet, json!({"run_ms": 1_500})).await;
    let events = fleet.api.events(&location).await;
    assert!(events.len() >= 2, "{events:?}");
    assert!(events.windows(2).all(|pair| pair[0].id < pair[1].id), "{events:?}");
    let last = &events[events.len() - 1].task;
    assert_eq!(*last, fleet.api.get(&location).await.expect(200).json());
}

async fn a_client_goes_on_where_it_was_cut_off(setup: Setup) {
    let fleet = Fleet::start(setup, 1).await;
    let location = trial(&fleet, json!({"run_ms": 1_500})).await;
    let running = async || fleet.api.get(&location).await.json()["state"] == "running";
    within(PATIENCE, "the task runs", running).await;
    let seen = fleet.api.get(&location).await.json()["version"].to_string();
    let request = fleet.api.get(&format!("{location}/events")).header("last-event-id", &seen);
    let events = Event::parse(&request.await.expect(200).text());
    assert!(events.iter().all(|event| event.id > seen.parse().expect("a number")), "{seen} {events:?}");
    assert_eq!(events.last().map(|event| &event.task["state"]), Some(&json!("succeeded")));
}

async fn an_ended_task_has_no_further_events(setup: Setup) {
    let app = TestApp::all(setup).await;
    let (_, location) = birthday(&app, 1).await;
    let last = app.events(&location).await.pop().expect("an event");
    assert_eq!(app.events(&location).await.len(), 1, "who comes late sees how it ended");
    let again = app.get(&format!("{location}/events")).header("last-event-id", &last.id.to_string()).await;
    // 204 is how a client is told not to come back (WHATWG HTML, section 9.2.3).
    again.expect(204);
}

async fn a_queued_task_is_cancelled_at_once(setup: Setup) {
    let app = setup.start().await; // an API alone: nobody takes tasks
    let (_, location) = birthday(&app, 36).await;
    let cancelled = app.client.request("POST", &format!("{location}/cancel")).await.expect(200).json();
    assert_eq!((&cancelled["state"], &cancelled["reason"]), (&json!("cancelled"), &json!("cancelled")));
}

async fn a_running_task_is_asked_to_end(setup: Setup) {
    let fleet = Fleet::start(setup, 1).await;
    let location = trial(&fleet, json!({"run_ms": 1_900, "act": "wait"})).await;
    let running = async || fleet.api.get(&location).await.json()["state"] == "running";
    within(PATIENCE, "the task runs", running).await;
    let asked = fleet.api.client.request("POST", &format!("{location}/cancel")).await;
    // A worker that obeys at once may have ended it before the answer is written.
    assert!([200, 202].contains(&asked.status), "{asked}");
    let task = fleet.api.ended_task(&location).await;
    assert_eq!((&task["state"], &task["reason"]), (&json!("cancelled"), &json!("cancelled")));
}

async fn what_has_ended_cannot_be_cancelled(setup: Setup) {
    let app = TestApp::all(setup).await;
    let (_, location) = birthday(&app, 1).await;
    app.ended_task(&location).await;
    app.client.request("POST", &format!("{location}/cancel")).await.expect(409).problem().fields(&["state"]);
}

async fn a_failed_task_runs_again_when_somebody_says_so(setup: Setup) {
    let app = TestApp::all(setup).await;
    let (ada, location) = birthday(&app, 150).await;
    assert_eq!(app.ended_task(&location).await["state"], "failed");
    app.patch(&ada, &json!({"age": 40})).await.expect(200);
    app.client.request("POST", &format!("{location}/retry")).await.expect(202);
    assert_eq!(app.ended_task(&location).await["result"], json!({"age": 41}));
}

async fn what_has_succeeded_cannot_be_retried(setup: Setup) {
    let app = TestApp::all(setup).await;
    let (_, location) = birthday(&app, 1).await;
    app.ended_task(&location).await;
    app.client.request("POST", &format!("{location}/retry")).await.expect(409).problem().fields(&["state"]);
}

async fn an_error_is_retried_three_times(setup: Setup) {
    let fleet = Fleet::start(setup, 1).await;
    let (healed, hopeless) =
        (trial(&fleet, json!({"act": {"fail": 3}})).await, trial(&fleet, json!({"act": {"fail": 4}})).await);
    let healed = fleet.api.ended_task(&healed).await;
    assert_eq!((&healed["state"], &healed["attempt"]), (&json!("succeeded"), &json!(4)));
    let hopeless = fleet.api.ended_task(&hopeless).await;
    assert_eq!((&hopeless["state"], &hopeless["reason"]), (&json!("failed"), &json!("retries_used_up")));
    assert_eq!(hopeless["errors"].as_array().map(Vec::len), Some(4), "{hopeless}");
}

async fn a_task_knows_the_request_that_it_comes_from(setup: Setup) {
    let app = TestApp::all(setup).await;
    let ada = app.person(&person(json!({}))).await;
    let path = format!("/v1/persons/{}/add-one-year", ada["id"].as_str().expect("an id"));
    let scheduled = app.client.request("POST", &path).header("x-request-id", "trail-1").await.expect(202);
    let task = app.ended_task(scheduled.required("location")).await;
    assert_eq!(task["request_id"], "trail-1");
    let ours = |line: &Value| line["request_id"] == "trail-1" && line["task_id"] == task["id"];
    app.logged("a line of the worker with the request id", ours).await;
}

async fn nothing_is_found_under_an_unknown_id(setup: Setup) {
    let app = setup.start().await;
    let path = "/v1/tasks/01890b6f-0000-7000-8000-000000000000";
    app.get(path).await.expect(404).problem();
    app.get(&format!("{path}/events")).await.expect(404).problem();
    for action in ["cancel", "retry"] {
        app.client.request("POST", &format!("{path}/{action}")).await.expect(404).problem();
    }
    app.get("/v1/tasks/7").await.expect(400).problem();
}

/// The URLs of a person of this age, and of the task that adds one year.
async fn birthday(app: &TestApp, age: u8) -> (String, String) {
    let ada = app.person(&person(json!({"age": age}))).await;
    let ada = format!("/v1/persons/{}", ada["id"].as_str().expect("an id"));
    let scheduled = app.client.request("POST", &format!("{ada}/add-one-year")).await.expect(202);
    (ada, scheduled.required("location").to_owned())
}

/// The URL of a task that does as it is told.
async fn trial(fleet: &Fleet, what: Value) -> String {
    let mut payload = json!({"journal": fleet.journal(), "name": "trial"});
    payload.as_object_mut().expect("an object").extend(what.as_object().expect("an object").clone());
    let said = fleet.plinth(&["task", "run", "TRIAL", &payload.to_string()]).await;
    let id = said.split_whitespace().find(|word| word.len() == 36).expect("the id of the task");
    format!("/v1/tasks/{id}")
}
