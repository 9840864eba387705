//! The edge around a handful of routes.

mod outage;

use super::*;
use crate::{
    HttpConfig,
    problem::{ApiError, Kind},
    reply,
    route::{Declared, Request},
    testing::{self, Answer, ID, get, request, services, untouched},
};
use http::{StatusCode, request::Builder};
use std::time::Duration;
use tokio::time::sleep;

async fn address((): (), request: Request) -> Result<Response, ApiError> {
    Ok(reply::bytes_as(StatusCode::OK, "text/plain", request.url("/here")))
}

async fn text(length: usize, _: Request) -> Result<Response, ApiError> {
    Ok(reply::bytes_as(StatusCode::OK, "text/plain", "x".repeat(length)))
}

async fn tagged((): (), _: Request) -> Result<Response, ApiError> {
    let response = reply::bytes_as(StatusCode::OK, "text/plain", "x".repeat(4000));
    Ok(reply::with_header(response, http::header::ETAG, "\"1\""))
}

async fn panicking((): (), _: Request) -> Result<Response, ApiError> {
    panic!("for the test")
}

async fn slow(wait: Duration, _: Request) -> Result<Response, ApiError> {
    sleep(wait).await;
    Ok(reply::no_content())
}

async fn down((): (), _: Request) -> Result<Response, ApiError> {
    Err(ApiError::unavailable("the database is not available").with_source("for the test"))
}

async fn failing((): (), _: Request) -> Result<Response, ApiError> {
    Err(ApiError::new(Kind::Conflict, "no"))
}

fn app(change: impl FnOnce(&mut HttpConfig)) -> App {
    let mut config = HttpConfig::default();
    change(&mut config);
    logging(config, services(untouched()).log)
}

fn logging(config: HttpConfig, log: slog::Logger) -> App {
    let services = services(untouched());
    let routes = vec![
        Route::page("/address", (), address),
        Route::page("/short", 1024_usize, text),
        Route::page("/long", 1025_usize, text),
        Route::page("/tagged", (), tagged),
        Route::page("/panic", (), panicking),
        Route::page("/slow", Duration::from_secs(60), slow),
        Route::page("/failing", (), failing),
        Route::page("/down", (), down),
        Declared::page("/always", address).always().with(()),
    ];
    App::new(Edge::new(&config, services.ids, services.clock, log), routes)
}

fn plain() -> App {
    app(|_| ())
}

async fn send(app: &App, request: Builder) -> Answer {
    testing::send(app, request, "").await
}

fn proxied(config: &mut HttpConfig) {
    config.trusted_proxies = vec!["192.0.2.0/24".parse().unwrap(), "10.0.0.0/8".parse().unwrap()];
}

