//! Streams of events over a mocked ledger, asked without a socket.

use crate::{
    App, Body, HttpConfig,
    testing::{Ports, TASK, app_of_tasks, get, next, open, request, send, story, telling},
};
use application::{Error, MockTaskRepository};
use domain::{TaskState, TaskStory, Version};
use http::request::Builder;
use std::{collections::VecDeque, sync::Mutex, time::Duration};
use tokio::time::Instant;

const RETRY: &str = "retry: 2000\n\n";
const HEARTBEAT: &str = ":\n\n";

fn asked() -> Builder {
    request("GET", &format!("{TASK}/events"))
}

/// A ledger that tells one of these after the other, and the last of them again and again.
fn changing(stories: impl IntoIterator<Item = Result<TaskStory, Error>>) -> MockTaskRepository {
    let mut left: VecDeque<_> = stories.into_iter().collect();
    let mut last: Option<TaskStory> = None;
    let left = Mutex::new(move || match left.pop_front() {
        Some(Ok(story)) => {
            last = Some(story.clone());
            Ok(vec![story])
        }
        Some(Err(error)) => Err(error),
        None => Ok(last.clone().into_iter().collect()),
    });
    let mut tasks = MockTaskRepository::new();
    tasks.expect_stories().returning(move |_| left.lock().unwrap()());
    tasks
}

fn versioned(state: TaskState, version: i64) -> TaskStory {
    let mut story = story(state);
    story.task.version = Version::new(version).unwrap();
    story
}

fn app(tasks: MockTaskRepository, change: impl FnOnce(&mut HttpConfig)) -> App {
    let mut config = HttpConfig::default();
    change(&mut config);
    crate::public(&config, &Ports { tasks, ..Ports::default() }.services())
}

/// The stream up to its first event.
async fn begun(app: &App) -> (Body, String) {
    let mut body = open(app, asked()).await.into_body();
    assert_eq!(next(&mut body).await.as_deref(), Some(RETRY));
    let event = next(&mut body).await.unwrap();
    (body, event)
}

#[track_caller]
fn is_event(text: &str, id: i64, state: &str) {
    let (head, data) = text.split_once("\ndata: ").unwrap();
    assert_eq!(head, format!("id: {id}\nevent: task"));
    let data = data.strip_suffix("\n\n").unwrap();
    assert!(!data.contains(['\n', '\r']), "{data}");
    assert_eq!(serde_json::from_str::<serde_json::Value>(data).unwrap()["state"], state);
}

#[tokio::test]
async fn a_stream_says_what_it_is_and_is_not_kept_anywhere() {
    let app = app_of_tasks(telling(1, story(TaskState::Succeeded)));
    let response = open(&app, asked().header("accept-encoding", "gzip")).await;
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!((response.status().as_u16(), header("content-type")), (200, Some("text/event-stream")));
    assert_eq!((header("cache-control"), header("x-accel-buffering")), (Some("no-store"), Some("no")));
    assert_eq!((header("content-encoding"), header("content-length")), (None, None));
    assert!(header("x-request-id").is_some());
}

#[tokio::test]
async fn an_event_is_the_task_as_it_is_told_otherwise() {
    let app = app_of_tasks(telling(2, story(TaskState::Succeeded)));
    let told = get(&app, TASK).await.body;
    let (mut body, event) = begun(&app).await;
    assert_eq!(event, format!("id: 2\nevent: task\ndata: {}\n\n", String::from_utf8_lossy(&told)));
    assert_eq!(next(&mut body).await, None, "the task has ended, and its stream too");
}

