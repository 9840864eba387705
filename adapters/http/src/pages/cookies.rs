//! The two cookies of the pages. They are for these pages alone, and no script reads them.

use crate::call::Call;
use http::{HeaderMap, HeaderValue, header};

/// The value of the cookie `name`.
pub(super) fn get<'c>(call: &'c Call, name: &str) -> Option<&'c str> {
    let lines = call.headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// Has the browser keep `name` until it is closed, or for `seconds`; forget it for 0. Under the root path too, since the
/// internal listener answers with and without it, and a browser sends a cookie back only below its path.
pub(super) fn set(call: &Call, headers: &mut HeaderMap, name: &str, value: &str, seconds: Option<u32>) {
    let root = call.root_path();
    let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
    for root in [""].into_iter().chain((!root.is_empty()).then_some(root)) {
        let cookie = format!("{name}={value}; Path={root}/mon{age}; HttpOnly; SameSite=Strict");
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}
