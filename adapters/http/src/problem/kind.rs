//! Every kind of problem that this API answers. A further one is a variant and a line.

use http::StatusCode;

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    BadRequest,
    NotFound,
    MethodNotAllowed,
    BodyTimeout,
    Conflict,
    PreconditionFailed,
    BodyTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    Unprocessable,
    PreconditionRequired,
    TooManyRequests,
    HeaderTooLarge,
    Internal,
    Unavailable,
    Deadline,
}

impl Kind {
    /// Its status.
    pub(crate) const fn status(self) -> StatusCode {
        self.facts().0
    }

    /// In words, by the IANA registry of statuses.
    pub(crate) const fn title(self) -> &'static str {
        self.facts().1
    }

    /// The anchor that explains it on the page `doc/errors`.
    pub(crate) const fn slug(self) -> &'static str {
        self.facts().2
    }

    const fn facts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::BadRequest => (S::BAD_REQUEST, "Bad Request", "bad-request"),
            Self::NotFound => (S::NOT_FOUND, "Not Found", "not-found"),
            Self::MethodNotAllowed => (S::METHOD_NOT_ALLOWED, "Method Not Allowed", "method-not-allowed"),
            Self::BodyTimeout => (S::REQUEST_TIMEOUT, "Request Timeout", "request-timeout"),
            Self::Conflict => (S::CONFLICT, "Conflict", "conflict"),
            Self::PreconditionFailed => {
                (S::PRECONDITION_FAILED, "Precondition Failed", "precondition-failed")
            }
            Self::BodyTooLarge => (S::PAYLOAD_TOO_LARGE, "Content Too Large", "content-too-large"),
            Self::UriTooLong => (S::URI_TOO_LONG, "URI Too Long", "uri-too-long"),
            Self::UnsupportedMediaType => {
                (S::UNSUPPORTED_MEDIA_TYPE, "Unsupported Media Type", "unsupported-media-type")
            }
            Self::Unprocessable => {
                (S::UNPROCESSABLE_ENTITY, "Unprocessable Content", "unprocessable-content")
            }
            Self::PreconditionRequired => {
                (S::PRECONDITION_REQUIRED, "Precondition Required", "precondition-required")
            }
            Self::TooManyRequests => (S::TOO_MANY_REQUESTS, "Too Many Requests", "too-many-requests"),
            Self::HeaderTooLarge => (
                S::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Request Header Fields Too Large",
                "request-header-fields-too-large",
            ),
            Self::Internal => (S::INTERNAL_SERVER_ERROR, "Internal Server Error", "internal-server-error"),
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "Service Unavailable", "service-unavailable"),
            Self::Deadline => (S::GATEWAY_TIMEOUT, "Gateway Timeout", "gateway-timeout"),
        }
    }

    /// A sentence for the documentation.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::BadRequest => {
                "The request is malformed: its body cannot be read, its id is no UUID, or its Host is missing."
            }
            Self::NotFound => "There is no such thing.",
            Self::MethodNotAllowed => {
                "The path does not answer this method; `Allow` names those that it does."
            }
            Self::BodyTimeout => "The body did not arrive in time.",
            Self::Conflict => "The request is valid, but what is stored stands in its way.",
            Self::PreconditionFailed => "The resource was changed since the client last saw it.",
            Self::BodyTooLarge => "The body is too long.",
            Self::UriTooLong => "Path and query are too long.",
            Self::UnsupportedMediaType => "The body is of a media type that is not taken here.",
            Self::Unprocessable => "A field or parameter is wrong; `errors` says which and why.",
            Self::PreconditionRequired => "The header `If-Match` is missing.",
            Self::TooManyRequests => {
                "More is asked for than can be taken now; try again after `Retry-After`."
            }
            Self::HeaderTooLarge => "The header fields are too many or too long.",
            Self::Internal => "The fault is ours; it is logged under the request id.",
            Self::Unavailable => {
                "A dependency is down, or too much is under way; try again after `Retry-After`."
            }
            Self::Deadline => "The work takes too long. It goes on, and may still take effect.",
        }
    }
}
