//! One request, as everything from the edge to the handler sees it: who asked, for what, and under which id.

use crate::{edge::Edge, route::Meter};
use application::{Context, RequestId};
use http::{HeaderMap, HeaderName, Method, Uri, Version, uri::Authority};
use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
    time::Instant,
};

/// See the module.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Without the root path.
    pub(crate) uri: Uri,
    /// The host, if it stands in the request line or is HTTP/2's `:authority`.
    pub(crate) authority: Option<Authority>,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) request_id: RequestId,
    /// Who asked, as far as trusted proxies say.
    pub(crate) client: IpAddr,
    /// The other end of the connection.
    pub(crate) peer: IpAddr,
    pub(crate) started: Instant,
    /// Of the route, once it is found.
    pub(crate) meter: OnceLock<Arc<Meter>>,
    pub(crate) edge: Arc<Edge>,
    pub(crate) log: OnceLock<slog::Logger>,
}

impl Call {
    /// What a use case is told.
    pub(crate) fn context(&self) -> Context {
        Context { request_id: self.request_id.clone(), log: self.log().clone() }
    }

    /// Writes the request id into every line. Made on first use, for most answers of `/mon/ping` need none.
    pub(crate) fn log(&self) -> &slog::Logger {
        self.log
            .get_or_init(|| self.edge.log.new(slog::o!("request_id" => LoggedId(self.request_id.clone()))))
    }

    /// The value of a header, if it is there once and is text.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// What stands in front of every path that is seen from outside.
    pub(crate) fn root_path(&self) -> &str {
        &self.edge.config.root_path
    }

    /// The path as it is seen from outside.
    pub(crate) fn outer_path(&self) -> String {
        format!("{}{}", self.root_path(), self.uri.path())
    }

    /// A path of ours as a URL that can be followed. Where neither the configuration nor the request says which
    /// host, the path alone, which is relative to the URL that the client has used.
    pub(crate) fn url(&self, path_and_query: &str) -> String {
        let origin = self.edge.origin(self).unwrap_or_default();
        format!("{origin}{}{path_and_query}", self.root_path())
    }
}

/// A request id as a value of the log.
struct LoggedId(RequestId);

impl slog::Value for LoggedId {
    fn serialize(
        &self,
        _: &slog::Record,
        key: slog::Key,
        serializer: &mut dyn slog::Serializer,
    ) -> slog::Result {
        serializer.emit_str(key, self.0.as_str())
    }
}