#[tokio::test]
async fn data_is_one_line_whatever_the_lines_of_the_result() {
    let mut ended = versioned(TaskState::Succeeded, 2);
    ended.task.result = Some("{\n  \"text\": \"a\\nb\"\r\n}".to_owned());
    let (_, event) = begun(&app_of_tasks(telling(1, ended))).await;
    is_event(&event, 2, "succeeded");
    assert!(event.contains(r#""text": "a\nb""#), "{event}");
}

#[tokio::test(start_paused = true)]
async fn each_change_is_an_event_until_the_end() {
    let run = [
        versioned(TaskState::Queued, 1),
        versioned(TaskState::Queued, 1),
        versioned(TaskState::Running, 2),
        versioned(TaskState::Running, 2),
        versioned(TaskState::Succeeded, 3),
    ];
    let (mut body, first) = begun(&app_of_tasks(changing(run.map(Ok)))).await;
    is_event(&first, 1, "queued");
    is_event(&next(&mut body).await.unwrap(), 2, "running");
    is_event(&next(&mut body).await.unwrap(), 3, "succeeded");
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_told_what_is_new_and_nothing_else() {
    let run =
        [versioned(TaskState::Running, 2), versioned(TaskState::Running, 2), versioned(TaskState::Failed, 3)];
    let app = app_of_tasks(changing(run.map(Ok)));
    let mut body = open(&app, asked().header("last-event-id", "2")).await.into_body();
    assert_eq!(next(&mut body).await.as_deref(), Some(RETRY));
    is_event(&next(&mut body).await.unwrap(), 3, "failed");
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn an_id_that_is_none_of_ours_is_as_good_as_none() {
    for id in ["1", "99", "-1", "", "x", "2.0", "é"] {
        let app = app_of_tasks(telling(1, story(TaskState::Failed)));
        let mut body = open(&app, asked().header("last-event-id", id)).await.into_body();
        next(&mut body).await;
        is_event(&next(&mut body).await.unwrap(), 2, "failed");
    }
}

#[tokio::test]
async fn who_has_seen_the_end_is_told_to_stay_away() {
    let app = app_of_tasks(telling(1, story(TaskState::Cancelled)));
    let answer = send(&app, asked().header("last-event-id", "2"), "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
}

#[tokio::test(start_paused = true)]
async fn a_comment_is_sent_when_nothing_else_was_for_a_while() {
    let (mut body, _) = begun(&app_of_tasks(changing([Ok(story(TaskState::Queued))]))).await;
    for _ in 0..3 {
        let silent = Instant::now();
        assert_eq!(next(&mut body).await.as_deref(), Some(HEARTBEAT));
        assert_eq!(silent.elapsed().as_secs(), 15);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_ends_the_stream() {
    let broken = Err(Error::unavailable("the database", "gone"));
    let (mut body, _) = begun(&app_of_tasks(changing([Ok(story(TaskState::Queued)), broken]))).await;
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test(start_paused = true)]
async fn so_many_streams_are_open_and_no_more_until_one_is_dropped() {
    let app = app(changing([Ok(story(TaskState::Queued))]), |config| config.limits.event_streams = 1);
    let (body, _) = begun(&app).await;
    let refused = send(&app, asked(), "").await;
    refused.is_problem(503, &[]);
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(body);
    begun(&app).await;
}

#[tokio::test(start_paused = true)]
async fn an_address_has_so_many_streams_and_leaves_room_for_others() {
    let app = app(changing([Ok(story(TaskState::Queued))]), |config| {
        config.limits.event_streams_per_address = 2;
        config.trusted_proxies = vec!["0.0.0.0/32".parse().unwrap()]; // the peer of `open`
    });
    let from = |client: &str| asked().header("x-forwarded-for", client);
    let follows = async |client| {
        let mut body = open(&app, from(client)).await.into_body();
        assert_eq!(next(&mut body).await.as_deref(), Some(RETRY), "{client}");
        body
    };
    let held = [follows("192.0.2.1").await, follows("192.0.2.1").await];
    // Not `send`, which would wait for the end of a stream.
    let refused = open(&app, from("192.0.2.1")).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    follows("192.0.2.2").await;
    drop(held);
    follows("192.0.2.1").await;
    // A proxy that does not say for whom it speaks.
    let proxied = [begun(&app).await, begun(&app).await, begun(&app).await];
    drop(proxied);
}

#[tokio::test(start_paused = true)]
async fn a_stream_takes_no_permit_and_has_no_deadline() {
    let app = app(changing([Ok(story(TaskState::Queued))]), |config| {
        config.limits.in_flight = 1;
        config.limits.queued = 0;
        config.timeouts.handler = Duration::from_secs(1);
    });
    let (mut body, _) = begun(&app).await;
    assert_eq!(next(&mut body).await.as_deref(), Some(HEARTBEAT));
    assert_eq!(get(&app, TASK).await.status, 200);
    app.drained().await;
}

#[tokio::test(start_paused = true)]
async fn streams_end_when_they_are_closed_and_so_do_later_ones() {
    let app = app_of_tasks(changing([Ok(story(TaskState::Queued))]));
    let (mut body, _) = begun(&app).await;
    app.close_streams();
    assert_eq!(next(&mut body).await, None);
    let mut late = open(&app, asked()).await.into_body();
    next(&mut late).await;
    assert_eq!(next(&mut late).await, None);
}

#[tokio::test(start_paused = true)]
async fn head_opens_no_stream() {
    let app = app(changing([Ok(story(TaskState::Queued))]), |config| config.limits.event_streams = 1);
    for _ in 0..2 {
        let answer = send(&app, request("HEAD", &format!("{TASK}/events")), "").await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    }
}
