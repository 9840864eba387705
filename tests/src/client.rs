//! An HTTP client that speaks of what it got. Every answer below `/v1` and `/v2` is held against the OpenAPI document
//! on its way (`schema.rs`).

use crate::{PATIENCE, Reply, schema};
use serde_json::Value;
use std::pin::Pin;

/// Talks to one listener.
#[derive(Clone)]
pub struct Client {
    url: String,
    http: reqwest::Client,
}

impl Client {
    /// To the listener at `url`.
    pub fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
        let http = http.redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { url: url.to_owned(), http }
    }

    /// Where it talks to: scheme, host and port.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap_or(&self.url)
    }

    /// See [`Self::request`].
    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    /// A request to be awaited for its [`Reply`]. `path` may be a whole URL.
    pub fn request(&self, method: &str, path: &str) -> Request {
        let method = method.parse().expect("a method");
        let whole = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.url) };
        Request { path: path.to_owned(), builder: self.http.request(method, whole), checked: true }
    }
}

/// A request in the making.
#[must_use = "nothing is sent until it is awaited"]
pub struct Request {
    path: String,
    builder: reqwest::RequestBuilder,
    checked: bool,
}

impl Request {
    /// Sets a header over one of the same name.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes()).expect("a header");
        let name: reqwest::header::HeaderName = name.parse().expect("the name of a header");
        self.builder = self.builder.headers([(name, value)].into_iter().collect());
        self
    }

    /// A JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Any body.
    pub fn body(self, content_type: &str, body: impl Into<reqwest::Body>) -> Self {
        let mut this = self.header("content-type", content_type);
        this.builder = this.builder.body(body);
        this
    }

    /// The document does not describe this answer, and the test knows why.
    pub fn undocumented(mut self) -> Self {
        self.checked = false;
        self
    }

    /// The reply, or why there is none.
    pub async fn send(self) -> reqwest::Result<Reply> {
        let (client, request) = self.builder.build_split();
        let request = request?;
        let method = request.method().to_string();
        let reply = Reply::read(&method, &self.path, client.execute(request).await?).await?;
        if self.checked {
            schema::check(&method, &self.path, &reply);
        }
        Ok(reply)
    }
}

impl IntoFuture for Request {
    type Output = Reply;
    type IntoFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let path = self.path.clone();
            self.send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"))
        })
    }
}
