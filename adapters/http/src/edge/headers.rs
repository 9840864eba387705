//! The headers of every answer.

use application::RequestId;
use http::{HeaderMap, HeaderName, HeaderValue, header};

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// An API's answers are not pages: nothing may be loaded, and nobody may frame them. A response that is a page brings
/// its own policy.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// The request id, and what keeps browsers from doing with an answer what was not meant.
pub(super) fn complete(headers: &mut HeaderMap, id: &RequestId) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
    }
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(X_REQUEST_ID, id);
    }
}
