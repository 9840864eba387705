//! Cursors as clients carry them: base64url of versioned JSON, opaque. A client that changes one gets a 422, never
//! another's page: a cursor holds no right, only a place.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Cursor, Direction, Violation};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use uuid::Uuid;

/// A place in a list that can be written down: a sort key, unless the order goes by id alone, and an id.
pub(crate) trait Position: Sized {
    fn key(&self) -> Option<&str>;
    fn id(&self) -> Uuid;
    fn new(key: Option<String>, id: Uuid) -> Self;
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    /// Of this format.
    v: u8,
    /// The order that the list was in.
    s: Cow<'a, str>,
    /// Whether it leads forward.
    f: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<Cow<'a, str>>,
    i: Uuid,
}

const FORMAT: u8 = 1;
/// In bytes: beyond every sort key that we have.
const MAX_LENGTH: usize = 4096;

/// `cursor` in a list sorted by `sort`.
pub(crate) fn encode<P: Position>(cursor: &Cursor<P>, sort: &str) -> String {
    let written = Written {
        v: FORMAT,
        s: sort.into(),
        f: cursor.direction == Direction::After,
        k: cursor.position.key().map(Cow::from),
        i: cursor.position.id(),
    };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&written).unwrap_or_default())
}

/// The cursor, if we made it for a list sorted by `sort`, whose positions have a key if `keyed`.
pub(crate) fn decode<P: Position>(raw: &str, sort: &str, keyed: bool) -> Result<Cursor<P>, Violation> {
    let foreign = || Violation::new("cursor", "must be taken from next or prev of a page");
    if raw.len() > MAX_LENGTH {
        return Err(foreign());
    }
    let json = URL_SAFE_NO_PAD.decode(raw).map_err(|_| foreign())?;
    let Written { v, s, f, k, i } = serde_json::from_slice(&json).map_err(|_| foreign())?;
    let is_printable = k.iter().all(|key| !key.chars().any(char::is_control));
    if v != FORMAT || !is_printable {
        return Err(foreign());
    }
    if s != sort {
        return Err(Violation::new("cursor", "was made for another sort; start from the first page"));
    }
    if k.is_some() != keyed {
        return Err(foreign());
    }
    let direction = if f { Direction::After } else { Direction::Before };
    Ok(Cursor { position: P::new(k.map(Cow::into_owned), i), direction })
}

#[cfg(test)]
mod tests;
