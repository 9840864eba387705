//! JSON bodies: 400 for what is not JSON, 422 with the name of the field for JSON that is not what was asked for.

use super::shorten::shorten;
use crate::{
    problem::{ApiError, Kind},
    route::Request,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;

/// The body as a `T`, which must be a struct, with `deny_unknown_fields`.
pub(crate) fn json<T: DeserializeOwned>(request: &Request) -> Result<T, ApiError> {
    parse(request.body())
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
    // A derived struct would also take an array, its members in order.
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        serde_json::from_str::<IgnoredAny>(text).map_err(|error| malformed(error.to_string()))?;
        return Err(ApiError::field("", "type", "must be an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        fault(path, error.inner())
    })?;
    deserializer.end().map_err(|error| malformed(error.to_string()))?;
    Ok(value)
}

fn fault(path: String, error: &serde_json::Error) -> ApiError {
    let message = error.to_string();
    if error.classify() != Category::Data {
        return malformed(message);
    }
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    // serde knows these two by their text alone.
    if let Some((name, known)) =
        message.strip_prefix("unknown field `").and_then(|m| m.rsplit_once("`, expected "))
    {
        return ApiError::field(
            shorten(&inside(&path, name)),
            "unknown",
            format!("is not known here; expected {known}"),
        );
    }
    if let Some(name) = message.strip_prefix("duplicate field `").and_then(|m| m.strip_suffix('`')) {
        return ApiError::field(shorten(&inside(&path, name)), "duplicate", "must occur only once");
    }
    ApiError::field(if path == "." { String::new() } else { shorten(&path) }, "type", shorten(message))
}

/// `name` in the object at `path`. The path may or may not have got to the name itself.
fn inside(path: &str, name: &str) -> String {
    match path.strip_suffix(name).map(|parent| parent.trim_end_matches('.')) {
        None if path == "." => name.to_owned(),
        None => format!("{path}.{name}"),
        Some("") => name.to_owned(),
        Some(parent) => format!("{parent}.{name}"),
    }
}

fn malformed(detail: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(Kind::BadRequest, format!("the body is not well-formed JSON: {}", detail.into()))
}
