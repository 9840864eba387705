//! What surrounds every page: head, top bar, live part; and the answer that carries it.

use super::{assets::Assets, flash::Flash, guard::Guard};
use crate::{
    problem::ApiError,
    reply,
    route::{Request, Response},
};
use application::Ids;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use minijinja::{Environment, UndefinedBehavior, Value, context, value::Serde};
use serde::Serialize;
use std::sync::Arc;

/// The templates, each with its name.
const TEMPLATES: [(&str, &str); 6] = [
    ("frame.html", include_str!("../../assets/pages/frame.html")),
    ("parts.html", include_str!("../../assets/pages/parts.html")),
    ("overview.html", include_str!("../../assets/pages/overview.html")),
    ("listing.html", include_str!("../../assets/pages/listing.html")),
    ("story.html", include_str!("../../assets/pages/story.html")),
    ("problem.html", include_str!("../../assets/pages/problem.html")),
];

/// No inline script or style, nothing from another host, and no form but to this one.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'",
);

/// Sent by the script of an open page, which wants `<main>` alone.
const X_PART: HeaderName = HeaderName::from_static("x-part");

/// See the module.
pub(super) struct Frame {
    templates: Environment<'static>,
    pub(super) assets: Assets,
    pub(super) guard: Guard,
    ids: Arc<dyn Ids>,
    version: &'static str,
}

/// A page, apart from what is on it.
pub(super) struct Page {
    pub(super) template: &'static str,
    pub(super) status: StatusCode,
    /// In the tab.
    pub(super) title: String,
    /// Which entry of the top bar it is, if any.
    pub(super) place: &'static str,
    /// How soon it is worth while to look again, in seconds; 0 if it is not.
    pub(super) every: u32,
    /// As of when.
    pub(super) now: DateTime<Utc>,
}

impl Frame {
    /// A template that does not parse is missing and its page a 500; a test would notice.
    pub(super) fn new(guard: Guard, ids: Arc<dyn Ids>, version: &'static str) -> Self {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(UndefinedBehavior::Strict);
        for (name, source) in TEMPLATES {
            let _ = templates.add_template(name, source);
        }
        Self { templates, assets: Assets::new(), guard, ids, version }
    }

    /// `page`, with what is in `view` on it, as the answer to `request`.
    pub(super) fn answer(
        &self,
        request: &Request,
        page: Page,
        view: &impl Serialize,
    ) -> Result<Response, ApiError> {
        let call = request.call();
        let mut headers = HeaderMap::new();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONTENT_SECURITY_POLICY, POLICY);
        let number = Guard::number(call).unwrap_or_else(|| {
            let number = self.ids.next(page.now);
            Guard::remember(call, &mut headers, number);
            number
        });
        let part = request.headers().contains_key(X_PART);
        let flash = if part { None } else { Flash::take(call, &mut headers) };
        let frame = context! {
            base => Value::from_safe_string(base(request.path())),
            clock => page.now.format("%H:%M:%S").to_string(),
            flash => flash.map(Flash::message),
            token => self.guard.token(number),
            part,
        };
        let status = page.status;
        let html = self.render(page, frame, view).map_err(|e| ApiError::internal().with_source(e))?;
        let mut response = reply::bytes_as(status, "text/html; charset=utf-8", html);
        response.headers_mut().extend(headers);
        Ok(response)
    }

    fn render(&self, page: Page, frame: Value, view: &impl Serialize) -> Result<String, minijinja::Error> {
        self.templates.get_template(page.template)?.render(context! {
            title => page.title,
            place => page.place,
            every => page.every,
            style => self.assets.name("css"),
            script => self.assets.name("js"),
            favicon => self.assets.name("svg"),
            version => self.version,
            view => Serde(view),
            ..frame
        })
    }
}

/// Where `/mon/tasks` is, seen from `path`. Relative links hold under every root path.
pub(super) fn base(path: &str) -> String {
    let depth = path.matches('/').count().saturating_sub(2);
    format!("{}tasks", "../".repeat(depth))
}
