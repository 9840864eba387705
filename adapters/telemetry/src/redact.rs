//! Takes secrets out of text that leaves the process.

use std::borrow::Cow;

/// What stands in a secret's place.
pub(crate) const HIDDEN: &str = "***";

/// Words that make a key's value a secret.
const SECRET_WORDS: [&str; 7] = ["password", "passwd", "secret", "token", "authorization", "cookie", "dsn"];

/// Replaces the password in every URL of `text`, and every value of a query parameter that is named like a secret:
/// `postgres://ada:***@host/db?password=***`.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, url) = rest.split_at(at + 3);
        out.push_str(before);
        let end = url.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`'));
        let (url, after) = url.split_at(end.unwrap_or(url.len()));
        redact_url(url, &mut out);
        rest = after;
    }
    if out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Whether a value under this key is a secret.
pub(crate) fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
}

fn redact_url(url: &str, out: &mut String) {
    // The last @, and not the one before the first slash as the grammar has it: a password that was not escaped may
    // hold both, and hiding too much is the lesser harm.
    let (user, host) = url.rfind('@').map_or(("", url), |at| url.split_at(at));
    match user.split_once(':') {
        Some((name, _)) => out.extend([name, ":", HIDDEN]),
        None => out.push_str(user),
    }
    let Some((path, query)) = host.split_once('?') else { return out.push_str(host) };
    out.push_str(path);
    for (i, pair) in query.split('&').enumerate() {
        out.push(if i == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((key, _)) if is_secret(key) => out.extend([key, "=", HIDDEN]),
            _ => out.push_str(pair),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_hidden() {
        for (text, redacted) in [
            ("no url at all", "no url at all"),
            ("postgres://ada:p@ss/w:rd@db:5432/x", "postgres://ada:***@db:5432/x"),
            ("redis://:canary@localhost/1", "redis://:***@localhost/1"),
            (
                "postgres://ada@db/x?password=canary&sslmode=require",
                "postgres://ada@db/x?password=***&sslmode=require",
            ),
            (
                "cannot reach 'postgres://a:b@c' or http://d/e@f",
                "cannot reach 'postgres://a:***@c' or http://d/e@f",
            ),
        ] {
            assert_eq!(redact(text), redacted);
        }
    }
}
