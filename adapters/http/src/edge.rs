//! What happens to every request before it is routed and to every answer before it leaves: limits, request id, trusted
//! proxies, root path, security headers, compression, metrics and the access line.
//!
//! Plain functions around `warp::service`, in the order of [`App::call`].

mod access;
mod body;
mod forwarded;
mod gzip;
mod headers;
mod limits;
mod outage;

pub use body::Body;

use crate::{
    Eager,
    call::Call,
    config::HttpConfig,
    events::EventStreams,
    extract::body::Budget,
    route::{Gate, Meter, Response, Route, filter},
};
use access::Access;
use application::{Clock, Ids, RequestId};
use bytes::Bytes;
use http::{Method, StatusCode, Uri, header, request::Parts, uri::PathAndQuery};
use http_body::Body as _;
use metrics::{Gauge, gauge};
use outage::Outage;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, OnceLock},
    time::Instant,
};
use tower::{BoxError, Service as _};
use warp::filters::BoxedFilter;

/// All routes of one listener behind the edge. Cheap to clone.
#[derive(Clone)]
pub struct App {
    edge: Arc<Edge>,
    gate: Arc<Gate>,
    routes: BoxedFilter<(Response,)>,
}

/// The other end of a connection, among the extensions of each of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// What the edge is told when the process starts.
pub(crate) struct Edge {
    pub(crate) config: HttpConfig,
    ids: Arc<dyn Ids>,
    clock: Arc<dyn Clock>,
    pub(crate) log: slog::Logger,
    /// For the bodies of requests.
    pub(crate) bodies: Budget,
    /// For the lines of requests that fail because a dependency is down.
    pub(crate) outage: Outage,
    /// Runs what a request has caused before it is answered.
    pub(crate) eager: Option<Eager>,
    /// The streams of events that are open.
    pub(crate) streams: EventStreams,
    in_flight: Gauge,
    /// For requests that reach no route.
    unrouted: Meter,
}

impl App {
    /// `routes` under the limits of `config`.
    pub(crate) fn new(edge: Edge, routes: Vec<Route>) -> Self {
        let gate = Arc::new(Gate::new(&edge.config.limits, &edge.config.timeouts));
        Self { routes: filter(routes, &gate), edge: Arc::new(edge), gate }
    }

    /// The answer to one request.
    pub(crate) async fn call<B>(&self, request: http::Request<B>) -> http::Response<Body>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
    {
        let (parts, body) = request.into_parts();
        let call = Arc::new(self.edge.admit(parts));
        let access = Access::start(call.clone(), &self.edge.in_flight);
        let mut response = match limits::check(&call) {
            Ok(()) => self.route(call.clone(), body).await,
            Err(error) => error.into_response(&call),
        };
        if call.method == Method::HEAD {
            response = without_body(response);
        }
        headers::complete(response.headers_mut(), &call.request_id);
        access.answered(gzip::compress(response, &call.headers).await)
    }

    /// Ends all streams of events, open ones and those to come: their clients come back to another process.
    pub(crate) fn close_streams(&self) {
        self.edge.streams.close();
    }

    /// Waits until no handler is at work.
    pub(crate) async fn drained(&self) {
        self.gate.drained().await;
    }

    /// Handlers are still at work, and nobody waits for them any more.
    pub(crate) fn report_unfinished(&self) {
        slog::warn!(self.edge.log, "handlers still at work at the deadline"; "handlers" => self.gate.at_work());
    }

    /// Of the process, not of a request.
    pub(crate) fn log(&self) -> &slog::Logger {
        &self.edge.log
    }

    async fn route<B>(&self, call: Arc<Call>, body: B) -> Response
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
    {
        let mut request = http::Request::new(body);
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = call.uri.clone();
        request.extensions_mut().insert(call.clone());
        match warp::service(self.routes.clone()).call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

impl Edge {
    pub(crate) fn new(
        config: &HttpConfig,
        ids: Arc<dyn Ids>,
        clock: Arc<dyn Clock>,
        log: slog::Logger,
    ) -> Self {
        Self {
            bodies: Budget::new(&config.limits, &config.timeouts),
            config: config.clone(),
            ids,
            clock,
            log,
            outage: Outage::new(),
            eager: None,
            streams: EventStreams::new(config),
            in_flight: gauge!("plinth_http_in_flight"),
            unrouted: Meter::new("OTHER", "none", false),
        }
    }

    /// The same, and requests are answered once `eager` has run what they have caused.
    pub(crate) fn with_eager(self, eager: Option<Eager>) -> Self {
        Self { eager, ..self }
    }

    /// Takes the facts of a request, without judging them.
    fn admit(self: &Arc<Self>, parts: Parts) -> Call {
        let peer =
            parts.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(peer)| peer.ip());
        let peer = peer.to_canonical();
        let sent = parts.headers.get(headers::X_REQUEST_ID).and_then(|id| id.to_str().ok());
        let request_id = sent.and_then(RequestId::parse);
        Call {
            client: self.client(peer, &parts.headers),
            peer,
            uri: self.inner_uri(&parts.uri),
            authority: parts.uri.authority().cloned(),
            method: parts.method,
            version: parts.version,
            headers: parts.headers,
            request_id: request_id.unwrap_or_else(|| self.ids.next(self.clock.now()).into()),
            started: Instant::now(),
            meter: OnceLock::new(),
            edge: self.clone(),
            log: OnceLock::new(),
        }
    }

    /// Path and query without the root path, which may be there or not: some proxies take it off, some do not.
    fn inner_uri(&self, uri: &Uri) -> Uri {
        let Some(sent) = uri.path_and_query() else { return Uri::default() };
        let without_root = Some(self.config.root_path.as_str())
            .filter(|root| !root.is_empty())
            .and_then(|root| sent.as_str().strip_prefix(root))
            .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
            .and_then(|rest| {
                PathAndQuery::try_from(if rest.starts_with('/') { rest.into() } else { format!("/{rest}") })
                    .ok()
            });
        Uri::from(without_root.unwrap_or_else(|| sent.clone()))
    }
}

/// The answer to HEAD: what GET would say, with the length that its body would have (RFC 9110, section 9.3.2).
fn without_body(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|_| parts.status == StatusCode::OK) {
        parts.headers.insert(header::CONTENT_LENGTH, length.into());
    }
    Response::from_parts(parts, Default::default())
}

#[cfg(test)]
mod tests;
