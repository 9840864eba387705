//! Whatever is sent, the answer is a 4xx that says what is wrong, never a 500, and the next request is served.

use plinth_tests::{Raw, Setup, TestApp, on_both_stacks, person};
use serde_json::json;

on_both_stacks!(
    bodies_that_no_client_should_send,
    a_million_keys_are_refused,
    unnecessary_depth_is_refused,
    a_field_that_comes_twice_is_refused_by_name,
    a_body_that_is_no_object_is_refused,
    query_strings_that_no_client_should_send,
    paths_that_no_client_should_send,
    headers_that_no_client_should_send,
    bodies_where_none_is_expected,
);

async fn bodies_that_no_client_should_send(setup: Setup) {
    let app = setup.start().await;
    let in_name = |name: &[u8]| [br#"{"email":"a@example.com","age":1,"name":""#, name, br#""}"#].concat();
    let as_age = |age: &str| format!(r#"{{"name":"x","email":"a@example.com","age":{age}}}"#).into_bytes();
    for (body, status) in [
        (in_name(b"\0"), 400),
        (in_name(br"\u0000"), 422),
        (in_name(b"\xff\xfe"), 400),
        (in_name(b"\xed\xa0\x80"), 400),
        (in_name(br"\ud800"), 400),
        (in_name(br"\x"), 400),
        (b"\xff".to_vec(), 400),
        (as_age("9223372036854775807"), 422),
        (as_age("-9223372036854775808"), 422),
        (as_age("9223372036854775808"), 422),
        (as_age("18446744073709551616"), 422),
        (as_age("1e400"), 400),
        (as_age("-1e400"), 400),
        (as_age("1.5"), 422),
        (as_age("NaN"), 400),
        (as_age("Infinity"), 400),
        (as_age("01"), 400),
        (as_age("0x1"), 400),
        (as_age("+1"), 400),
        (as_age("true"), 422),
        (as_age(&"9".repeat(100_000)), 422),
    ] {
        let shown = String::from_utf8_lossy(&body).chars().take(100).collect::<String>();
        for method in ["POST", "PUT"] {
            let reply = app.client.request(method, path(method)).body("application/json", body.clone()).await;
            let either = body.len() > 100_000 && (reply.status == 400 || reply.status == 422);
            assert!(either || reply.status == status, "{method} {shown}: {reply}");
            reply.problem();
        }
    }
    still_serves(&app).await;
}

async fn a_million_keys_are_refused(setup: Setup) {
    let app = setup.with("http.limits.body_bytes", 16 << 20).start().await;
    let keys: Vec<String> = (0..1_000_000).map(|number| format!("\"k{number}\":0")).collect();
    let reply =
        app.client.request("POST", "/v1/persons").body("application/json", format!("{{{}}}", keys.join(",")));
    let reply = reply.await.expect(422).problem();
    assert!(reply.body.len() < 100_000, "the answer has {} bytes", reply.body.len());
    still_serves(&app).await;
}

async fn unnecessary_depth_is_refused(setup: Setup) {
    let app = setup.start().await;
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(10_000), close.repeat(10_000));
    let arrays = deep("[", "]");
    let objects = format!("{}1{}", r#"{"name":"#.repeat(10_000), "}".repeat(10_000));
    let unknown = format!(r#"{{"x":{arrays}}}"#);
    for body in [arrays, objects, unknown, "[".repeat(500_000)] {
        let reply = app.client.request("POST", "/v1/persons").body("application/json", body).await;
        assert!(reply.status == 400 || reply.status == 422, "{reply}");
        reply.problem();
    }
    still_serves(&app).await;
}

async fn a_field_that_comes_twice_is_refused_by_name(setup: Setup) {
    let app = setup.start().await;
    let body = r#"{"name":"x","email":"a@example.com","age":1,"name":"y"}"#;
    let reply = app.client.request("POST", "/v1/persons").body("application/json", body).await;
    reply.expect(422).problem().fields(&["name"]);
}

async fn a_body_that_is_no_object_is_refused(setup: Setup) {
    let app = setup.start().await;
    let made = app.person(&person(json!({}))).await;
    let url = format!("/v1/persons/{}", made["id"].as_str().expect("an id"));
    for body in [json!(null), json!([]), json!("text"), json!(1), json!(["x", "a@example.com", 1])] {
        app.post("/v1/persons", &body).await.expect(422).problem();
        app.put(&url, &body).await.expect(422).problem();
        app.patch(&url, &body).await.expect(422).problem();
    }
}

async fn query_strings_that_no_client_should_send(setup: Setup) {
    let app = setup.start().await;
    for query in [
        "name=%ff",
        "name=%00",
        "name=%ed%a0%80",
        "cursor=%00",
        "cursor=%F0%9F%98%80",
        "limit=1e1",
        "limit=%31%00",
        "limit=NaN",
        "limit=٣",
        "sort=name;drop table persons",
        "sort[]=name",
        "=",
        "&&&=&",
        "limit",
        "email=%0d%0aset-cookie:x@example.com",
    ] {
        let reply = app.get(&format!("/v1/persons?{query}")).await;
        assert!([200, 400, 422].contains(&reply.status), "{query}: {reply}");
        assert!(reply.header("set-cookie").is_none());
        let reply = app.get(&format!("/v2/persons?{query}")).await;
        assert!([200, 400, 422].contains(&reply.status), "{query}: {reply}");
    }
    let long = app.get(&format!("/v1/persons?cursor={}", "A".repeat(7000))).await;
    long.expect(422).problem().fields(&["cursor"]);
}

async fn paths_that_no_client_should_send(setup: Setup) {
    let app = setup.start().await;
    for path in
        ["/v1/persons/%ff", "/v1/persons/%00", "/v1/persons/%", "/v1/persons/%zz", "/v1/%70ersons/..", "/%"]
    {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = Raw::connect(app.client.address()).await.send(head).await.rest().await;
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
        assert!(answer.contains("application/problem+json"), "{path}: {answer}");
    }
    for target in ["*", "http://other.example/v1/persons", "/v1/persons#x"] {
        let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = Raw::connect(app.client.address()).await.send(head).await.rest().await;
        assert!(answer.starts_with("HTTP/1.1 2") || answer.starts_with("HTTP/1.1 4"), "{target}: {answer}");
    }
}

async fn headers_that_no_client_should_send(setup: Setup) {
    let app = setup.start().await;
    for header in [
        "if-none-match: nonsense",
        "if-none-match: \"",
        "accept: nonsense",
        "accept: text/html",
        "accept-encoding: nonsense;q=2",
        "content-type: application/json\r\ncontent-type: text/plain",
        "x-request-id: \u{ff}\u{fe}",
        "range: bytes=0-9999999999",
        "expect: nonsense",
        "transfer-encoding: gzip, chunked",
        "content-length: -1",
        "content-length: 5\r\ncontent-length: 6",
        "upgrade: h2c\r\nconnection: upgrade",
    ] {
        let head = format!("GET /v2/persons HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}\r\n\r\n");
        let answer = Raw::connect(app.client.address()).await.send(head).await.rest().await;
        assert!(answer.starts_with("HTTP/1.1 2") || answer.starts_with("HTTP/1.1 4"), "{header:?}: {answer}");
    }
    still_serves(&app).await;
}

async fn bodies_where_none_is_expected(setup: Setup) {
    let app = setup.start().await;
    for method in ["GET", "DELETE"] {
        let reply = app.client.request(method, "/v1/persons/0190b6f0-0000-7000-8000-000000000000");
        reply.body("application/json", "{").await.expect(404).problem();
    }
}

fn path(method: &str) -> &'static str {
    if method == "POST" { "/v1/persons" } else { "/v1/persons/0190b6f0-0000-7000-8000-000000000000" }
}

async fn still_serves(app: &TestApp) {
    app.person(&person(json!({}))).await;
    app.get("/v1/persons").await.expect(200);
}
