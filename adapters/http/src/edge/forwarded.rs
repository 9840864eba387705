//! What reverse proxies say of a request: believed of those whose networks the configuration names, and of nobody else.

use super::Edge;
use crate::call::Call;
use http::{HeaderMap, HeaderName, header, uri::Authority};
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

impl Edge {
    /// Who asked: the rightmost address of `X-Forwarded-For` that is no trusted proxy, for each proxy appends whom it
    /// was asked by and whatever stands further left may be invented.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        for hop in items(headers, X_FORWARDED_FOR) {
            if !self.config.trusts(client) {
                break;
            }
            let Some(address) = address(hop) else { break };
            client = address;
        }
        client
    }

    /// Scheme and host as the client sees them, such as `https://api.example.com`; none if nobody says a sane one.
    pub(crate) fn origin(&self, call: &Call) -> Option<String> {
        if let Some(url) = &self.config.public_url {
            return Some(url.clone());
        }
        let believed = self.config.trusts(call.peer);
        let forwarded = |name| believed.then(|| items(&call.headers, name).next()).flatten();
        let scheme = match forwarded(X_FORWARDED_PROTO) {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
            _ => "http",
        };
        let host = forwarded(X_FORWARDED_HOST).and_then(authority);
        let host = host.or_else(|| call.authority.clone()).or_else(|| authority(call.header(header::HOST)?));
        host.map(|host| format!("{scheme}://{host}"))
    }
}

/// The items of a list that may span several lines, from right to left.
fn items(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> =
        headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    lines.into_iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim)
}

/// An address as proxies write it: with or without a port, with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip())).ok()?;
    Some(IpAddr::to_canonical(&address))
}

fn authority(text: &str) -> Option<Authority> {
    text.parse().ok().filter(|host: &Authority| !host.as_str().contains('@'))
}
