//! Forms with a file in them (`multipart/form-data`, RFC 7578): one part, called `file`.

use super::shorten::shorten;
use crate::{
    problem::{ApiError, Kind},
    route::Request,
};
use application::FileChunks;
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::header;
use multer::{Field, Multipart};
use std::convert::Infallible;
use tokio::task::yield_now;

/// A file.
#[derive(Debug)]
pub(crate) struct Uploaded {
    /// Without a path.
    pub(crate) name: String,
    /// Its bytes.
    pub(crate) chunks: FileChunks,
}

/// The one part.
const PART: &str = "file";
/// Bytes that are looked at in one go: a buffer of the parser is about as long, and other requests come between.
const PIECE: usize = 64 * 1024;
/// Of a boundary (RFC 2046, section 5.1.1).
const MAX_BOUNDARY: usize = 70;

/// The file in the body: 400 for what is no form, 413 for a file that is too long, 422 for another part, or none, or an
/// empty file.
pub(crate) async fn upload(request: &Request) -> Result<Uploaded, ApiError> {
    let limit = request.call().edge.config.limits.upload_bytes;
    let mut form = Multipart::new(pieces(request.body().clone()), boundary(request)?);
    let mut found = None;
    while let Some(part) = form.next_field().await.map_err(malformed)? {
        match part.name() {
            Some(PART) if found.is_some() => {
                return Err(ApiError::field(PART, "duplicate", "must occur only once"));
            }
            Some(PART) => {}
            other => {
                let name = shorten(other.unwrap_or_default());
                return Err(ApiError::field(name, "unknown", format!("is not known here; expected {PART}")));
            }
        }
        found = Some(file(part, limit).await?);
    }
    found.ok_or_else(|| ApiError::field(PART, "required", "is required"))
}

fn boundary(request: &Request) -> Result<String, ApiError> {
    let content_type = request.call().header(header::CONTENT_TYPE).unwrap_or_default();
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    if (1..=MAX_BOUNDARY).contains(&boundary.len()) {
        return Ok(boundary);
    }
    let detail = format!("the boundary of the form must have 1 to {MAX_BOUNDARY} characters");
    Err(ApiError::new(Kind::BadRequest, detail))
}

fn pieces(body: Bytes) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold((body, false), |(mut rest, has_begun)| async move {
        if rest.is_empty() {
            return None;
        }
        // Not before the first: the parser takes a body that ends where it finds no boundary yet for one that has none.
        if has_begun {
            yield_now().await;
        }
        let piece = rest.split_to(rest.len().min(PIECE));
        Some((Ok(piece), (rest, true)))
    })
}

async fn file(mut part: Field<'_>, limit: usize) -> Result<Uploaded, ApiError> {
    let Some(name) = part.file_name().map(base_name) else {
        return Err(ApiError::field(PART, "type", "must be a file: its part needs a filename"));
    };
    let (mut chunks, mut length) = (FileChunks::default(), 0);
    while let Some(piece) = part.chunk().await.map_err(malformed)? {
        length += piece.len();
        if length > limit {
            return Err(ApiError::new(
                Kind::BodyTooLarge,
                format!("the file must have at most {limit} bytes"),
            ));
        }
        chunks.append(&piece);
    }
    if length == 0 {
        return Err(ApiError::field(PART, "empty", "must not be empty"));
    }
    Ok(Uploaded { name, chunks })
}

/// What a sender calls its file, without the folders that some send along (RFC 7578, section 4.2).
fn base_name(raw: &str) -> String {
    raw.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}

fn malformed(error: multer::Error) -> ApiError {
    ApiError::new(
        Kind::BadRequest,
        format!("the body is not a well-formed form: {}", shorten(&error.to_string())),
    )
}

#[cfg(test)]
mod tests;
