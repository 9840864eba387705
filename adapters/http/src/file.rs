//! A file that is part of the binary, and its answer: the file, or 304 if the client has it already.

use crate::route::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::hash::{DefaultHasher, Hasher as _};

/// Content and the headers that go with it.
pub(crate) struct File {
    content_type: &'static str,
    body: Bytes,
    etag: HeaderValue,
    cache: &'static str,
    policy: Option<&'static str>,
}

const HTML: &str = "text/html; charset=utf-8";
/// Ours: no inline script or style, nothing from another host.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Swagger UI sets style attributes and draws from `data:` URLs; its scripts are files all the same.
const API_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                          connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// May be kept, and is asked for again each time: it changes with the binary.
const REVALIDATE: &str = "no-cache";
/// One year, the longest that RFC 9111 gives a meaning to; the name changes with the content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

impl File {
    /// A page of text; `tag` changes with it.
    pub(crate) fn page(tag: &str, html: impl Into<Bytes>) -> Self {
        Self::new(HTML, tag, html.into(), REVALIDATE, Some(PAGE_POLICY))
    }

    /// A page of Swagger UI.
    pub(crate) fn api_page(html: impl Into<Bytes>) -> Self {
        let html = html.into();
        Self::new(HTML, &hash(&html), html, REVALIDATE, Some(API_POLICY))
    }

    /// An OpenAPI document.
    pub(crate) fn document(json: impl Into<Bytes>) -> Self {
        let json = json.into();
        Self::new("application/json", &hash(&json), json, REVALIDATE, None)
    }

    /// A style sheet, script, picture or index under a name that contains its hash, and is its tag therefore.
    pub(crate) fn asset(name: &str, body: impl Into<Bytes>) -> Self {
        let content_type = match name.rsplit('.').next() {
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("json") => "application/json",
            _ => "application/octet-stream",
        };
        Self::new(content_type, name, body.into(), FOR_EVER, None)
    }

    fn new(
        content_type: &'static str,
        tag: &str,
        body: Bytes,
        cache: &'static str,
        policy: Option<&'static str>,
    ) -> Self {
        // Weak, for the bytes on the wire may be compressed or not (RFC 9110, section 8.8.1).
        let etag =
            HeaderValue::try_from(format!("W/\"{tag}\"")).unwrap_or(HeaderValue::from_static("W/\"\""));
        Self { content_type, body, etag, cache, policy }
    }

    /// The file with `status`, or 304 without a body if `request` names its tag.
    pub(crate) fn answer(&self, status: StatusCode, request: &HeaderMap) -> Response {
        let known = status == StatusCode::OK && self.is_known(request);
        let mut response = Response::new(if known { Bytes::new() } else { self.body.clone() }.into());
        *response.status_mut() = if known { StatusCode::NOT_MODIFIED } else { status };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.cache));
        if status == StatusCode::OK {
            headers.insert(header::ETAG, self.etag.clone());
        }
        if let Some(policy) = self.policy {
            headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
        }
        if !known {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        response
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// RFC 9110, section 13.1.2: a list of tags, compared weakly, or `*`.
    fn is_known(&self, request: &HeaderMap) -> bool {
        let opaque = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
        let own = opaque(self.etag.as_bytes());
        let sent = request.get_all(header::IF_NONE_MATCH);
        sent.iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b','))
            .map(<[u8]>::trim_ascii)
            .any(|tag| tag == b"*" || opaque(tag) == own)
    }
}

/// Names content: not for secrets, but two versions of a file do not share one.
pub(crate) fn hash(content: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    format!("{:016x}", hasher.finish())
}
