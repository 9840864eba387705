//! Files in forms, over a mocked store of uploads.

use crate::{
    App, HttpConfig,
    testing::{Answer, ID, Ports, TASK, app_of_tasks, request, send, story, telling},
};
use application::{Error, MockTaskRepository, Upload};
use domain::{QueueName, TaskState};
use std::time::Duration;

const PATH: &str = "/v1/persons/imports";
const FILE: &str = "Content-Disposition: form-data; name=\"file\"; filename=\"persons.csv\"";

fn part(head: &str, content: &str) -> String {
    format!("--b\r\n{head}\r\n\r\n{content}\r\n")
}

fn form(parts: &[String]) -> String {
    format!("{}--b--\r\n", parts.concat())
}

async fn post(app: &App, body: String) -> Answer {
    let request = request("POST", PATH).header("content-type", "multipart/form-data; boundary=b");
    send(app, request, body).await
}

/// Takes one upload for which `right` holds.
fn taking(right: impl Fn(&Upload) -> bool + Send + 'static) -> Ports {
    let mut ports = Ports { tasks: telling(1, story(TaskState::Waiting)), ..Ports::default() };
    ports.backlog.expect_admit().withf(|queue| queue.as_str() == "imports").times(3).returning(|_| Ok(()));
    ports.imports.expect_waiting().once().returning(|_| Ok(0));
    ports
        .imports
        .expect_receive()
        .withf(move |upload, then| right(upload) && then.tasks.len() == 3)
        .once()
        .returning(|_, _| Ok(()));
    ports
}

/// Nothing may get as far as the store.
fn refusing() -> App {
    app_of_tasks(MockTaskRepository::new())
}

#[tokio::test]
async fn a_file_is_taken_and_answered_with_the_url_of_its_task() {
    let app = taking(|upload| upload.file_name == "persons.csv" && upload.chunks == [b"name\r\nAda"]).app();
    let answer = post(&app, form(&[part(FILE, "name\r\nAda")])).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (202, Some(&*format!("http://api.test{TASK}")))
    );
    assert_eq!(answer.json()["id"], ID.0.to_string());
}

#[tokio::test]
async fn version_2_takes_the_same_form() {
    let request =
        request("POST", "/v2/persons/imports").header("content-type", "multipart/form-data; boundary=\"b\"");
    let answer = send(&taking(|_| true).app(), request, form(&[part(FILE, "x")])).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (202, &"waiting".into()));
    assert!(answer.header("location").unwrap().contains("/v2/tasks/"));
}

#[tokio::test]
async fn a_long_file_arrives_in_pieces_that_the_store_takes() {
    let length = 2 * Upload::CHUNK + 1;
    let file: String = (0..length).map(|n| if n % 100 == 99 { '\n' } else { 'x' }).collect();
    let wanted = file.clone();
    let app = taking(move |upload| {
        let lengths: Vec<usize> = upload.chunks.iter().map(Vec::len).collect();
        lengths == [Upload::CHUNK, Upload::CHUNK, 1] && upload.chunks.concat() == wanted.as_bytes()
    });
    assert_eq!(post(&app.app(), form(&[part(FILE, &file)])).await.status, 202);
}

#[tokio::test]
async fn what_looks_like_a_boundary_is_none_within_a_line() {
    let file = "a--b\r\n-b\r\n--\r\r\n\r\n--c--b";
    let app = taking(move |upload| upload.chunks.concat() == file.as_bytes()).app();
    assert_eq!(post(&app, form(&[part(FILE, file)])).await.status, 202);
}

#[tokio::test]
async fn a_name_of_a_file_has_no_folders() {
    for sent in ["/etc/persons.csv", "C:\\Users\\ada\\persons.csv", "../persons.csv", "persons.csv"] {
        let head = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{sent}\"");
        let app = taking(|upload| upload.file_name == "persons.csv").app();
        assert_eq!(post(&app, form(&[part(&head, "x")])).await.status, 202, "{sent}");
    }
}

#[tokio::test]
async fn exactly_one_file_is_wanted_and_something_in_it() {
    let other = |name: &str| part(&format!("Content-Disposition: form-data; name=\"{name}\""), "1");
    let file = || part(FILE, "x");
    for (parts, field, code) in [
        (vec![], "file", "required"),
        (vec![file(), file()], "file", "duplicate"),
        (vec![other("x")], "x", "unknown"),
        (vec![file(), other("x")], "x", "unknown"),
        (vec![other("file")], "file", "type"),
        (vec![part(FILE, "")], "file", "empty"),
        (vec![part("Content-Type: text/csv", "x")], "", "unknown"),
    ] {
        post(&refusing(), form(&parts)).await.is_problem(422, &[(field, code)]);
    }
    let long = post(&refusing(), form(&[other(&"x".repeat(10_000))])).await;
    assert!(long.status == 422 && long.body.len() < 1000, "{} bytes", long.body.len());
}

