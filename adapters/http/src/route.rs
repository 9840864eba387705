//! Routes, each declared once: path, method, handler, documentation and deprecation.
//!
//! `#[utoipa::path(..)]` on a handler makes a type that knows its path, method and operation; [`route!`] binds both into
//! a [`Declared`] route. From the list of them follow the warp filters with HEAD, OPTIONS and 405, the OpenAPI documents,
//! the deprecation headers, the labels of the metrics and `plinth routes`.

mod deprecation;
mod filter;
mod gate;
mod meter;
mod openapi;
mod pattern;
mod resource;

pub(crate) use deprecation::Deprecation;
pub(crate) use filter::filter;
pub(crate) use gate::Gate;
pub(crate) use meter::Meter;
pub(crate) use openapi::document;

use crate::{
    call::Call,
    config::Limits,
    extract::body,
    problem::{ApiError, Kind},
};
use application::Context;
use bytes::Bytes;
use http::{HeaderMap, Method};
use resource::Resource;
use std::{pin::Pin, sync::Arc};
use utoipa::openapi::{HttpMethod, RefOr, Schema, path::Operation};

/// What a handler answers.
pub(crate) type Response = warp::reply::Response;
/// The same, in the making.
pub(crate) type Answer = Pin<Box<dyn Future<Output = Result<Response, ApiError>> + Send>>;
type Run<S> = Arc<dyn Fn(S, Request) -> Answer + Send + Sync>;
/// The most bytes of a form that has no file in it.
const FORM: usize = 8 * 1024;
/// Component schemas with their names.
pub(crate) type Schemas = Vec<(String, RefOr<Schema>)>;

/// Binds a handler `async fn(S, Request) -> Result<Response, ApiError>` to the operation that `#[utoipa::path]` made of
/// it. Wants the [`Tag`] of the resource as `TAG` in scope: the operation is called `<tag>_<function>`.
macro_rules! route {
    ($handler:ident) => {
        ::pastey::paste! {{
            let mut schemas = $crate::route::Schemas::new();
            <[<__path_ $handler>] as ::utoipa::__dev::SchemaReferences>::schemas(&mut schemas);
            let name = stringify!($handler);
            $crate::route::Declared::operation::<[<__path_ $handler>], _, _>(&TAG, name, schemas, $handler)
        }}
    };
}
pub(crate) use route;

/// What the operations of one resource are listed under in the OpenAPI documents.
pub(crate) struct Tag {
    /// The resource in the plural, such as `persons`.
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
}

/// A request whose route is found and whose body is read.
pub(crate) struct Request {
    call: Arc<Call>,
    resource: Arc<Resource>,
    params: Vec<String>,
    body: Bytes,
}

/// A route that still lacks the state `S` of its handler.
pub(crate) struct Declared<S> {
    facts: Facts,
    run: Run<S>,
}

/// A route, complete.
pub(crate) struct Route {
    facts: Facts,
    run: Arc<dyn Fn(Request) -> Answer + Send + Sync>,
}

/// Everything about a route but its handler.
pub(crate) struct Facts {
    pub(crate) path: String,
    pub(crate) method: Method,
    /// What the OpenAPI document says; nothing for pages and monitoring.
    pub(crate) operation: Option<Operation>,
    tag: Option<&'static Tag>,
    schemas: Schemas,
    /// Its own ways to fail, besides those that follow from its shape.
    fails: &'static [Kind],
    pub(crate) deprecation: Option<Deprecation>,
    /// Its body is a form of one of our pages.
    form: bool,
    /// Log requests at debug.
    quiet: bool,
    /// The most bytes of a body.
    body_bytes: fn(&Limits) -> usize,
    /// Answer even when too much is under way, at once and in place: only for what costs nothing.
    always: bool,
}

