//! What a request may not exceed. The limits lie below hyper's own, so that the answer has a body; what hyper itself
//! cannot read gets its bare 400, 414 or 431.

use crate::{
    call::Call,
    problem::{ApiError, Kind},
};
use http::{HeaderValue, Version, header};

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
    let sent = call.headers.get(header::HOST).map(HeaderValue::as_bytes);
    let authority = call.authority.as_ref().map(|authority| authority.as_str().as_bytes());
    if !sent.into_iter().chain(authority).all(is_host) {
        return Err(ApiError::new(
            Kind::BadRequest,
            "the host must be a name or an address, and perhaps a port",
        ));
    }
    Ok(())
}

/// `host [ ":" port ]` (RFC 9110, section 7.2; RFC 3986, section 3.2.2), which may be empty. Without a user: a link
/// with one looks as if it led to another host.
fn is_host(text: &[u8]) -> bool {
    let is_port = |rest: &[u8]| {
        rest.is_empty() || rest.strip_prefix(b":").is_some_and(|port| port.iter().all(u8::is_ascii_digit))
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(byte);
    let is_address = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    let split = |text, end| {
        let at = <[u8]>::iter(text).position(|byte| *byte == end);
        <[u8]>::split_at(text, at.unwrap_or(text.len()))
    };
    if let Some(rest) = text.strip_prefix(b"[") {
        let (address, rest) = split(rest, b']');
        return address.iter().all(is_address) && rest.strip_prefix(b"]").is_some_and(is_port);
    }
    let (name, rest) = split(text, b':');
    name.iter().all(is_name) && is_port(rest)
}

#[cfg(test)]
mod tests {
    use super::is_host;

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for right in ["", "a", "api.test:8080", "127.0.0.1", "[::1]", "[2001:db8::1]:1", "x_y", "a:"] {
            assert!(is_host(right.as_bytes()), "{right:?}");
        }
        for wrong in
            ["a b", "<script>", "a/b", "u@h", "u:p@h", "a:x", "a:1:2", "[::1", "[::1]x", "[a@b]", "é"]
        {
            assert!(!is_host(wrong.as_bytes()), "{wrong:?}");
        }
    }
}
