//! The end of life of a route: one declaration, told in headers, in the document and in the metrics.

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Deprecation {
    /// Since when, in seconds since 1970.
    pub(crate) since: i64,
    /// From when it may be gone, in seconds since 1970.
    pub(crate) sunset: i64,
    /// What to use instead. The path may have the parameters of the deprecated one.
    pub(crate) successor: (Method, &'static str),
}

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");
const X_DEPRECATED: HeaderName = HeaderName::from_static("x-deprecated");

impl Deprecation {
    /// `X-Deprecated` for humans, `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link` to the successor (RFC 5829),
    /// its path filled in by `fill`.
    pub(super) fn tell(&self, headers: &mut HeaderMap, fill: impl FnOnce(&str) -> String) {
        let successor = fill(self.successor.1);
        for (name, value) in [
            (X_DEPRECATED, format!("use {} {successor}", self.successor.0)),
            (DEPRECATION, format!("@{}", self.since)),
            (SUNSET, instant(self.sunset).format("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            (header::LINK, format!("<{successor}>; rel=\"successor-version\"")),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.append(name, value);
            }
        }
    }

    /// A sentence for the OpenAPI document.
    pub(super) fn note(&self) -> String {
        let day = |seconds| instant(seconds).format("%Y-%m-%d").to_string();
        let (method, path) = &self.successor;
        format!(
            "Deprecated since {}, may be gone from {}: use `{method} {path}`.",
            day(self.since),
            day(self.sunset)
        )
    }

    /// The headers above, for the OpenAPI document.
    pub(super) const HEADERS: [(&str, &str); 4] = [
        ("X-Deprecated", "What to use instead."),
        ("Deprecation", "Since when the operation is deprecated: `@` and seconds since 1970 (RFC 9745)."),
        ("Sunset", "From when the operation may be gone (RFC 8594)."),
        ("Link", "The operation to use instead, `rel=\"successor-version\"` (RFC 5829)."),
    ];
}

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}
