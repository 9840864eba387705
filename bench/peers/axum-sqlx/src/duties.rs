//! What ours does for every request too: a request id, a JSON line in the access log, metrics, security headers.

use axum::{
    Router,
    extract::{ConnectInfo, MatchedPath, Request},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::Response,
    routing::get,
};
use metrics_exporter_prometheus::PrometheusBuilder;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tower::ServiceBuilder;
use tower_http::request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer};
use uuid::Uuid;

const SECURITY: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
];

const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// `routes` and `/metrics`, with all duties.
pub fn add(routes: Router) -> Result<Router, Box<dyn std::error::Error>> {
    let metrics = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
    let kept = metrics.clone();
    tokio::spawn(async move {
        // Until then every value of a histogram is kept on its own.
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            kept.run_upkeep();
        }
    });
    let (out, guard) = tracing_appender::non_blocking(std::io::stdout());
    // The writer lives as long as the process.
    std::mem::forget(guard);
    tracing_subscriber::fmt().json().flatten_event(true).with_writer(out).init();
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::x_request_id(Version7))
        .layer(middleware::from_fn(observe))
        .layer(PropagateRequestIdLayer::x_request_id());
    Ok(routes.route("/metrics", get(async move || metrics.render())).layer(layers))
}

#[derive(Clone)]
struct Version7;

impl MakeRequestId for Version7 {
    fn make_request_id<B>(&mut self, _: &axum::http::Request<B>) -> Option<RequestId> {
        HeaderValue::try_from(Uuid::now_v7().to_string()).ok().map(RequestId::new)
    }
}

async fn observe(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    for (name, value) in SECURITY {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let (took, status) = (start.elapsed(), response.status().as_u16());
    let route = route.as_ref().map_or("", |route| route.as_str()).to_owned();
    let labels = [("method", method.to_string()), ("route", route.clone()), ("status", status.to_string())];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_duration_seconds", &labels).record(took);
    if route != "/mon/ping" {
        let bytes = axum::body::HttpBody::size_hint(response.body()).exact();
        let request_id = id.as_ref().and_then(|id| id.header_value().to_str().ok());
        tracing::info!(
            request_id,
            method = method.as_str(),
            path,
            route,
            status,
            duration_us = took.as_micros() as u64,
            bytes,
            peer = %peer.ip(),
            "request"
        );
    }
    response
}
