//! Behind a reverse proxy: a path in front of ours, and whom to believe about the client.

use plinth_tests::{Request, Setup, TestApp, on_both_stacks, on_sqlite, person};
use serde_json::{Value, json};

on_both_stacks!(paths_work_with_and_without_the_root_path, links_have_the_root_path,);
on_sqlite!(
    nobody_is_believed_unless_trusted,
    a_trusted_proxy_is_believed_about_client_scheme_and_host,
    the_rightmost_untrusted_address_is_the_client,
    nonsense_in_forwarded_headers_is_left_alone,
    the_public_url_decides_where_it_is_set,
);

async fn paths_work_with_and_without_the_root_path(setup: Setup) {
    let app = setup.with("http.root_path", "/api").start().await;
    for path in ["/v1/persons", "/api/v1/persons", "/api/health", "/health", "/api/doc/", "/api/openapi.json"]
    {
        app.get(path).await.expect(200);
    }
    for path in ["/apiv1/persons", "/api/api/v1/persons", "/API/v1/persons", "/api"] {
        let status = app.get(path).await.status;
        assert!(status == 404 || (path == "/api" && status < 400), "{path}: {status}");
    }
}

async fn links_have_the_root_path(setup: Setup) {
    let app = setup.with("http.root_path", "/api").start().await;
    let created = app.post("/v1/persons", &person(json!({}))).await.expect(201);
    assert!(created.required("location").contains("/api/v1/persons/"), "{created}");
    app.get(created.required("location")).await.expect(200);
    app.person(&person(json!({}))).await;
    let first = app.get("/api/v1/persons?limit=1").await.expect(200).json();
    let next = first["next"].as_str().expect("a link");
    assert!(next.contains("/api/v1/persons?"), "{next}");
    app.get(next).await.expect(200);
    let problem = app.get("/api/nowhere").await.expect(404).problem().json();
    assert_eq!(problem["instance"], "/api/nowhere");
    let document = app.get("/api/openapi.json").await.expect(200).json();
    assert_eq!(document["servers"][0]["url"], "/api");
}

async fn nobody_is_believed_unless_trusted(setup: Setup) {
    let app = setup.start().await;
    let reply = forwarded(app.get("/v1/persons")).await.expect(200);
    assert_eq!(client_of(&app, reply.required("x-request-id")).await, "127.0.0.1");
    let location = located(&app, forwarded).await;
    assert!(!location.contains("api.example.com") && !location.contains("https"), "{location}");
}

async fn a_trusted_proxy_is_believed_about_client_scheme_and_host(setup: Setup) {
    let app = setup.with("http.trusted_proxies", "127.0.0.0/8").start().await;
    let reply = forwarded(app.get("/v1/persons")).await.expect(200);
    assert_eq!(client_of(&app, reply.required("x-request-id")).await, "203.0.113.9");
    let location = located(&app, forwarded).await;
    assert!(location.starts_with("https://api.example.com/v1/persons/"), "{location}");
}

async fn the_rightmost_untrusted_address_is_the_client(setup: Setup) {
    let app = setup.with("http.trusted_proxies", "127.0.0.0/8,10.0.0.0/8").start().await;
    for (forwarded, client) in [
        ("1.1.1.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        ("1.1.1.1,203.0.113.9", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
    ] {
        let reply = app.get("/v1/persons").header("x-forwarded-for", forwarded).await.expect(200);
        assert_eq!(client_of(&app, reply.required("x-request-id")).await, client, "{forwarded}");
    }
}

async fn nonsense_in_forwarded_headers_is_left_alone(setup: Setup) {
    let app = setup.with("http.trusted_proxies", "127.0.0.0/8").start().await;
    for nonsense in ["", ",", "a b", "<script>", "evil\" host", "a/b?c#d", "a@b"] {
        let location = located(&app, |request| {
            let request = request.header("x-forwarded-for", nonsense).header("x-forwarded-host", nonsense);
            request.header("x-forwarded-proto", nonsense)
        });
        let location = location.await;
        assert!(nonsense.len() < 2 || !location.contains(nonsense), "{location}");
    }
}

async fn the_public_url_decides_where_it_is_set(setup: Setup) {
    let app = setup.with("http.public_url", "https://www.example.org").start().await;
    let location = located(&app, |request| request.header("host", "evil.example")).await;
    assert!(location.starts_with("https://www.example.org/v1/persons/"), "{location}");
}

fn forwarded(request: Request) -> Request {
    let request = request.header("x-forwarded-for", "203.0.113.9").header("x-forwarded-proto", "https");
    request.header("x-forwarded-host", "api.example.com")
}

async fn located(app: &TestApp, forwarded: impl Fn(Request) -> Request) -> String {
    let created = forwarded(app.post("/v1/persons", &person(json!({})))).await.expect(201);
    created.required("location").to_owned()
}

/// Whom the access log holds for the client of a request.
async fn client_of(app: &TestApp, request_id: &str) -> String {
    let is_access = |line: &Value| line["request_id"] == *request_id && line["status"].is_u64();
    let line = app.logged("the access line", is_access).await;
    line["client"].as_str().or(line["peer"].as_str()).expect("an address").to_owned()
}
