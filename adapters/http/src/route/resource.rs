//! Everything behind one pattern of paths: its methods, and what follows from them, HEAD, OPTIONS and 405.

use super::{Answer, Deprecation, Gate, Meter, Request, Response, Route, media_types, pattern::Pattern};
use crate::{
    Eager,
    call::Call,
    extract::body::{self, Chunks},
    problem::{ApiError, Kind},
    reply,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use metrics::{Counter, counter};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;

/// See the module.
pub(super) struct Resource {
    pub(super) pattern: Pattern,
    endpoints: Vec<Endpoint>,
    gate: Arc<Gate>,
    /// Methods that it does not answer, and OPTIONS.
    other: Arc<Meter>,
    allow: HeaderValue,
    accept: HeaderMap,
}

struct Endpoint {
    route: Route,
    meter: Arc<Meter>,
    /// What a body may be; none if there is no body.
    media_types: Vec<String>,
    /// Requests refused because too many were under way.
    shed: Counter,
    /// The end of its life, and how often it was used all the same.
    deprecation: Option<(Deprecation, Counter)>,
}

/// What may stand in a segment of a path as it is (RFC 3986, `unreserved`).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Resource {
    /// All `routes` are of the same path.
    pub(super) fn new(path: &str, routes: Vec<Route>, gate: Arc<Gate>) -> Self {
        let mut accept = HeaderMap::new();
        for route in &routes {
            accept.extend(body::hint(&route.facts.method, &media_types(&route.facts)));
        }
        let endpoints: Vec<_> = routes.into_iter().map(Endpoint::new).collect();
        let other = Arc::new(Meter::new("OTHER", path, endpoints.iter().all(|e| e.route.facts.quiet)));
        let allow = allow(endpoints.iter().map(|e| &e.route.facts.method));
        Self { pattern: Pattern::new(path), endpoints, gate, other, allow, accept }
    }

    /// The answer to `call`, whose path is of this pattern.
    pub(super) async fn answer(
        self: Arc<Self>,
        params: Vec<String>,
        call: Arc<Call>,
        body: Chunks,
    ) -> Response {
        let wanted = if call.method == Method::HEAD { &Method::GET } else { &call.method };
        let Some(endpoint) = self.endpoints.iter().find(|e| e.route.facts.method == *wanted) else {
            let _ = call.meter.set(self.other.clone());
            return self.without_endpoint(&call);
        };
        self.enter(endpoint, params, call, body).await
    }

    async fn enter(
        self: &Arc<Self>,
        endpoint: &Endpoint,
        params: Vec<String>,
        call: Arc<Call>,
        body: Chunks,
    ) -> Response {
        let _ = call.meter.set(endpoint.meter.clone());
        let link = endpoint.deprecation.is_some().then(|| params.clone());
        let result = match endpoint.read(&call, body).await {
            Err(error) => Err(error),
            Ok(body) => {
                let request = Request { call: call.clone(), resource: self.clone(), params, body };
                self.run(endpoint, request).await
            }
        };
        let mut response = result.unwrap_or_else(|error| {
            error.log(&call);
            error.into_response(&call)
        });
        if let (Some((deprecation, uses)), Some(params)) = (&endpoint.deprecation, link) {
            uses.increment(1);
            deprecation
                .tell(response.headers_mut(), |path| fill(call.root_path(), path, &self.pattern, &params));
        }
        response
    }

    async fn run(&self, endpoint: &Endpoint, request: Request) -> Result<Response, ApiError> {
        let run = endpoint.route.run.clone();
        if endpoint.route.facts.always {
            return run(request).await;
        }
        let eager = request.call.edge.eager.clone().filter(|_| !request.call.method.is_safe());
        let run = move || match eager {
            None => run(request),
            Some(eager) => after(run(request), eager),
        };
        self.gate.pass(run).await.unwrap_or_else(|_full| {
            endpoint.shed.increment(1);
            Err(ApiError::unavailable("too many requests are under way; try again in a second"))
        })
    }

    /// OPTIONS, or 405.
    fn without_endpoint(&self, call: &Call) -> Response {
        let mut response = if call.method == Method::OPTIONS {
            reply::no_content()
        } else {
            ApiError::new(
                Kind::MethodNotAllowed,
                "this path does not have this method; the header Allow names those that it has",
            )
            .into_response(call)
        };
        response.headers_mut().insert(header::ALLOW, self.allow.clone());
        if response.status() == StatusCode::NO_CONTENT {
            response.headers_mut().extend(self.accept.clone());
        }
        response
    }
}

impl Endpoint {
    fn new(route: Route) -> Self {
        let facts = &route.facts;
        let meter = Arc::new(Meter::new(facts.method.as_str(), &facts.path, facts.quiet));
        let labels = [("method", facts.method.to_string()), ("route", facts.path.clone())];
        let deprecation = facts.deprecation.clone();
        Self {
            meter,
            media_types: media_types(facts),
            shed: counter!("plinth_http_shed_total", &labels),
            deprecation: deprecation.map(|d| (d, counter!("plinth_http_deprecated_requests_total", &labels))),
            route,
        }
    }

    async fn read(&self, call: &Call, body: Chunks) -> Result<Bytes, ApiError> {
        if self.media_types.is_empty() {
            return Ok(Bytes::new());
        }
        body::check_media_type(call, &self.media_types)?;
        let limit = (self.route.facts.body_bytes)(&call.edge.config.limits);
        let read = body::read(call, body, limit).await;
        read.inspect_err(|error| self.shed.increment(u64::from(error.is(Kind::Unavailable))))
    }
}

/// What `answer` answers, once `eager` has done what it has caused.
fn after(answer: Answer, eager: Eager) -> Answer {
    Box::pin(async move {
        let response = answer.await?;
        eager().await;
        Ok(response)
    })
}

fn allow<'a>(methods: impl Iterator<Item = &'a Method>) -> HeaderValue {
    let mut names: Vec<&str> = methods.map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

/// `path` with its parameters replaced by the values that they have in `pattern`.
fn fill(root: &str, path: &str, pattern: &Pattern, params: &[String]) -> String {
    let segment = |segment: &str| {
        let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        match name.and_then(|name| params.get(pattern.position(name)?)) {
            Some(value) => utf8_percent_encode(value, SEGMENT).to_string(),
            None => segment.to_owned(),
        }
    };
    format!("{root}{}", path.split('/').map(segment).collect::<Vec<_>>().join("/"))
}
