//! On whose behalf something happens. Always the first argument, named `ctx`, never stored.

use std::{fmt, sync::Arc};

/// What every use case is told besides its input.
#[derive(Debug, Clone)]
pub struct Context {
    /// The trail from a request to everything that it causes.
    pub request_id: RequestId,
    /// Writes the request id into every line.
    pub log: slog::Logger,
}

/// Names one request in its response, its log lines and its error report: 1 to 128 of `A-Z a-z 0-9 . _ : -`. Whatever
/// a caller sends beyond that is not taken over, since it would be written into logs and headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// In characters.
    pub const MAX_LENGTH: usize = 128;

    /// `None` unless sane; see the type.
    pub fn parse(raw: &str) -> Option<Self> {
        let sane = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
        (!raw.is_empty() && raw.len() <= Self::MAX_LENGTH && raw.bytes().all(sane)).then(|| Self(raw.into()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<uuid::Uuid> for RequestId {
    fn from(id: uuid::Uuid) -> Self {
        Self(Arc::from(&*id.as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer())))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insane_request_id_is_refused() {
        for sane in ["a", "0190b6f0-0000-7000-8000-000000000000", "svc:1.2_x"] {
            assert_eq!(RequestId::parse(sane).unwrap().as_str(), sane);
        }
        let long = "a".repeat(129);
        for insane in ["", "a b", "a\nb", "é", "<script>", long.as_str()] {
            assert_eq!(RequestId::parse(insane), None, "{insane:?}");
        }
    }
}
