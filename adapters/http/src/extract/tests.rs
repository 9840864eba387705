//! What is taken of a request, and how much of it is said again.

use crate::testing::{app, get, json, request, send, untouched};

#[tokio::test]
async fn codings_and_charsets_are_read_from_every_line_and_parameter() {
    let app = app(untouched());
    let plain = || request("POST", "/v1/persons");
    for odd in [
        json("POST", "/v1/persons").header("content-encoding", "identity").header("content-encoding", "gzip"),
        json("POST", "/v1/persons").header("transfer-encoding", "gzip, chunked"),
        plain().header("content-type", "application/json; charset=utf-8; charset=utf-16"),
    ] {
        send(&app, odd, "[]").await.is_problem(415, &[]);
    }
    for right in [
        json("POST", "/v1/persons").header("content-encoding", "identity"),
        json("POST", "/v1/persons").header("transfer-encoding", "Chunked"),
        plain().header("content-type", "application/json; charset=\"UTF-8\""),
    ] {
        send(&app, right, "[]").await.is_problem(422, &[("", "type")]);
    }
}

#[tokio::test]
async fn what_was_sent_is_not_sent_back_at_length() {
    let (app, long) = (app(untouched()), "x".repeat(900_000));
    for body in [
        format!("{{\"{long}\":1}}"),
        format!("{{\"age\":\"{long}\"}}"),
        format!("{{\"name\":{{\"{long}\":1}}}}"),
    ] {
        let answer = send(&app, json("POST", "/v1/persons"), body).await;
        assert_eq!(answer.status, 422);
        assert!(answer.body.len() < 1000, "{} bytes", answer.body.len());
    }
    let answer = get(&app, &format!("/v1/persons?{}=1", "x".repeat(5000))).await;
    assert!(answer.status == 422 && answer.body.len() < 1000, "{} bytes", answer.body.len());
}
