//! Query strings: 422 with the name of the parameter for whatever is not asked for.

use super::shorten::shorten;
use crate::problem::ApiError;
use domain::Violation;
use percent_encoding::percent_decode;
use serde::{
    de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor, value::MapDeserializer},
    forward_to_deserialize_any,
};
use std::{borrow::Cow, fmt};

/// The query string as a `T`, whose fields are optional texts, with `deny_unknown_fields`. An empty parameter is refused
/// rather than taken for an absent one: `?name=` from a form left blank would list everybody.
pub(crate) fn query<T: DeserializeOwned>(raw: Option<&str>) -> Result<T, ApiError> {
    let pairs = raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(pair);
    let pairs = pairs.collect::<Result<Vec<_>, Fault>>()?;
    Ok(T::deserialize(MapDeserializer::<_, Fault>::new(pairs.into_iter()))?)
}

/// A parameter that is a whole number.
pub(crate) fn whole(raw: &str) -> Result<i64, Violation> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Violation::new("type", "must be a whole number"));
    }
    // What does not fit is out of any range that we have.
    Ok(raw.parse().unwrap_or(if digits.len() < raw.len() { i64::MIN } else { i64::MAX }))
}

fn pair(pair: &str) -> Result<(String, Text), Fault> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let name = decode(name).ok_or_else(|| Fault::custom("has a name that is not UTF-8"))?;
    let Some(value) = decode(value) else { return Err(Fault::new(&name, "encoding", "must be UTF-8")) };
    if value.is_empty() {
        return Err(Fault::new(&name, "empty", "must not be empty; leave the parameter out instead"));
    }
    Ok((name, Text(value)))
}

fn decode(raw: &str) -> Option<String> {
    let spaced = if raw.contains('+') { Cow::Owned(raw.replace('+', " ")) } else { Cow::Borrowed(raw) };
    percent_decode(spaced.as_bytes()).decode_utf8().ok().map(Cow::into_owned)
}

/// The value of a parameter that is there: an optional field gets it as `Some`.
struct Text(String);

impl IntoDeserializer<'_, Fault> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Text {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// What is wrong with one parameter.
#[derive(Debug, thiserror::Error)]
#[error("{field}: {message}")]
struct Fault {
    field: String,
    code: &'static str,
    message: String,
}

impl Fault {
    fn new(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: shorten(field), code, message: message.into() }
    }
}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new("", "type", message.to_string())
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(field, "unknown", format!("is not known here; expected one of {}", expected.join(", ")))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(field, "duplicate", "must occur only once")
    }
}

impl From<Fault> for ApiError {
    fn from(Fault { field, code, message }: Fault) -> Self {
        Self::field(field, code, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Wanted {
        name: Option<String>,
        limit: Option<String>,
    }

    fn fault(raw: &str) -> (String, &'static str) {
        let pairs = raw.split('&').map(pair).collect::<Result<Vec<_>, Fault>>();
        let result = pairs.and_then(|pairs| Wanted::deserialize(MapDeserializer::new(pairs.into_iter())));
        let fault: Fault = result.unwrap_err();
        (fault.field, fault.code)
    }

    #[test]
    fn parameters_are_decoded() {
        let wanted = Wanted { name: Some("Ada L é&=".to_owned()), limit: None };
        assert_eq!(query::<Wanted>(Some("name=Ada+L%20%C3%A9%26=")).unwrap(), wanted);
        assert_eq!(query::<Wanted>(None).unwrap(), Wanted::default());
        assert_eq!(query::<Wanted>(Some("")).unwrap(), Wanted::default());
    }

    #[test]
    fn what_is_wrong_names_its_parameter() {
        for (raw, field, code) in [
            ("nam=a", "nam", "unknown"),
            ("name=a&name=b", "name", "duplicate"),
            ("name=", "name", "empty"),
            ("name", "name", "empty"),
            ("name=%FF", "name", "encoding"),
            ("%FF=1", "", "type"),
            ("na%6De=a&name=b", "name", "duplicate"),
        ] {
            assert_eq!(fault(raw), (field.to_owned(), code), "{raw}");
        }
    }

    #[test]
    fn a_whole_number_is_digits() {
        assert_eq!([whole("20"), whole("-1"), whole("007")].map(Result::unwrap), [20, -1, 7]);
        assert_eq!(whole("99999999999999999999").unwrap(), i64::MAX);
        assert_eq!(whole("-99999999999999999999").unwrap(), i64::MIN);
        for wrong in ["", "-", "+1", "1.0", "1e1", "0x1", " 1", "١"] {
            assert_eq!(whole(wrong).unwrap_err().code, "type", "{wrong:?}");
        }
    }
}