#[tokio::test]
async fn every_answer_has_its_id_and_the_security_headers() {
    let app = plain();
    for path in ["/short", "/failing", "/panic", "/nothing", "/always"] {
        let answer = get(&app, path).await;
        assert_eq!(answer.header("x-request-id"), Some(&*ID.0.to_string()), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(
            answer.header("content-security-policy"),
            Some("default-src 'none'; frame-ancestors 'none'")
        );
        assert_eq!(answer.header("server"), None);
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_replaced() {
    let app = plain();
    let long = "a".repeat(129);
    for (sent, kept) in [("svc:1.2_x", true), ("a b", false), ("é", false), (&*long, false), ("", false)] {
        let answer = send(&app, request("GET", "/short").header("x-request-id", sent)).await;
        assert_eq!(answer.header("x-request-id") == Some(sent), kept, "{sent}");
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_with_the_request_id() {
    let answer = send(&plain(), request("GET", "/panic").header("x-request-id", "trail")).await;
    answer.is_problem(500, &[]);
    assert_eq!(answer.header("x-request-id"), Some("trail"));
    assert!(!String::from_utf8_lossy(&answer.body).contains("for the test"));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_waiting_and_not_the_work() {
    let app = app(|config| config.timeouts.handler = Duration::from_secs(5));
    get(&app, "/slow").await.is_problem(504, &[]);
    assert_eq!(app.gate.at_work(), 1);
    app.drained().await;
    assert_eq!(app.gate.at_work(), 0);
}

/// An app that is busy with its one request for a minute.
async fn busy(change: impl FnOnce(&mut HttpConfig)) -> App {
    let app = app(|config| {
        config.limits.in_flight = 1;
        change(config);
    });
    tokio::spawn({
        let app = app.clone();
        async move { get(&app, "/slow").await }
    });
    while app.gate.at_work() == 0 {
        tokio::task::yield_now().await;
    }
    app
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_waits_a_while_and_is_shed_then() {
    let app = busy(|_| ()).await;
    let asked = tokio::time::Instant::now();
    let shed = get(&app, "/short").await;
    shed.is_problem(503, &[]);
    assert_eq!((shed.header("retry-after"), asked.elapsed().as_millis() / 100), (Some("1"), 5));
    assert_eq!(get(&app, "/always").await.status, 200);
    app.drained().await;
    assert_eq!(get(&app, "/short").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn who_waits_long_enough_is_answered() {
    let app = busy(|config| config.timeouts.queue = Duration::from_secs(120)).await;
    assert_eq!(get(&app, "/short").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_sheds_at_once() {
    let app = busy(|config| config.limits.queued = 0).await;
    let asked = tokio::time::Instant::now();
    get(&app, "/short").await.is_problem(503, &[]);
    assert_eq!(asked.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_does_not_cut_the_work() {
    let app = plain();
    let call = tokio::time::timeout(Duration::from_secs(1), get(&app, "/slow"));
    assert!(call.await.is_err());
    assert_eq!(app.gate.at_work(), 1);
}

#[tokio::test]
async fn what_exceeds_a_limit_is_refused_with_a_body() {
    let app = plain();
    get(&app, &format!("/short?{}", "a".repeat(8 * 1024))).await.is_problem(414, &[]);
    send(&app, request("GET", "/short").header("x-big", "a".repeat(32 * 1024))).await.is_problem(431, &[]);
    let many = (0..64).fold(request("GET", "/short"), |r, i| r.header(format!("x-{i}"), "1"));
    send(&app, many).await.is_problem(431, &[]);
}

#[tokio::test]
async fn exactly_one_host_is_wanted() {
    let app = plain();
    send(&app, request("GET", "/short").header("host", "b.test")).await.is_problem(400, &[]);
    send(&app, http::Request::get("/short")).await.is_problem(400, &[]);
    let old = http::Request::get("/address").version(http::Version::HTTP_10);
    assert_eq!(send(&app, old).await.body, "/here");
}

#[tokio::test]
async fn a_host_that_is_none_is_400_wherever_it_stands() {
    let app = plain();
    for host in ["a b", "<script>", "a/b", "u@h", "u:p@h", "é"] {
        let request = http::Request::get("/address").header("host", host);
        send(&app, request).await.is_problem(400, &[]);
    }
    send(&app, request("GET", "http://u:p@evil.test/address")).await.is_problem(400, &[]);
    let multiplexed = http::Request::get("http://u@evil.test/address").version(http::Version::HTTP_2);
    send(&app, multiplexed).await.is_problem(400, &[]);
    assert_eq!(send(&app, request("GET", "http://b.test:1/address")).await.body, "http://b.test:1/here");
}

#[tokio::test]
async fn the_root_path_may_be_there_or_not() {
    let app = app(|config| config.root_path = "/api".to_owned());
    for path in ["/address", "/api/address", "/api/address?x=1"] {
        assert_eq!(get(&app, path).await.body, "http://api.test/api/here", "{path}");
    }
    for path in ["/apiaddress", "/api", "/api?x", "/api/api/address", "/API/address"] {
        get(&app, path).await.is_problem(404, &[]);
    }
    assert_eq!(get(&app, "/nothing").await.json()["instance"], "/api/nothing");
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed() {
    let forwarded = || {
        request("GET", "/address")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "evil.test, shop.test")
    };
    assert_eq!(send(&plain(), forwarded()).await.body, "http://api.test/here");
    assert_eq!(send(&app(proxied), forwarded()).await.body, "https://shop.test/here");
    let odd = || {
        request("GET", "/address")
            .header("x-forwarded-proto", "javascript")
            .header("x-forwarded-host", "a@b/c")
    };
    assert_eq!(send(&app(proxied), odd()).await.body, "http://api.test/here");
    let fixed = app(|config| config.public_url = Some("https://fixed.test".to_owned()));
    assert_eq!(send(&fixed, forwarded()).await.body, "https://fixed.test/here");
}

#[test]
fn the_client_is_the_rightmost_address_that_is_no_proxy() {
    let mut config = HttpConfig::default();
    proxied(&mut config);
    let services = services(untouched());
    let edge = Edge::new(&config, services.ids, services.clock, services.log);
    let client = |peer: &str, lines: &[&'static str]| {
        let headers =
            lines.iter().map(|line| ("x-forwarded-for".parse().unwrap(), line.parse().unwrap())).collect();
        edge.client(peer.parse().unwrap(), &headers).to_string()
    };
    assert_eq!(client("203.0.113.9", &["198.51.100.1"]), "203.0.113.9", "nobody trusts this peer");
    assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    assert_eq!(client("10.0.0.1", &["1.1.1.1, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
    assert_eq!(client("10.0.0.1", &["1.1.1.1", "198.51.100.1:443"]), "198.51.100.1");
    assert_eq!(client("10.0.0.1", &["[2001:db8::1]:80"]), "2001:db8::1");
    assert_eq!(client("10.0.0.1", &["1.1.1.1, nonsense"]), "10.0.0.1", "nothing behind nonsense is believed");
    assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
}

#[tokio::test]
async fn what_is_long_is_compressed_for_those_who_take_it() {
    let app = plain();
    let asked = async |path, accepted: &str| {
        send(&app, request("GET", path).header("accept-encoding", accepted)).await
    };
    for accepted in ["gzip", "br, GZIP;q=0.5", "*", "gzip;q=1.0, identity;q=0"] {
        let answer = asked("/long", accepted).await;
        assert_eq!(answer.header("content-encoding"), Some("gzip"), "{accepted}");
        assert!(answer.body.len() < 100);
    }
    for accepted in ["", "br", "gzip;q=0", "gzip;q=0, *", "*;q=0", "identity;q=0"] {
        let answer = asked("/long", accepted).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-encoding")), (200, None), "{accepted}");
        assert_eq!(answer.header("vary"), Some("accept-encoding"));
    }
    for path in ["/short", "/tagged", "/failing"] {
        let answer = asked(path, "gzip").await;
        assert_eq!((answer.header("content-encoding"), answer.header("vary")), (None, None), "{path}");
    }
}
