//! What every listener answers: liveness and health.

use crate::{
    Build, Services,
    problem::ApiError,
    reply,
    route::{Declared, Facts, Request, Response, Route},
};
use application::{Check, Health, HealthController, HealthStatus};
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

/// The routes.
pub(crate) fn routes(services: &Services) -> Vec<Route> {
    vec![live().with(()), ready().with((services.health.clone(), services.build))]
}

/// The same without their state.
pub(crate) fn declared() -> Vec<Facts> {
    vec![live().into_facts(), ready().into_facts()]
}

fn live() -> Declared<()> {
    Declared::page("/mon/ping", ping).quiet().always()
}

fn ready() -> Declared<(Arc<HealthController>, Build)> {
    Declared::page("/health", health).quiet()
}

/// Liveness: the process answers. It asks nothing of anybody, so that no outage elsewhere gets this process restarted.
async fn ping((): (), _: Request) -> Result<Response, ApiError> {
    Ok(reply::bytes_as(StatusCode::OK, "text/plain; charset=utf-8", "pong"))
}

/// Readiness: 503 while something required is missing.
async fn health((health, build): (Arc<HealthController>, Build), _: Request) -> Result<Response, ApiError> {
    let Health { status, checks } = health.report().await;
    let body = HealthBody {
        name: build.name,
        version: build.version,
        revision: build.revision,
        status: word(status),
        checks: checks.iter().map(CheckBody::from).collect(),
    };
    let code = if status == HealthStatus::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok(reply::json_as(code, "application/json", &body))
}

#[derive(Serialize)]
struct HealthBody<'a> {
    name: &'a str,
    version: &'a str,
    revision: &'a str,
    status: &'a str,
    checks: Vec<CheckBody<'a>>,
}

/// The verdict of one probe.
#[derive(Serialize)]
pub(crate) struct CheckBody<'a> {
    name: &'a str,
    status: &'a str,
    detail: &'a str,
    duration_ms: f64,
}

impl<'a> From<&'a Check> for CheckBody<'a> {
    fn from(check: &'a Check) -> Self {
        let status = word(check.status.into());
        let duration_ms = check.duration.as_micros() as f64 / 1000.0;
        Self { name: check.name, status, detail: &check.detail, duration_ms }
    }
}

fn word(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Ok => "ok",
        HealthStatus::Degraded => "degraded",
        HealthStatus::Down => "down",
    }
}
