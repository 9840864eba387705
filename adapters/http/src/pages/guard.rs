//! Keeps other sites from sending our forms (cross-site request forgery). A form carries a token, the MAC of a number
//! that the browser has in a cookie: only this process can make one, and only its own pages can read it. Where
//! the browser tells from where a request comes, that must be here, too.

use super::cookies;
use crate::{call::Call, extract::query, route::Request};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac as _};
use http::{HeaderMap, HeaderName, header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// See the module.
pub(super) struct Guard {
    mac: Hmac<Sha256>,
}

/// What a form sends.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Form {
    token: Option<String>,
}

const COOKIE: &str = "plinth_mon";

/// What the browser says of where a request comes from (W3C Fetch Metadata). Not sent to other hosts without TLS.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Guard {
    /// `secret` is known to this process alone.
    pub(super) fn new(secret: &str) -> Self {
        // A key of exactly this type cannot be of a wrong length.
        let mut key = hmac::digest::Key::<Hmac<Sha256>>::default();
        key.iter_mut().zip(Sha256::digest(secret)).for_each(|(to, from)| *to = from);
        Self { mac: KeyInit::new(&key) }
    }

    /// The number of the browser, if it has one.
    pub(super) fn number(call: &Call) -> Option<Uuid> {
        Uuid::try_parse(cookies::get(call, COOKIE)?).ok()
    }

    /// Gives the browser a number.
    pub(super) fn remember(call: &Call, headers: &mut HeaderMap, number: Uuid) {
        cookies::set(call, headers, COOKIE, &number.to_string(), None);
    }

    /// What forms carry for the browser that has `number`.
    pub(super) fn token(&self, number: Uuid) -> String {
        URL_SAFE_NO_PAD.encode(self.about(number).finalize().into_bytes())
    }

    /// Whether a form of ours has sent `request`. If not: why, for the log.
    pub(super) fn admit(&self, request: &Request) -> Result<(), &'static str> {
        comes_from_here(request.call())?;
        let number = Self::number(request.call()).ok_or("no cookie")?;
        let body = std::str::from_utf8(request.body()).map_err(|_| "a malformed form")?;
        let form = query::<Form>(Some(body)).map_err(|_| "a malformed form")?;
        let token = URL_SAFE_NO_PAD.decode(form.token.ok_or("no token")?).map_err(|_| "a malformed token")?;
        self.about(number).verify_slice(&token).map_err(|_| "a token of another browser or process")
    }

    fn about(&self, number: Uuid) -> Hmac<Sha256> {
        self.mac.clone().chain_update(number.as_bytes())
    }
}

fn comes_from_here(call: &Call) -> Result<(), &'static str> {
    if let Some(site) = call.headers.get(SEC_FETCH_SITE) {
        // `none` is the user's own doing, such as a page that is loaded again.
        let ours = matches!(site.as_bytes(), b"same-origin" | b"none");
        return if ours { Ok(()) } else { Err("another site has sent it") };
    }
    let Some(origin) = call.headers.get(header::ORIGIN) else { return Ok(()) };
    let host = origin.to_str().ok().and_then(host);
    let ours = host.is_some_and(|host| own_hosts(call).iter().any(|own| own.eq_ignore_ascii_case(host)));
    if ours { Ok(()) } else { Err("it comes from another origin") }
}

/// As the request names it, and as a proxy says that it was named.
fn own_hosts(call: &Call) -> Vec<String> {
    let authority = call.authority.as_ref().map(|authority| authority.as_str());
    let named = authority.or_else(|| call.header(header::HOST)).map(str::to_owned);
    let origin = call.edge.origin(call);
    named.into_iter().chain(origin.as_deref().and_then(host).map(str::to_owned)).collect()
}

fn host(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, host)| host)
}
