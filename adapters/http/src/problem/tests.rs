//! Every error of the application as a problem, in both dialects.

mod codes;

use super::*;
use crate::testing::{ctx, services, untouched};
use crate::{HttpConfig, edge::Edge};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use std::sync::OnceLock;

const PLAIN: Dialect = Dialect { field: |field| field, stale: Kind::Conflict };
const OTHER: Dialect = Dialect { field: |_| "full_name", stale: Kind::PreconditionFailed };

fn call() -> Call {
    let config = HttpConfig { root_path: "/api".to_owned(), ..HttpConfig::default() };
    let services = services(untouched());
    Call {
        method: http::Method::GET,
        uri: http::Uri::from_static("/v1/persons?limit=0"),
        authority: None,
        version: http::Version::HTTP_11,
        headers: http::HeaderMap::new(),
        request_id: ctx().request_id,
        client: [192, 0, 2, 1].into(),
        peer: [192, 0, 2, 1].into(),
        started: std::time::Instant::now(),
        meter: OnceLock::new(),
        edge: std::sync::Arc::new(Edge::new(&config, services.ids, services.clock, ctx().log)),
        log: OnceLock::new(),
    }
}

async fn told(error: Error, dialect: &Dialect) -> (u16, Value) {
    let response = ApiError::from_application(error, dialect).into_response(&call());
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap())
}

fn too_many(retry_after: Duration) -> Error {
    Error::TooMany { what: "the queue mail is full".to_owned(), retry_after }
}

fn every_error() -> [(Error, u16, u16); 6] {
    [
        (Error::not_found("person", 7), 404, 404),
        (Error::conflict("name", "taken", "is taken"), 409, 409),
        (Error::Stale { kind: "person" }, 409, 412),
        (too_many(Duration::from_secs(3)), 429, 429),
        (Error::unavailable("the database", "secret host is down"), 503, 503),
        (Error::internal("could not count", "secret defect"), 500, 500),
    ]
}

#[tokio::test]
async fn every_error_has_its_status_in_each_dialect() {
    for (error, plain, _) in every_error() {
        assert_eq!(told(error, &PLAIN).await.0, plain);
    }
    for (error, _, other) in every_error() {
        assert_eq!(told(error, &OTHER).await.0, other);
    }
}

#[tokio::test]
async fn a_problem_says_what_rfc_9457_wants() {
    let (_, body) = told(Error::not_found("person", 7), &PLAIN).await;
    let expected = json!({
        "type": "/api/doc/errors#not-found", "title": "Not Found", "status": 404, "detail": "there is no person 7",
        "instance": "/api/v1/persons", "request_id": "test",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_conflict_names_the_field_as_the_version_does() {
    let (_, body) = told(Error::conflict("name", "taken", "is taken"), &OTHER).await;
    assert_eq!(body["errors"], json!([{"field": "full_name", "code": "taken", "message": "is taken"}]));
    assert_eq!(body["detail"], "full_name: is taken");
}

#[tokio::test]
async fn causes_do_not_leave_the_house() {
    for (error, ..) in every_error() {
        assert!(!told(error, &PLAIN).await.1.to_string().contains("secret"));
    }
}

#[test]
fn what_is_too_much_may_be_asked_again_after_whole_seconds() {
    for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (5000, "5")] {
        let error = ApiError::from_application(too_many(Duration::from_millis(millis)), &PLAIN);
        let response = error.into_response(&call());
        assert_eq!(response.headers()[header::RETRY_AFTER], seconds, "{millis} ms");
    }
}

#[tokio::test]
async fn what_is_too_much_says_what_is_full() {
    let (status, body) = told(too_many(Duration::from_secs(1)), &PLAIN).await;
    assert_eq!((status, &body["detail"]), (429, &json!("the queue mail is full")));
    assert_eq!(
        (&body["title"], &body["type"]),
        (&json!("Too Many Requests"), &json!("/api/doc/errors#too-many-requests"))
    );
}

#[test]
fn what_is_unavailable_may_be_asked_again() {
    let response = ApiError::from_application(Error::unavailable("it", "x"), &PLAIN).into_response(&call());
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
}
