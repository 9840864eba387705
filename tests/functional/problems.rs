//! Every status that is an error has a problem body, whoever found the error.

use futures_util::{StreamExt, stream::FuturesUnordered};
use plinth_tests::{PATIENCE, Raw, Setup, on_both_stacks, person, person_v2, within};
use serde_json::{Value, json};

on_both_stacks!(
    broken_json_is_400,
    an_id_that_is_none_is_400,
    an_unknown_path_is_404,
    a_method_that_a_path_does_not_have_is_405_with_allow,
    a_body_that_does_not_come_is_408,
    a_taken_address_is_409,
    an_old_version_is_412,
    a_body_beyond_the_limit_is_413,
    a_path_beyond_the_limit_is_414,
    another_media_type_is_415,
    a_missing_condition_is_428,
    headers_beyond_the_limit_are_431,
    work_beyond_the_limit_is_503,
    work_that_takes_too_long_is_504,
    what_is_no_http_gets_a_bare_400,
    a_defect_is_an_opaque_500,
);

async fn broken_json_is_400(setup: Setup) {
    let app = setup.start().await;
    let whole = person(json!({})).to_string();
    for broken in ["", "{", "{\"name\": }", "nonsense", &format!("{whole} x"), "\u{feff}{}"] {
        let reply =
            app.client.request("POST", "/v1/persons").body("application/json", broken.to_owned()).await;
        reply.expect(400).problem();
    }
}

async fn an_id_that_is_none_is_400(setup: Setup) {
    let app = setup.start().await;
    for id in ["1", "nobody", "0190b6f0-0000-7000-8000-00000000000g", "%00", "..%2f..%2fetc"] {
        app.get(&format!("/v1/persons/{id}")).await.expect(400).problem().fields(&["id"]);
        app.get(&format!("/v2/persons/{id}")).await.expect(400).problem().fields(&["id"]);
    }
}

async fn an_unknown_path_is_404(setup: Setup) {
    let app = setup.start().await;
    for path in
        ["/nowhere", "/v1", "/v1/nothing", "/v3/persons", "/v1/persons/1/2/3", "//", "/%2e%2e/etc/passwd"]
    {
        app.get(path).await.expect(404).problem();
    }
    app.post("/nowhere", &json!({})).await.expect(404).problem();
    app.monitor.get("/nowhere").await.expect(404).problem();
}

async fn a_method_that_a_path_does_not_have_is_405_with_allow(setup: Setup) {
    let app = setup.start().await;
    let id = "0190b6f0-0000-7000-8000-000000000000";
    for (method, path, allow) in [
        ("DELETE", "/v1/persons".to_owned(), "GET, HEAD, OPTIONS, POST"),
        ("POST", format!("/v1/persons/{id}"), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("GET", format!("/v1/persons/{id}/add-one-year"), "OPTIONS, POST"),
        ("TRACE", "/v1/persons".to_owned(), "GET, HEAD, OPTIONS, POST"),
        ("BREW", "/v2/persons".to_owned(), "GET, HEAD, OPTIONS, POST"),
        ("POST", "/mon/ping".to_owned(), "GET, HEAD, OPTIONS"),
    ] {
        let reply = app.client.request(method, &path).await.expect(405).problem();
        let mut allowed: Vec<&str> = reply.required("allow").split(',').map(str::trim).collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(", "), allow, "{reply}");
    }
}

async fn a_body_that_does_not_come_is_408(setup: Setup) {
    let app = setup.with("http.timeouts.body", "300ms").start().await;
    let mut raw = Raw::connect(app.client.address()).await;
    raw.send(post("content-length: 100\r\n")).await.send("{\"name\":").await;
    let answer = raw.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("application/problem+json"), "{answer}");
}

async fn a_taken_address_is_409(setup: Setup) {
    let app = setup.start().await;
    let body = person(json!({}));
    app.person(&body).await;
    app.post("/v1/persons", &body).await.expect(409).problem();
}

async fn an_old_version_is_412(setup: Setup) {
    let app = setup.start().await;
    let made = app.post("/v2/persons", &person_v2(json!({}))).await.expect(201);
    let patch = app.patch(made.required("location"), &json!({"age": 1})).header("if-match", "\"0\"");
    patch.await.expect(412).problem();
}

