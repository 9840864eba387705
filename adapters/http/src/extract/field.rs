//! One member of a JSON object: absent, null or a value. What a missing member means, the reader decides: an error in a
//! whole resource, "leave it" in a merge patch (RFC 7396).

use domain::{Invalid, Violation};
use serde::{Deserialize, Deserializer, de};
use std::fmt;

/// See the module. Wants `#[serde(default)]`.
#[derive(Debug, Default)]
pub(crate) enum Field<T> {
    /// Not there.
    #[default]
    Absent,
    /// `null`.
    Null,
    /// Anything else.
    Value(T),
}

impl<T> Field<T> {
    /// The parsed value; anything else is noted under `name`.
    pub(crate) fn required<U>(
        self,
        name: &str,
        invalid: &mut Invalid,
        parse: impl FnOnce(T) -> Result<U, Violation>,
    ) -> Option<U> {
        let parsed = match self {
            Self::Absent => Err(Violation::new("required", "is required")),
            Self::Null => Err(Violation::new("null", "must not be null")),
            Self::Value(value) => parse(value),
        };
        invalid.check(name, parsed)
    }

    /// The parsed value, or nothing if the member is absent. Null, which a merge patch sends to remove a member, is
    /// noted under `name`: the resource cannot be without it.
    pub(crate) fn patch<U>(
        self,
        name: &str,
        invalid: &mut Invalid,
        parse: impl FnOnce(T) -> Result<U, Violation>,
    ) -> Option<U> {
        match self {
            Self::Absent => None,
            present => present.required(name, invalid, parse),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Field<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Null, Self::Value))
    }
}

/// A whole number as JSON knows it: `30` and `30.0` and `3e1` are the same (JSON Schema, section 6.1.1). What does not
/// fit is the nearest that does, which is out of any range that we have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole(pub(crate) i64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

impl de::Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Whole, E> {
        Ok(Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Whole, E> {
        Ok(Whole(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Whole, E> {
        if number.fract() != 0.0 {
            return Err(E::invalid_type(de::Unexpected::Float(number), &self));
        }
        Ok(Whole(number as i64)) // saturates
    }
}
