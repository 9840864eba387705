//! Compression of answers that gain from it.

use super::body::Body;
use crate::{events::EVENT_STREAM, route::Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body::Body as _;
use std::{convert::Infallible, future::ready};
use tower::{Service as _, service_fn};
use tower_http::compression::Compression;

/// In bytes. Below, a packet is not saved.
const WORTH_IT: u64 = 1024;

/// `response`, compressed if the client takes it so and it is worth it; with `Vary` if another client would get it
/// otherwise.
pub(super) async fn compress(mut response: Response, request: &HeaderMap) -> http::Response<Body> {
    if !is_worth_it(&response) {
        return response.map(Body::plain);
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !is_wanted(request) {
        return response.map(Body::plain);
    }
    let mut asked = http::Request::new(());
    asked.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
    // tower-http compresses the answers of a service; ours is there already.
    let mut response = Some(response);
    let service =
        service_fn(|_: http::Request<()>| ready(Ok::<_, Infallible>(response.take().unwrap_or_default())));
    match Compression::new(service).call(asked).await {
        Ok(response) => response.map(Body::compressed),
        Err(never) => match never {},
    }
}

/// Long enough, of a type that is text, and not bound to its exact bytes: a strong entity tag names the uncompressed
/// representation alone (RFC 9110, section 8.8.3). A stream of events must not wait in a compressor.
fn is_worth_it(response: &Response) -> bool {
    if response.body().size_hint().exact().is_some_and(|length| length <= WORTH_IT) {
        return false;
    }
    let headers = response.headers();
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = text(header::CONTENT_TYPE).split(';').next().unwrap_or_default();
    let is_text = matches!(media_type, "application/json" | "application/problem+json" | "image/svg+xml")
        || (media_type.starts_with("text/") && media_type != EVENT_STREAM);
    let is_exact = headers.get(header::ETAG).is_some_and(|tag| !tag.as_bytes().starts_with(b"W/"));
    is_text
        && !is_exact
        && response.status() != StatusCode::NO_CONTENT
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
}

/// Whether `Accept-Encoding` names gzip, or anything, with a weight above 0 (RFC 9110, section 12.5.3).
fn is_wanted(request: &HeaderMap) -> bool {
    let lines = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut any = false;
    for item in lines.flat_map(|line| line.split(',')) {
        let (coding, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = parameters.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
        let taken = weight.is_none_or(|q| q > 0.0);
        match coding.trim() {
            gzip if gzip.eq_ignore_ascii_case("gzip") || gzip.eq_ignore_ascii_case("x-gzip") => return taken,
            "*" => any = taken,
            _ => {}
        }
    }
    any
}
