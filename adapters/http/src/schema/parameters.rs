//! Parameters that several operations share, each with an example.

use serde_json::json;
use utoipa::{
    IntoParams, PartialSchema as _,
    openapi::{
        KnownFormat, ObjectBuilder, Required, SchemaFormat,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::Type,
    },
};

/// The id in all examples.
pub(crate) const EXAMPLE_ID: &str = "01890b6f-0000-7000-8000-000000000000";

/// The header `If-Match` of a write.
pub(crate) struct IfMatchHeader;
/// The header `If-None-Match` of a read.
pub(crate) struct IfNoneMatchHeader;

/// The header `Last-Event-ID` of a client that comes back to a stream of events.
pub(crate) struct LastEventIdHeader;

/// The path parameter `id`, with a sentence that says whose.
pub(crate) fn id(description: &str) -> Parameter {
    let uuid = SchemaFormat::KnownFormat(KnownFormat::Uuid);
    let uuid = ObjectBuilder::new().schema_type(Type::String).format(Some(uuid));
    let id = ParameterBuilder::new().name("id").parameter_in(ParameterIn::Path).required(Required::True);
    id.description(Some(description)).schema(Some(uuid)).example(Some(json!(EXAMPLE_ID))).build()
}

impl IntoParams for IfMatchHeader {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Entity tags of the versions that may be written over, or `*` for any. Required if the \
            resource exists.";
        vec![header("If-Match", Required::True, description, "\"1\"")]
    }
}

impl IntoParams for IfNoneMatchHeader {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "Entity tags that the client has already.";
        vec![header("If-None-Match", Required::False, description, "\"1\"")]
    }
}

impl IntoParams for LastEventIdHeader {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let description = "The `id` of the last event that the client has seen.";
        vec![header("Last-Event-ID", Required::False, description, "1")]
    }
}

fn header(name: &str, required: Required, description: &str, example: &str) -> Parameter {
    let header = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header).required(required);
    header.description(Some(description)).schema(Some(String::schema())).example(Some(json!(example))).build()
}
