//! What a request may not exceed. The limits lie below hyper's own, so that the answer has a body; what hyper itself
//! cannot read gets its bare 400, 414 or 431.

use crate::{
    call::Call,
    problem::{ApiError, Kind},
};
use http::{Version, header};

/// 414, 431, or 400 for a request that does not say which host it is for.
pub(super) fn check(call: &Call) -> Result<(), ApiError> {
    let limits = &call.edge.config.limits;
    let uri = call.uri.path_and_query().map_or(0, |sent| sent.as_str().len());
    if uri > limits.uri_bytes {
        let detail = format!("path and query must have at most {} bytes", limits.uri_bytes);
        return Err(ApiError::new(Kind::UriTooLong, detail));
    }
    if call.headers.len() > limits.headers {
        let detail = format!("at most {} header fields are taken", limits.headers);
        return Err(ApiError::new(Kind::HeaderTooLarge, detail));
    }
    // As HTTP/2 counts them, without its overhead: name and value.
    let bytes: usize = call.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > limits.header_bytes {
        let detail = format!("header fields must have at most {} bytes together", limits.header_bytes);
        return Err(ApiError::new(Kind::HeaderTooLarge, detail));
    }
    // RFC 9112, section 3.2: a proxy that reads another host than we do is a way around its rules.
    let hosts = call.headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && call.version == Version::HTTP_11) {
        return Err(ApiError::new(Kind::BadRequest, "exactly one header Host is required"));
    }
    Ok(())
}
