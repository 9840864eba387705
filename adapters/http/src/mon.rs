//! What only the internal listener answers: single checks and metrics.

use crate::{
    Services,
    health::CheckBody,
    problem::{ApiError, Dialect, Kind},
    reply,
    route::{Declared, Request, Response, Route},
};
use application::{CheckStatus, HealthController};
use http::StatusCode;
use serde::Serialize;
use std::sync::Arc;

type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// The routes.
pub(crate) fn routes(services: &Services) -> Vec<Route> {
    vec![
        Declared::page("/mon/checks", checks).quiet().with(services.health.clone()),
        Declared::page("/mon/checks/{name}", check).quiet().with(services.health.clone()),
        Declared::page("/metrics", metrics).quiet().with(services.metrics.clone()),
    ]
}

#[derive(Serialize)]
struct Checks {
    checks: Vec<&'static str>,
}

/// The names of all checks.
async fn checks(health: Arc<HealthController>, _: Request) -> Result<Response, ApiError> {
    Ok(reply::json(&Checks { checks: health.names().collect() }))
}

/// One check, run now; 503 if it fails and is required.
async fn check(health: Arc<HealthController>, request: Request) -> Result<Response, ApiError> {
    const DIALECT: Dialect = Dialect { field: |field| field, stale: Kind::Conflict };
    let found = health.check(request.param("name")).await;
    let check = found.map_err(|error| ApiError::from_application(error, &DIALECT))?;
    let code =
        if check.status == CheckStatus::Down { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    Ok(reply::json_as(code, "application/json", &CheckBody::from(&check)))
}

/// Every figure, in Prometheus' text format.
async fn metrics(metrics: Metrics, _: Request) -> Result<Response, ApiError> {
    Ok(reply::bytes_as(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics()))
}