async fn a_body_beyond_the_limit_is_413(setup: Setup) {
    let app = setup.with("http.limits.body_bytes", 2000).start().await;
    app.post("/v1/persons", &json!({"name": "x".repeat(3000)})).await.expect(413).problem();
    let mut declared = Raw::connect(app.client.address()).await;
    declared.send(post("content-length: 1000000000\r\nconnection: close\r\n")).await;
    let answer = declared.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("application/problem+json"), "{answer}");
    let mut chunked = Raw::connect(app.client.address()).await;
    chunked.send(post("transfer-encoding: chunked\r\nconnection: close\r\n")).await;
    for _ in 0..10 {
        chunked.send("ff\r\n").await.send("x".repeat(255)).await.send("\r\n").await;
    }
    let answer = chunked.rest().await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("application/problem+json"), "{answer}");
}

async fn a_path_beyond_the_limit_is_414(setup: Setup) {
    let app = setup.start().await;
    let long = "x".repeat(9000);
    app.get(&format!("/v1/persons?name={long}")).undocumented().await.expect(414).problem();
    app.get(&format!("/{long}")).await.expect(414).problem();
}

async fn another_media_type_is_415(setup: Setup) {
    let app = setup.start().await;
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "nonsense", ""]
    {
        let reply = app.client.request("POST", "/v1/persons").body(media_type, person(json!({})).to_string());
        reply.await.expect(415).problem();
    }
    let same = app.client.request("POST", "/v1/persons");
    let same = same.body("Application/JSON; charset=utf-8", person(json!({})).to_string());
    same.await.expect(201);
}

async fn a_missing_condition_is_428(setup: Setup) {
    let app = setup.start().await;
    let made = app.post("/v2/persons", &person_v2(json!({}))).await.expect(201);
    app.delete(made.required("location")).await.expect(428).problem();
}

async fn headers_beyond_the_limit_are_431(setup: Setup) {
    let app = setup.start().await;
    let mut many = app.get("/v1/persons").undocumented();
    for number in 0..80 {
        many = many.header(&format!("x-{number}"), "1");
    }
    many.await.expect(431).problem();
    let large = app.get("/v1/persons").undocumented().header("x-large", &"x".repeat(40_000));
    large.await.expect(431).problem();
}

async fn work_beyond_the_limit_is_503(setup: Setup) {
    let app = setup.with("http.limits.in_flight", 1).start().await;
    let hold = app.database().hold_writes().await;
    let mut posts: FuturesUnordered<_> =
        (0..5).map(|_| app.post("/v1/persons", &person(json!({}))).into_future()).collect();
    for _ in 0..4 {
        let shed = posts.next().await.expect("five are under way").expect(503).problem();
        assert!(shed.required("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{shed}");
    }
    app.get("/mon/ping").await.expect(200);
    drop(hold);
    posts.next().await.expect("the one that was let in").expect(201);
    app.get("/v1/persons").await.expect(200);
}

async fn work_that_takes_too_long_is_504(setup: Setup) {
    let app = setup.with("http.timeouts.handler", "300ms").start().await;
    let hold = app.database().hold_writes().await;
    app.post("/v1/persons", &person(json!({}))).await.expect(504).problem();
    drop(hold);
    // The work itself went on to its end.
    let written = async || app.get("/v1/persons").await.expect(200).json()["objects"] != json!([]);
    within(PATIENCE, "the person is there in the end", written).await;
}

async fn what_is_no_http_gets_a_bare_400(setup: Setup) {
    let app = setup.start().await;
    for nonsense in ["nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /\u{0} HTTP/1.1\r\nhost: x\r\n\r\n"] {
        let answer = Raw::connect(app.client.address()).await.send(nonsense).await.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{nonsense:?}: {answer}");
    }
    app.get("/v1/persons").await.expect(200);
}

/// What is wrong is in the log, under the request id that the client got, and not in the answer.
async fn a_defect_is_an_opaque_500(setup: Setup) {
    let app = setup.start().await;
    app.database().execute("ALTER TABLE persons RENAME COLUMN age TO years").await;
    app.has_defects();
    let reply = app.get("/v1/persons").await.expect(500).problem();
    assert!(!reply.text().contains("age") && !reply.text().contains("column"), "{reply}");
    let id = reply.required("x-request-id");
    let is_cause =
        |line: &Value| line["request_id"] == id && line["error"].as_str().is_some_and(|e| e.contains("age"));
    let cause = app.logged("the cause of the 500", is_cause).await;
    assert_eq!(cause["level"], "error");
}

fn post(headers: &str) -> String {
    format!("POST /v1/persons HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{headers}\r\n")
}
