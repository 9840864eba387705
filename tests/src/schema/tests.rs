//! The check must be able to fail, or it checks nothing.

use super::{DOCUMENTS, check};
use crate::Reply;
use serde_json::{Value, json};

#[test]
fn what_fits_passes() {
    answer("get", "/v1/things/1?x=y", 200, &json!({"name": "x"}));
    answer("get", "http://127.0.0.1:1/v1/things/1", 404, &json!({"title": "x"}));
}

#[test]
fn paths_that_no_document_knows_are_let_through() {
    answer("get", "/v1/nowhere", 404, &json!({"anything": 1}));
}

#[test]
#[should_panic(expected = "does not declare 409")]
fn a_status_that_is_not_declared_is_found() {
    answer("get", "/v1/things/1", 409, &json!({"title": "x"}));
}

#[test]
#[should_panic(expected = "breaks its schema")]
fn a_member_that_is_missing_is_found() {
    answer("get", "/v1/things/1", 200, &json!({}));
}

#[test]
#[should_panic(expected = "breaks its schema")]
fn a_member_of_another_type_is_found() {
    answer("get", "/v1/things/1", 200, &json!({"name": 1}));
}

#[test]
#[should_panic(expected = "breaks its schema")]
fn a_member_that_no_schema_knows_is_found() {
    answer("get", "/v1/things/1", 200, &json!({"name": "x", "secret": 1}));
}

#[test]
fn each_event_of_a_stream_is_looked_at_once_it_is_whole() {
    let stream = "retry: 2000\n\n: still there\n\nid: 1\ndata: x\n\nid: 2\nda";
    answered("get", "/v1/things/1/events", &Reply::made(200, "text/event-stream", stream));
}

#[test]
#[should_panic(expected = "breaks its schema")]
fn an_event_with_a_field_that_no_schema_knows_is_found() {
    let stream = "id: 1\ndata: x\n\nid: 2\nevent: x\ndata: x\n\n";
    answered("get", "/v1/things/1/events", &Reply::made(200, "text/event-stream", stream));
}

#[test]
#[should_panic(expected = "does not declare text/html")]
fn a_media_type_that_is_not_declared_is_found() {
    answered("get", "/v1/things/1", &Reply::made(200, "text/html", "<p>"));
}

fn answer(method: &str, path: &str, status: u16, body: &Value) {
    answered(method, path, &Reply::made(status, "application/json", &body.to_string()));
}

fn answered(method: &str, path: &str, reply: &Reply) {
    DOCUMENTS.get_or_init(|| [("v1".to_owned(), document())].into());
    check(method, path, reply);
}

fn document() -> Value {
    let of = |name: &str| json!({"content": {"application/json": {"schema": {"$ref": format!("#/components/schemas/{name}")}}}});
    let schema = |member: &str| json!({"type": "object", "required": [member], "properties": {member: {"type": "string"}}});
    let event = json!({
        "type": "object", "required": ["id", "data"], "properties": {"id": {"type": "string"}, "data": {"type": "string"}},
    });
    json!({
        "paths": {
            "/v1/things/{id}": {"get": {"responses": {"200": of("Thing"), "404": of("Problem")}}},
            "/v1/things/{id}/events": {"get": {"responses": {"200": {"content": {"text/event-stream": {"schema": event}}}}}},
        },
        "components": {"schemas": {"Thing": schema("name"), "Problem": schema("title")}},
    })
}
