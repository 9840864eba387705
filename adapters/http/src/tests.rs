//! What the composition promises for every route.

use super::*;
use crate::testing::{
    Answer, Ports, V1, app, birthday, finding_ada, get, json, request, send, services, untouched,
};
use application::{Error, MockProbe};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

fn documents() -> [(&'static str, Value); 2] {
    VERSIONS.map(|ApiVersion { name, .. }| (name, serde_json::to_value(openapi(name).unwrap()).unwrap()))
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            METHODS.iter().filter_map(move |m| Some((m.to_uppercase(), path.clone(), item.get(*m)?)))
        })
        .collect()
}

fn probe(required: bool, result: Result<&'static str, &'static str>) -> Arc<dyn application::Probe> {
    let mut probe = MockProbe::new();
    probe.expect_name().return_const("db");
    probe.expect_required().return_const(required);
    probe.expect_check().returning(move || {
        result.map(str::to_owned).map_err(|secret| Error::unavailable("the database", secret).into())
    });
    Arc::new(probe)
}

async fn monitored(probe: Arc<dyn application::Probe>, path: &str) -> Answer {
    let mut services = services(untouched());
    services.health = Arc::new(HealthController::new(vec![probe], Duration::from_secs(1)));
    get(&monitor(&HttpConfig::default(), &services), path).await
}

#[test]
fn documents_and_routes_are_the_same() {
    let documented: BTreeSet<_> = documents()
        .iter()
        .flat_map(|(_, document)| operations(document))
        .map(|(method, path, operation)| {
            (method, path, operation["operationId"].as_str().unwrap().to_owned())
        })
        .collect();
    let routed: BTreeSet<_> = routes()
        .into_iter()
        .filter_map(|route| Some((route.method, route.path, route.operation_id?)))
        .collect();
    assert_eq!(documented, routed);
    let in_no_document = |route: &RouteInfo| route.version.is_some() && route.operation_id.is_none();
    assert!(!routes().iter().any(in_no_document), "every route of a version is in its document");
    assert_eq!(documented.len(), 26);
}

