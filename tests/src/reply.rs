//! What came back, and matchers for it. A matcher that does not match fails the test and shows the whole reply.

use reqwest::header::HeaderMap;
use serde_json::Value;
use std::fmt;

/// One answer, read to its end.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
    request: String,
}

impl Reply {
    pub(crate) async fn read(method: &str, path: &str, reply: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        let body = reply.bytes().await?.to_vec();
        Ok(Self { status, headers, body, request: format!("{method} {path}") })
    }

    #[cfg(test)]
    pub(crate) fn made(status: u16, media_type: &'static str, body: &str) -> Self {
        let content_type = reqwest::header::HeaderValue::from_static(media_type);
        let headers = [(reqwest::header::CONTENT_TYPE, content_type)].into_iter().collect();
        Self { status, headers, body: body.as_bytes().to_vec(), request: "made up".to_owned() }
    }

    /// The status must be this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// The body is a problem (RFC 9457) with everything that ours always have.
    #[track_caller]
    pub fn problem(self) -> Self {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self}");
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"), "{self}");
        for member in ["type", "title", "instance"] {
            assert!(problem[member].is_string(), "no `{member}`: {self}");
        }
        self
    }

    /// The field errors of a problem name exactly these fields, in any order.
    #[track_caller]
    pub fn fields(self, fields: &[&str]) -> Self {
        let errors = self.json()["errors"].as_array().cloned().unwrap_or_default();
        let mut named: Vec<String> =
            errors.iter().filter_map(|e| e["field"].as_str().map(Into::into)).collect();
        named.sort();
        assert_eq!(named, fields, "{self}");
        for error in errors {
            assert!(error["code"].is_string() && error["message"].is_string(), "{self}");
        }
        self
    }

    /// The text of a problem for people says this word.
    #[track_caller]
    pub fn says(self, word: &str) -> Self {
        let problem = self.json();
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(word)), "{self}");
        self
    }

    /// A header, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header that must be there.
    #[track_caller]
    pub fn required(&self, name: &str) -> &str {
        self.header(name).unwrap_or_else(|| panic!("no header `{name}`: {self}"))
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} answered {}", self.request, self.status)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        write!(f, "\n{}", self.text())
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
