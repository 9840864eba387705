//! What every answer has, whichever route gave it.

use flate2::read::GzDecoder;
use plinth_tests::{Raw, Reply, Setup, on_both_stacks, on_sqlite, person};
use serde_json::json;
use std::{collections::HashSet, io::Read};

on_both_stacks!(
    head_is_get_without_its_body,
    options_tell_what_is_allowed,
    every_answer_has_a_request_id_of_its_own,
    a_sane_request_id_is_kept,
    an_insane_request_id_is_replaced,
);
on_sqlite!(
    long_answers_are_compressed_for_those_who_ask,
    every_answer_is_guarded_by_its_headers,
    http_2_is_spoken,
    a_connection_serves_many_requests,
);

async fn head_is_get_without_its_body(setup: Setup) {
    let app = setup.start().await;
    let made = app.person(&person(json!({}))).await;
    let url = format!("/v1/persons/{}", made["id"].as_str().expect("an id"));
    for (path, status) in [
        ("/v1/persons", 200),
        (url.as_str(), 200),
        ("/v1/persons?limit=0", 422),
        ("/nowhere", 404),
        ("/health", 200),
    ] {
        let get = app.get(path).await.expect(status);
        let head = app.client.request("HEAD", path).undocumented().await.expect(status);
        assert!(head.body.is_empty(), "{head}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{head}");
    }
}

async fn options_tell_what_is_allowed(setup: Setup) {
    let app = setup.start().await;
    let options = app.client.request("OPTIONS", "/v1/persons").await.expect(204);
    assert_eq!(options.required("allow"), "GET, POST, HEAD, OPTIONS");
    let id = "0190b6f0-0000-7000-8000-000000000000";
    let options = app.client.request("OPTIONS", &format!("/v2/persons/{id}")).await.expect(204);
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        assert!(options.required("allow").contains(method), "{options}");
    }
    assert!(options.required("accept-patch").contains("application/merge-patch+json"), "RFC 5789: {options}");
}

async fn every_answer_has_a_request_id_of_its_own(setup: Setup) {
    let app = setup.start().await;
    let mut ids = HashSet::new();
    for (path, status) in [
        ("/v1/persons", 200),
        ("/v1/persons", 200),
        ("/v1/persons/nobody", 400),
        ("/nowhere", 404),
        ("/health", 200),
        ("/mon/ping", 200),
        ("/doc/", 200),
    ] {
        let reply = app.get(path).await.expect(status);
        assert!(ids.insert(reply.required("x-request-id").to_owned()), "{reply}");
    }
    let refused = app.client.request("BREW", "/v1/persons").await.expect(405);
    assert!(ids.insert(refused.required("x-request-id").to_owned()));
}

async fn a_sane_request_id_is_kept(setup: Setup) {
    let app = setup.start().await;
    for id in ["svc:1.2_x-Y", &"a".repeat(128)] {
        let reply = app.get("/v1/persons").header("x-request-id", id).await.expect(200);
        assert_eq!(reply.required("x-request-id"), id);
        let line = app.logged("a line with the request id", |line| line["request_id"] == *id).await;
        assert_eq!(line["request_id"], *id);
        let problem = app.get("/nowhere").header("x-request-id", id).await.expect(404).problem().json();
        assert_eq!(problem["request_id"], *id);
    }
}

async fn an_insane_request_id_is_replaced(setup: Setup) {
    let app = setup.start().await;
    for id in ["", "a b", "<script>", "é", "a,b", "%0d%0a", &"a".repeat(129)] {
        let reply = app.get("/v1/persons").header("x-request-id", id).await.expect(200);
        let given = reply.required("x-request-id");
        assert!(given != id && given.len() == 36, "{reply}");
    }
    let head =
        "GET /nowhere HTTP/1.1\r\nhost: x\r\nx-request-id: a\r\nx-request-id: b\r\nconnection: close\r\n\r\n";
    let answer = Raw::connect(app.client.address()).await.send(head).await.rest().await;
    assert!(answer.contains("x-request-id: ") && !answer.contains("x-request-id: b"), "{answer}");
}

async fn long_answers_are_compressed_for_those_who_ask(setup: Setup) {
    let app = setup.start().await;
    for _ in 0..20 {
        app.person(&person(json!({}))).await;
    }
    let plain = app.get("/v1/persons").await.expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    assert!(plain.required("vary").to_lowercase().contains("accept-encoding"), "{plain}");
    let packed = app.get("/v1/persons").undocumented().header("accept-encoding", "gzip").await.expect(200);
    assert_eq!(packed.required("content-encoding"), "gzip");
    assert!(packed.body.len() < plain.body.len() / 2);
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.body.as_slice()).read_to_end(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain.body);
    let refused = app.get("/v1/persons").header("accept-encoding", "gzip;q=0").await.expect(200);
    assert_eq!(refused.header("content-encoding"), None);
}

async fn every_answer_is_guarded_by_its_headers(setup: Setup) {
    let app = setup.start().await;
    let is_guarded = |reply: &Reply| {
        assert_eq!(reply.required("x-content-type-options"), "nosniff", "{reply}");
        assert!(reply.required("content-security-policy").contains("frame-ancestors 'none'"), "{reply}");
        assert!(reply.header("referrer-policy").is_some(), "{reply}");
        assert_eq!((reply.header("server"), reply.header("x-powered-by")), (None, None), "{reply}");
    };
    for path in
        ["/v1/persons", "/v1/persons?limit=0", "/nowhere", "/health", "/mon/ping", "/doc/", "/openapi.json"]
    {
        is_guarded(&app.get(path).await);
    }
    is_guarded(&app.client.request("BREW", "/v1/persons").await);
    is_guarded(&app.get(&format!("/{}", "x".repeat(9000))).await.expect(414));
    is_guarded(&app.monitor.get("/metrics").await.expect(200));
}

async fn http_2_is_spoken(setup: Setup) {
    let app = setup.start().await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut raw = Raw::connect(app.client.address()).await;
    let frame = raw.send(preface).await.exactly(9).await;
    assert_eq!(frame[3], 4, "the first frame is SETTINGS (RFC 9113, section 3.4): {frame:?}");
}

async fn a_connection_serves_many_requests(setup: Setup) {
    let app = setup.start().await;
    let mut raw = Raw::connect(app.client.address()).await;
    // Both at once, as pipelining does: the answers come in order.
    raw.send("GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n").await;
    raw.send("GET /mon/ping HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let answers = raw.rest().await;
    let statuses: Vec<&str> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["404", "200"]);
}