#[test]
fn every_operation_is_described_with_examples_and_every_error() {
    for (version, document) in documents() {
        for (method, path, operation) in operations(&document) {
            let at = format!("{version} {method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|s| !s.is_empty()), "{at}");
            assert!(operation["description"].as_str().is_some_and(|s| !s.is_empty()), "{at}");
            assert!(
                document["tags"].as_array().unwrap().iter().any(|tag| tag["name"] == operation["tags"][0])
            );
            let responses = operation["responses"].as_object().unwrap();
            for status in ["400", "414", "431", "500", "503", "504"] {
                assert!(responses.contains_key(status), "{at} {status}");
            }
            for (status, response) in responses {
                assert!(response["headers"].get("X-Request-Id").is_some(), "{at} {status}");
                let content = &response["content"];
                if status.starts_with(['4', '5']) {
                    let problem = &content["application/problem+json"];
                    assert_eq!(problem["schema"]["$ref"], "#/components/schemas/Problem", "{at} {status}");
                    assert!(problem.get("example").is_some(), "{at} {status}");
                }
            }
            for (media_type, body) in operation["requestBody"]["content"].as_object().into_iter().flatten() {
                assert!(body.get("example").is_some(), "{at} {media_type}");
                for status in ["408", "413", "415", "422"] {
                    assert!(responses.contains_key(status), "{at} {status}");
                }
            }
        }
    }
}

#[test]
fn a_deprecated_operation_says_so_in_the_document() {
    let [(_, v1), _] = documents();
    let put = &v1["paths"]["/v1/persons/{id}"]["put"];
    assert_eq!(put["deprecated"], true);
    assert!(put["description"].as_str().unwrap().contains("PATCH /v1/persons/{id}"));
    assert!(put["responses"]["404"]["headers"].get("Deprecation").is_some());
    for unrouted in ["414", "431"] {
        assert!(put["responses"][unrouted]["headers"].get("Deprecation").is_none());
    }
    assert!(
        routes()
            .iter()
            .any(|route| route.deprecated && route.operation_id.as_deref() == Some("persons_replace"))
    );
}

#[test]
fn what_a_client_sends_is_bounded_in_the_document() {
    for (version, document) in documents() {
        let schemas = &document["components"]["schemas"];
        let name = if version == "v1" { "name" } else { "full_name" };
        for (schema, required) in [("NewPerson", true), ("PersonPatch", false)] {
            assert_eq!(schemas[schema]["additionalProperties"], false, "{version} {schema}");
            let wanted = if required { serde_json::json!([name, "email", "age"]) } else { Value::Null };
            assert_eq!(schemas[schema]["required"], wanted, "{version} {schema}");
        }
        assert_eq!((&schemas["Age"]["minimum"], &schemas["Age"]["maximum"]), (&0.into(), &150.into()));
    }
    assert!(openapi("v3").is_none());
}

#[test]
fn what_can_be_too_much_says_so_in_the_document() {
    for (version, document) in documents() {
        let limited: BTreeSet<_> = operations(&document)
            .into_iter()
            .filter(|(_, _, operation)| operation["responses"]["429"]["headers"].get("Retry-After").is_some())
            .map(|(_, path, _)| path)
            .collect();
        let wanted =
            ["persons/imports", "persons/{id}/add-one-year"].map(|path| format!("/{version}/{path}"));
        assert_eq!(limited, BTreeSet::from(wanted));
    }
}

#[test]
fn a_file_and_a_stream_are_what_they_are_in_the_document() {
    for (version, document) in documents() {
        let path = |path: &str| document["paths"][format!("/{version}/{path}")].clone();
        let form = &path("persons/imports")["post"]["requestBody"]["content"]["multipart/form-data"];
        assert_eq!(form["schema"]["$ref"], "#/components/schemas/ImportForm");
        let file = &document["components"]["schemas"]["ImportForm"]["properties"]["file"];
        assert_eq!((&file["type"], &file["format"]), (&"string".into(), &"binary".into()));
        let stream = &path("tasks/{id}/events")["get"]["responses"]["200"]["content"];
        assert!(stream["text/event-stream"].get("example").is_some(), "{stream}");
        assert_eq!(stream["text/event-stream"]["schema"]["$ref"], "#/components/schemas/TaskEvent");
    }
}

/// `ports` in EAGER mode, and how often what was scheduled has run.
fn eager(ports: Ports) -> (App, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let mut services = ports.services();
    services.eager = Some(Arc::new(move || {
        let counted = counted.clone();
        Box::pin(async move {
            tokio::task::yield_now().await;
            counted.fetch_add(1, Ordering::Relaxed);
        })
    }));
    (public(&HttpConfig::default(), &services), runs)
}

#[tokio::test]
async fn what_a_request_has_caused_has_run_when_it_is_answered() {
    let (app, runs) = eager(birthday(|_| Ok(()), 1));
    let year = format!("{V1}/add-one-year");
    assert_eq!(send(&app, request("POST", &year), "").await.status, 202);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_fails_or_only_reads_has_caused_nothing() {
    let (app, runs) = eager(Ports { persons: finding_ada(), ..Ports::default() });
    assert_eq!(get(&app, V1).await.status, 200);
    send(&app, json("POST", "/v1/persons"), "{}").await.is_problem(422, &NOBODY);
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

const NOBODY: [(&str, &str); 3] = [("name", "required"), ("email", "required"), ("age", "required")];

#[tokio::test]
async fn unknown_paths_are_problems() {
    let app = app(untouched());
    for path in
        ["/v1", "/v1/", "/v1/persons/", "/v3/persons", "/v1/Persons", "/mon", "/metrics", "/mon/checks"]
    {
        get(&app, path).await.is_problem(404, &[]);
    }
}

#[tokio::test]
async fn a_method_that_a_path_has_not_is_405_with_those_it_has() {
    let app = app(untouched());
    for (method, path, allowed) in [
        ("DELETE", "/v1/persons", "GET, POST, HEAD, OPTIONS"),
        ("POST", V1, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("HEAD", "/v1/persons/1/add-one-year", "POST, OPTIONS"),
        ("BREW", "/mon/ping", "GET, HEAD, OPTIONS"),
        ("POST", "/doc/", "GET, HEAD, OPTIONS"),
    ] {
        let answer = send(&app, request(method, path), "").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some(allowed)), "{method} {path}");
        if method != "HEAD" {
            answer.is_problem(405, &[]);
            let detail = "this path does not have this method; the header Allow names those that it has";
            assert_eq!(answer.json()["detail"], detail);
        }
    }
}

#[tokio::test]
async fn options_tells_methods_and_bodies() {
    let app = app(untouched());
    let one = send(&app, request("OPTIONS", V1), "").await;
    assert_eq!(
        (one.status.as_u16(), one.header("allow")),
        (204, Some("GET, PUT, PATCH, DELETE, HEAD, OPTIONS"))
    );
    assert_eq!(one.header("accept-patch"), Some("application/json, application/merge-patch+json"));
    let all = send(&app, request("OPTIONS", "/v1/persons"), "").await;
    assert_eq!(all.header("accept-post"), Some("application/json"));
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let get = get(&app(finding_ada()), V1).await;
    let head = send(&app(finding_ada()), request("HEAD", V1), "").await;
    assert_eq!((head.status, head.body.len()), (get.status, 0));
    assert_eq!(head.header("content-length"), Some(&*get.body.len().to_string()));
    assert_eq!(head.header("content-type"), get.header("content-type"));
    let nothing = send(&app(untouched()), request("HEAD", "/nothing"), "").await;
    assert_eq!((nothing.status.as_u16(), nothing.body.len()), (404, 0));
}

#[tokio::test]
async fn another_media_type_is_told_what_is_taken() {
    let app = app(untouched());
    for (method, path, hint, value) in [
        ("POST", "/v1/persons", "accept-post", "application/json"),
        ("PATCH", V1, "accept-patch", "application/json, application/merge-patch+json"),
        ("PUT", V1, "accept", "application/json"),
    ] {
        for media_type in ["text/plain", "application/xml", "application/json; charset=latin1", ""] {
            let answer = send(&app, request(method, path).header("content-type", media_type), "{}").await;
            assert_eq!(
                (answer.status.as_u16(), answer.header(hint)),
                (415, Some(value)),
                "{method} {media_type}"
            );
        }
    }
    send(&app, request("POST", "/v1/persons"), "{}").await.is_problem(415, &[]);
    send(&app, json("POST", "/v1/persons").header("content-encoding", "gzip"), "x")
        .await
        .is_problem(415, &[]);
}

#[tokio::test]
async fn what_is_not_json_is_400_and_what_is_no_object_422() {
    let app = app(untouched());
    let deep = "[".repeat(10_000);
    let malformed: [&[u8]; 9] = [
        b"",
        b"{",
        b"{\"name\":\"a\"} x",
        b"\xff\xfe",
        b"{\"name\":\"\xff\"}",
        b"{'a':1}",
        b"nul",
        b"[1,",
        deep.as_bytes(),
    ];
    for body in malformed {
        send(&app, json("POST", "/v1/persons"), body.to_vec()).await.is_problem(400, &[]);
    }
    for body in ["[]", "null", "1", "\"a\"", " [\"Ada\",\"ada@example.com\",36] "] {
        send(&app, json("POST", "/v1/persons"), body).await.is_problem(422, &[("", "type")]);
    }
    let deep = format!("{{\"name\":{deep}}}");
    send(&app, json("POST", "/v1/persons"), deep).await.is_problem(422, &[("name", "type")]);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_413_declared_or_not() {
    let mut config = HttpConfig::default();
    config.limits.body_bytes = 1024;
    let app = public(&config, &services(untouched()));
    let big = "x".repeat(1025);
    send(&app, json("POST", "/v1/persons"), big.clone()).await.is_problem(413, &[]);
    let declared = json("POST", "/v1/persons").header("content-length", "1000000000");
    let answer = send(&app, declared, "").await;
    answer.is_problem(413, &[]);
    assert_eq!(answer.header("connection"), Some("close"));
}

#[tokio::test]
async fn liveness_is_one_word() {
    for app in [app(untouched()), monitor(&HttpConfig::default(), &services(untouched()))] {
        let answer = get(&app, "/mon/ping").await;
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"pong"[..]));
    }
}

#[tokio::test]
async fn health_is_503_only_if_something_required_is_missing() {
    for (required, result, code, status) in [
        (true, Ok("reachable"), 200, "ok"),
        (false, Err("secret"), 200, "degraded"),
        (true, Err("secret"), 503, "down"),
    ] {
        let answer = monitored(probe(required, result), "/health").await;
        let body = answer.json();
        assert_eq!((answer.status.as_u16(), &body["status"]), (code, &Value::from(status)));
        assert_eq!(body["checks"][0]["name"], "db");
        assert!(body["checks"][0]["duration_ms"].is_number());
        assert_eq!(
            (&body["name"], &body["version"], &body["revision"]),
            (&"plinth".into(), &"1.2.3".into(), &"abc".into())
        );
        assert!(!body.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn the_internal_listener_has_single_checks_and_figures() {
    let down = || probe(true, Err("secret"));
    assert_eq!(monitored(down(), "/mon/checks").await.body, r#"{"checks":["db"]}"#);
    assert_eq!(monitored(down(), "/mon/checks/db").await.status, 503);
    assert_eq!(monitored(probe(true, Ok("fine")), "/mon/checks/db").await.json()["detail"], "fine");
    monitored(down(), "/mon/checks/nonsense").await.is_problem(404, &[]);
    assert_eq!(monitored(down(), "/metrics").await.body, "figures");
    monitored(down(), "/v1/persons").await.is_problem(404, &[]);
}
