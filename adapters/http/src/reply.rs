//! Answers: JSON, text, nothing.

use crate::route::Response;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use http::{HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer};

/// 200 with `body` as JSON.
pub(crate) fn json(body: &impl Serialize) -> Response {
    json_as(StatusCode::OK, "application/json", body)
}

/// `status` with `body` as JSON of this media type.
pub(crate) fn json_as(status: StatusCode, media_type: &'static str, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(bytes) => bytes_as(status, media_type, bytes),
        // Our bodies have text for keys and no serializer of their own that can fail.
        Err(_) => bytes_as(StatusCode::INTERNAL_SERVER_ERROR, "application/problem+json", "{}"),
    }
}

/// `status` with these bytes.
pub(crate) fn bytes_as(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body.into().into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// 204.
pub(crate) fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// 304.
pub(crate) fn not_modified() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

/// The same answer with a header, unless `value` cannot stand in one.
pub(crate) fn with_header(mut response: Response, name: http::HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::try_from(value) {
        response.headers_mut().insert(name, value);
    }
    response
}

/// 201 with `body` as JSON, and where it is to be found.
pub(crate) fn created(location: &str, body: &impl Serialize) -> Response {
    let response = json_as(StatusCode::CREATED, "application/json", body);
    with_header(response, header::LOCATION, location)
}

/// 202 with `body` as JSON, and where to see how it goes on.
pub(crate) fn accepted(location: &str, body: &impl Serialize) -> Response {
    let response = json_as(StatusCode::ACCEPTED, "application/json", body);
    with_header(response, header::LOCATION, location)
}

/// An instant as RFC 3339 in UTC, always with microseconds, so that texts sort like instants.
pub(crate) struct Instant(pub(crate) DateTime<Utc>);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}
