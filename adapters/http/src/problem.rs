//! Errors as the client sees them: problem details by RFC 9457, for every status, made here and nowhere else.
//!
//! `application::Error` becomes one by an exhaustive match; the fields in it get the names of the API version.

mod kind;

pub(crate) use kind::Kind;

use crate::{call::Call, reply, route::Response};
use application::{BoxError, Error};
use domain::{FieldError, Invalid, Violation};
use http::{HeaderName, HeaderValue, header};
use serde::Serialize;
use std::{borrow::Cow, fmt::Write as _, time::Duration};
use utoipa::ToSchema;

/// What a handler answers instead of a success.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Inner>); // boxed, so that every Result of a handler stays small

#[derive(Debug)]
struct Inner {
    kind: Kind,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    source: Option<BoxError>,
}

/// How one version of the API speaks of what the application says.
pub(crate) struct Dialect {
    /// The name of a field of the domain in the bodies of this version.
    pub(crate) field: fn(&'static str) -> &'static str,
    /// What a lost race is: 409, or 412 where the client has to name the version it has seen.
    pub(crate) stale: Kind,
}

impl ApiError {
    /// `detail` is a sentence for the client, without a full stop.
    pub(crate) fn new(kind: Kind, detail: impl Into<Cow<'static, str>>) -> Self {
        let (detail, headers) = (detail.into(), Vec::new());
        Self(Box::new(Inner { kind, detail, errors: Vec::new(), headers, source: None }))
    }

    /// 422 for what is wrong with fields of a body or parameters of a query.
    pub(crate) fn invalid(invalid: &Invalid) -> Self {
        let mut error = Self::new(Kind::Unprocessable, "see errors for what is wrong with which field");
        error.0.errors = invalid.errors().to_vec();
        error
    }

    /// 400 for what cannot even be read.
    pub(crate) fn malformed(invalid: &Invalid) -> Self {
        let mut error = Self::invalid(invalid);
        error.0.kind = Kind::BadRequest;
        error
    }

    /// 422 for one field.
    pub(crate) fn field(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self::invalid(&Invalid::field(field, Violation::new(code, message)))
    }

    /// The same with a response header.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The same with its cause, for the log alone.
    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// An error of the application, in the words of `dialect`.
    pub(crate) fn from_application(error: Error, dialect: &Dialect) -> Self {
        match error {
            Error::NotFound { kind, id } => Self::new(Kind::NotFound, format!("there is no {kind} {id}")),
            Error::Conflict { field, violation } => {
                let field = (dialect.field)(field);
                let mut error = Self::new(Kind::Conflict, format!("{field}: {}", violation.message));
                error.0.errors = vec![FieldError { field: field.to_owned(), violation }];
                error
            }
            Error::Stale { kind } => {
                Self::new(dialect.stale, format!("the {kind} was changed meanwhile; get it again and repeat"))
            }
            Error::TooMany { what, retry_after } => Self::too_many(what, retry_after),
            Error::Unavailable { dependency, .. } => {
                Self::unavailable(format!("{dependency} is not available")).with_source(error)
            }
            Error::Internal { .. } => Self::internal().with_source(error),
        }
    }

    /// 429 with the advice when to come again, in whole seconds.
    fn too_many(detail: String, retry_after: Duration) -> Self {
        let seconds = retry_after.as_millis().div_ceil(1000).max(1);
        let seconds = HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX));
        Self::new(Kind::TooManyRequests, detail).with_header(header::RETRY_AFTER, seconds)
    }

    /// 503 with the advice to come again.
    pub(crate) fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Unavailable, detail).with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.0.kind == kind
    }

    /// What it says: its kind, its sentence, and what is wrong with which field.
    pub(crate) fn parts(&self) -> (Kind, &str, &[FieldError]) {
        (self.0.kind, &self.0.detail, &self.0.errors)
    }

    /// 500; what happened is in the log.
    pub(crate) fn internal() -> Self {
        Self::new(Kind::Internal, "the fault is ours; it is logged under this request id")
    }

    /// One line with the chain of causes, for what the client cannot fix.
    /// While a dependency is down one in a second is enough, with the number of those left out.
    pub(crate) fn log(&self, call: &Call) {
        let Some(source) = &self.0.source else { return };
        let suppressed = if self.is(Kind::Unavailable) { call.edge.outage.pass() } else { Some(0) };
        let Some(suppressed) = suppressed else { return };
        let log = call.log();
        let mut chain = source.to_string();
        let mut next = source.source();
        while let Some(cause) = next {
            let _ = write!(chain, ": {cause}");
            next = cause.source();
        }
        match self.0.kind {
            Kind::Internal => slog::error!(log, "request failed"; "error" => chain),
            Kind::Unavailable => {
                slog::warn!(log, "request failed"; "error" => chain, "suppressed" => suppressed)
            }
            _ => slog::warn!(log, "request failed"; "error" => chain),
        }
    }

    /// The answer to `call`.
    pub(crate) fn into_response(self, call: &Call) -> Response {
        let Inner { kind, detail, errors, headers, .. } = *self.0;
        let problem = Problem {
            r#type: format!("{}/doc/errors#{}", call.root_path(), kind.slug()),
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail: detail.into_owned(),
            instance: call.outer_path(),
            request_id: call.request_id.to_string(),
            errors: errors.into_iter().map(Fault::from).collect(),
        };
        let mut response = reply::json_as(kind.status(), "application/problem+json", &problem);
        response.headers_mut().extend(headers);
        response
    }
}

/// Problem details (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Names the kind of problem: where the documentation explains it.
    #[schema(format = "uri-reference", example = "/doc/errors#not-found")]
    r#type: String,
    /// The kind of problem in words.
    #[schema(example = "Not Found")]
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    status: u16,
    /// What is wrong in this case.
    #[schema(example = "there is no person 01890b6f-0000-7000-8000-000000000000")]
    detail: String,
    /// The path that was asked for.
    #[schema(example = "/v1/persons/01890b6f-0000-7000-8000-000000000000")]
    instance: String,
    /// As in the header `X-Request-Id`: finds this request in the log.
    #[schema(min_length = 1, max_length = 128)]
    request_id: String,
    /// What is wrong with which field or parameter; only where fields are to blame.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<Fault>,
}

/// What is wrong with one field of a body or one parameter of a query.
#[derive(Serialize, ToSchema)]
#[schema(as = FieldError)]
struct Fault {
    /// Its name as it was sent, such as `email`; empty for the body as a whole.
    #[schema(example = "email")]
    field: String,
    /// Stable, for programs.
    #[schema(example = "required")]
    code: &'static str,
    /// A sentence for people.
    #[schema(example = "is required")]
    message: String,
}

impl From<FieldError> for Fault {
    fn from(FieldError { field, violation }: FieldError) -> Self {
        Self { field, code: violation.code, message: violation.message }
    }
}

#[cfg(test)]
mod tests;
