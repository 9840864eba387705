//! Schemas that several bodies and parameters share. They say exactly what the domain accepts, so that a client can
//! check before it sends; the limits are the domain's own.

mod parameters;
mod tasks;

pub(crate) use parameters::{EXAMPLE_ID, IfMatchHeader, IfNoneMatchHeader, LastEventIdHeader, id};
pub(crate) use tasks::{
    EndReason, FaultCode, GroupRole, Priority, QueueName, RequestId, TaskKind, TaskState,
};

use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

/// White space around is dropped, control characters are refused, and something must remain. White space is Unicode's
/// `White_Space`, spelled out because dialects of regular expressions differ on `\s`.
const LINE: &str = concat!(
    r"^[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"([^\u0000-\u001f\u007f-\u009f]*",
    r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])?",
    r"[\u0009-\u000d\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*$"
);
/// See [`domain::EmailAddress`]; that 64 characters may stand before the `@` is left to the format.
const EMAIL: &str = concat!(
    r"^[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]+)*@",
    r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$"
);

/// The name of a person.
pub(crate) struct PersonName;
/// The e-mail address of a person.
pub(crate) struct EmailAddress;
/// The age of a person.
pub(crate) struct Age;
/// How many items a page may have.
pub(crate) struct Limit;

impl PartialSchema for PersonName {
    fn schema() -> RefOr<Schema> {
        let name = text(LINE, 1, domain::PersonName::MAX_LENGTH);
        name.description(Some("Surrounding white space is dropped.")).examples([json!("Ada Lovelace")]).into()
    }
}

impl PartialSchema for EmailAddress {
    fn schema() -> RefOr<Schema> {
        let email = text(EMAIL, 3, domain::EmailAddress::MAX_LENGTH);
        email
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Email)))
            .description(Some("Kept as typed; unique among persons regardless of case."))
            .examples([json!("ada@example.com")])
            .into()
    }
}

impl PartialSchema for Age {
    fn schema() -> RefOr<Schema> {
        let age = whole(0, domain::Age::MAX.into());
        age.description(Some("In whole years.")).examples([json!(36)]).into()
    }
}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        let limit = whole(1, domain::Limit::MAX.get().into());
        limit.default(Some(json!(domain::Limit::DEFAULT.get()))).into()
    }
}

impl ToSchema for PersonName {}
impl ToSchema for EmailAddress {}
impl ToSchema for Age {}
impl ToSchema for Limit {}

/// One of `keys`, or one of them with `-` in front for the other direction.
pub(crate) fn sort(keys: &[&str]) -> RefOr<Schema> {
    let both = keys.iter().flat_map(|key| [(*key).to_owned(), format!("-{key}")]);
    let sort = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(both));
    sort.default(keys.first().map(|key| json!(key))).into()
}

fn text(pattern: &str, min: usize, max: usize) -> ObjectBuilder {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    text.min_length(Some(min)).max_length(Some(max))
}

fn whole(min: i64, max: i64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(min)).maximum(Some(max))
}

#[cfg(test)]
mod tests;