#[tokio::test]
async fn what_is_no_form_is_malformed() {
    let whole = form(&[part(FILE, "some text")]);
    let cut = (0..whole.len() - 4).map(|at| whole[..at].to_owned());
    let odd = ["nonsense", "--c--\r\n", "--b\r\nno header\r\n\r\n\r\n--b--", "--bx"].map(str::to_owned);
    let app = refusing();
    for body in odd.into_iter().chain(cut) {
        let answer = post(&app, body.clone()).await;
        assert_eq!(answer.status, 400, "{body:?}");
        answer.is_problem(400, &[]);
    }
}

#[tokio::test]
async fn a_form_needs_a_boundary() {
    for media_type in [
        "multipart/form-data",
        "multipart/form-data; boundary=\"\"",
        &format!("multipart/form-data; boundary={}", "b".repeat(71)),
    ] {
        let request = request("POST", PATH).header("content-type", media_type);
        send(&refusing(), request, form(&[part(FILE, "x")])).await.is_problem(400, &[]);
    }
}

#[tokio::test]
async fn anything_but_a_form_is_told_what_is_taken() {
    for media_type in ["text/csv", "application/json", "multipart/mixed; boundary=b", ""] {
        let request = request("POST", PATH).header("content-type", media_type);
        let answer = send(&refusing(), request, "x").await;
        answer.is_problem(415, &[]);
        assert_eq!(answer.header("accept-post"), Some("multipart/form-data"));
    }
}

#[tokio::test]
async fn the_path_is_no_person_and_has_one_method() {
    for path in [PATH, "/v2/persons/imports"] {
        for method in ["GET", "PUT", "PATCH", "DELETE"] {
            let answer = send(&refusing(), request(method, path), "").await;
            answer.is_problem(405, &[]);
            assert_eq!(answer.header("allow"), Some("POST, OPTIONS"), "{method} {path}");
        }
        let options = send(&refusing(), request("OPTIONS", path), "").await;
        assert_eq!(options.header("accept-post"), Some("multipart/form-data"));
    }
}

fn limited(ports: Ports, file: usize) -> App {
    let mut config = HttpConfig::default();
    config.limits.upload_bytes = file;
    config.limits.body_bytes = 1024;
    crate::public(&config, &ports.services())
}

#[tokio::test]
async fn the_limit_is_that_of_the_file() {
    const LIMIT: usize = 300_000;
    let fits = part(FILE, &"x".repeat(LIMIT));
    let app = limited(taking(|upload| upload.chunks.concat().len() == LIMIT), LIMIT);
    assert_eq!(post(&app, form(&[fits])).await.status, 202);
    let app = limited(Ports::default(), LIMIT);
    let beyond = post(&app, form(&[part(FILE, &"x".repeat(LIMIT + 1))])).await;
    beyond.is_problem(413, &[]);
    assert_eq!(beyond.header("connection"), None, "the body was read to its end");
    let far_beyond = post(&app, form(&[part(FILE, &"x".repeat(2 * LIMIT))])).await;
    far_beyond.is_problem(413, &[]);
    assert_eq!(far_beyond.header("connection"), Some("close"));
}

#[tokio::test]
async fn other_bodies_keep_their_limit() {
    let app = limited(Ports::default(), 300_000);
    let json = request("POST", "/v1/persons").header("content-type", "application/json");
    send(&app, json, "x".repeat(1025)).await.is_problem(413, &[]);
}

#[tokio::test]
async fn a_full_queue_takes_no_file() {
    let mut ports = Ports::default();
    let full = |_: &QueueName| {
        let retry_after = Duration::from_secs(4);
        Err(Error::TooMany { what: "the queue imports is full".to_owned(), retry_after })
    };
    ports.imports.expect_waiting().once().returning(|_| Ok(0));
    ports.backlog.expect_admit().once().returning(full);
    let answer = post(&ports.app(), form(&[part(FILE, "x")])).await;
    answer.is_problem(429, &[]);
    assert_eq!(answer.header("retry-after"), Some("4"));
}
