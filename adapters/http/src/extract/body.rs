//! Request bodies: their media type, and their bytes under the limits of size and time.

mod budget;

pub(crate) use budget::Budget;

use crate::{
    call::Call,
    config::Limits,
    problem::{ApiError, Kind},
};
use budget::Buffer;
use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt as _};
use http::{HeaderName, HeaderValue, Method, header};
use std::pin::Pin;
use tokio::time::timeout;

/// A body as it comes.
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, warp::Error>> + Send>>;

const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// Bytes of a form beside the file in it: boundaries and headers of parts.
const FORM: usize = 16 * 1024;

/// What warp hands out.
pub(crate) fn chunks<B: Buf>(body: impl Stream<Item = Result<B, warp::Error>> + Send + 'static) -> Chunks {
    Box::pin(body.map(|chunk| chunk.map(|mut chunk| chunk.copy_to_bytes(chunk.remaining()))))
}

/// 415 unless the body is of one of `media_types`, in UTF-8 and not compressed.
pub(crate) fn check_media_type(call: &Call, media_types: &[String]) -> Result<(), ApiError> {
    let is_right = |value: &str| {
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let known = media_types.iter().any(|media_type| media_type.eq_ignore_ascii_case(essence));
        let mut charsets = parts
            .filter_map(|part| part.split_once('='))
            .filter(|(name, _)| name.eq_ignore_ascii_case("charset"));
        known && charsets.all(|(_, charset)| charset.trim_matches('"').eq_ignore_ascii_case("utf-8"))
    };
    let names = media_types.join(", ");
    if !call.header(header::CONTENT_TYPE).is_some_and(is_right) {
        let error = ApiError::new(Kind::UnsupportedMediaType, format!("the body must be {names}, in UTF-8"));
        return Err(match hint(&call.method, media_types) {
            Some((name, value)) => error.with_header(name, value),
            None => error,
        });
    }
    // hyper takes off `chunked` and knows no other transfer coding.
    if every(call, header::CONTENT_ENCODING, b"identity")
        && every(call, header::TRANSFER_ENCODING, b"chunked")
    {
        return Ok(());
    }
    Err(ApiError::new(Kind::UnsupportedMediaType, "the body must not be compressed")
        .with_header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity")))
}

/// Whether every line of the header `name` is this `coding` alone.
fn every(call: &Call, name: HeaderName, coding: &[u8]) -> bool {
    call.headers.get_all(name).iter().all(|line| line.as_bytes().trim_ascii().eq_ignore_ascii_case(coding))
}

/// The header that tells which bodies `method` takes: `Accept-Post` (LDP), `Accept-Patch` (RFC 5789), or `Accept`
/// (RFC 9110, section 15.5.16).
pub(crate) fn hint(method: &Method, media_types: &[String]) -> Option<(HeaderName, HeaderValue)> {
    let name = match *method {
        Method::POST => ACCEPT_POST,
        Method::PATCH => ACCEPT_PATCH,
        _ => header::ACCEPT,
    };
    let value = HeaderValue::try_from(media_types.join(", ")).ok()?;
    (!media_types.is_empty()).then_some((name, value))
}

/// The most bytes of a form with a file in it.
pub(crate) fn upload(limits: &Limits) -> usize {
    limits.upload_bytes.saturating_add(FORM)
}

/// The whole body: 413 as soon as it is too long, declared so or not, 408 if it is not there in time, 503 if all bodies
/// together are too long.
pub(crate) async fn read(call: &Call, body: Chunks, limit: usize) -> Result<Bytes, ApiError> {
    let declared = call.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    match timeout(call.edge.config.timeouts.body, collect(body, call.edge.bodies.buffer(limit))).await {
        Ok(result) => result,
        Err(_) => Err(closing(ApiError::new(Kind::BodyTimeout, "the body did not arrive in time"))),
    }
}

async fn collect(mut body: Chunks, mut all: Buffer<'_>) -> Result<Bytes, ApiError> {
    while let Some(chunk) = body.next().await {
        let chunk = chunk
            .map_err(|_| closing(ApiError::new(Kind::BadRequest, "the body is cut off or malformed")))?;
        all.push(&chunk).await?;
    }
    Ok(all.into_bytes())
}

/// 413.
pub(super) fn too_large(limit: usize) -> ApiError {
    closing(ApiError::new(Kind::BodyTooLarge, format!("the body must have at most {limit} bytes")))
}

/// The rest of the body is not read, so the connection is of no more use (HTTP/2 ends the stream alone).
fn closing(error: ApiError) -> ApiError {
    error.with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

#[cfg(test)]
mod tests;