impl<S: Clone + Send + Sync + 'static> Declared<S> {
    /// See [`route!`].
    pub(crate) fn operation<P, H, F>(tag: &'static Tag, name: &str, schemas: Schemas, handler: H) -> Self
    where
        P: utoipa::Path,
        H: Fn(S, Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response, ApiError>> + Send + 'static,
    {
        let method = P::methods().first().map_or(Method::GET, method);
        let mut operation = P::operation();
        operation.operation_id = Some(format!("{}_{name}", tag.name));
        operation.tags = Some(vec![tag.name.to_owned()]);
        let mut declared = Self::declare(P::path(), method, handler);
        declared.facts.operation = Some(operation);
        declared.facts.tag = Some(tag);
        declared.facts.schemas = schemas;
        declared
    }

    /// GET on `path`, outside of the OpenAPI documents. A last segment `{*rest}` matches the rest of the path.
    pub(crate) fn page<H, F>(path: &'static str, handler: H) -> Self
    where
        H: Fn(S, Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response, ApiError>> + Send + 'static,
    {
        Self::declare(path.to_owned(), Method::GET, handler)
    }

    /// POST on `path` with a form of one of our pages, outside of the OpenAPI documents.
    pub(crate) fn form<H, F>(path: &'static str, handler: H) -> Self
    where
        H: Fn(S, Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response, ApiError>> + Send + 'static,
    {
        let mut declared = Self::declare(path.to_owned(), Method::POST, handler);
        declared.facts.form = true;
        declared.facts.body_bytes = |_| FORM;
        declared
    }

    fn declare<H, F>(path: String, method: Method, handler: H) -> Self
    where
        H: Fn(S, Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response, ApiError>> + Send + 'static,
    {
        let run: Run<S> = Arc::new(move |state, request| Box::pin(handler(state, request)));
        let facts = Facts {
            path,
            method,
            operation: None,
            tag: None,
            schemas: Schemas::new(),
            fails: &[],
            deprecation: None,
            form: false,
            quiet: false,
            body_bytes: |limits| limits.body_bytes,
            always: false,
        };
        Self { facts, run }
    }

    /// Its own ways to fail. Those that follow from its shape (a body, a query, a path parameter) are known.
    pub(crate) fn fails(mut self, kinds: &'static [Kind]) -> Self {
        self.facts.fails = kinds;
        self
    }

    /// Still works, and tells in headers, in the document and in the metrics that it will not for ever.
    pub(crate) fn deprecated(mut self, deprecation: Deprecation) -> Self {
        self.facts.deprecation = Some(deprecation);
        self
    }

    /// Its body has a file in it, and may be as long as one.
    pub(crate) fn upload(mut self) -> Self {
        self.facts.body_bytes = body::upload;
        self
    }

    /// Its requests are logged at debug, for machines send them all the time.
    pub(crate) fn quiet(mut self) -> Self {
        self.facts.quiet = true;
        self
    }

    /// Answered in place, even when too much is under way. Only for handlers that wait for nothing.
    pub(crate) fn always(mut self) -> Self {
        self.facts.always = true;
        self
    }

    /// All there is to know without the state.
    pub(crate) fn into_facts(self) -> Facts {
        self.facts
    }

    /// Complete.
    pub(crate) fn with(self, state: S) -> Route {
        let run = self.run;
        Route { facts: self.facts, run: Arc::new(move |request| run(state.clone(), request)) }
    }
}

impl Route {
    /// [`Declared::page`] with its state.
    ///
    /// A page that answers more than 1 KiB is compressed unless it carries a strong `ETag`: give a weak one.
    pub(crate) fn page<S, H, F>(path: &'static str, state: S, handler: H) -> Self
    where
        S: Clone + Send + Sync + 'static,
        H: Fn(S, Request) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Response, ApiError>> + Send + 'static,
    {
        Declared::page(path, handler).with(state)
    }

    /// All there is to know without the handler.
    pub(crate) fn into_facts(self) -> Facts {
        self.facts
    }
}

impl Request {
    /// The request as the edge sees it.
    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// What a use case is told.
    pub(crate) fn context(&self) -> Context {
        self.call.context()
    }

    /// The path parameter `name`, decoded; empty if the path has none of this name.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.resource.pattern.position(name).and_then(|i| self.params.get(i)).map_or("", String::as_str)
    }

    /// The query string as it was sent.
    pub(crate) fn query(&self) -> Option<&str> {
        self.call.uri.query()
    }

    /// The path below the root path.
    pub(crate) fn path(&self) -> &str {
        self.call.uri.path()
    }

    /// The header fields.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.call.headers
    }

    /// The body: empty unless the operation documents one, or is a form.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// A path of ours as a URL that can be followed from outside.
    pub(crate) fn url(&self, path_and_query: &str) -> String {
        self.call.url(path_and_query)
    }
}

fn method(method: &HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Delete => Method::DELETE,
        HttpMethod::Options => Method::OPTIONS,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Trace => Method::TRACE,
    }
}

/// What the body of a request may be; none if the operation has no body.
fn media_types(facts: &Facts) -> Vec<String> {
    if facts.form {
        return vec!["application/x-www-form-urlencoded".to_owned()];
    }
    let body = facts.operation.as_ref().and_then(|operation| operation.request_body.as_ref());
    match body {
        Some(RefOr::T(body)) => body.content.keys().cloned().collect(),
        _ => Vec::new(),
    }
}
