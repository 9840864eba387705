//! The keys out of the JSON schema of [`Config`].

use super::{Key, Kind, NAME, Section};
use crate::config::Config;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// All keys, section by section, and all sections, each before those inside it.
pub(super) fn read() -> (Vec<Key>, Vec<Section>) {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<Config>();
    let (mut keys, mut sections) = (Vec::new(), Vec::new());
    collect(schema.as_value(), "", &mut keys, &mut sections);
    (keys, sections)
}

fn collect(schema: &Value, path: &str, keys: &mut Vec<Key>, sections: &mut Vec<Section>) {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let named = family(schema).map(|member| (NAME, member));
    for (name, property) in properties.map(|(name, property)| (name.as_str(), property)).chain(named) {
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let description = text(property, "description");
        if property.get("properties").is_some() || family(property).is_some() {
            sections.push(Section { path: path.clone(), description });
            collect(property, &path, keys, sections);
        } else {
            keys.push(key(path, description, property));
        }
    }
}

/// The schema of each member, if this is the schema of sections whose names the user gives.
fn family(schema: &Value) -> Option<&Value> {
    schema.get("additionalProperties").filter(|member| member.get("properties").is_some())
}

fn key(path: String, description: String, schema: &Value) -> Key {
    let flag = |name| schema.get(name) == Some(&Value::Bool(true));
    let default = schema.get("default").cloned().unwrap_or_default();
    Key {
        kind: kind(schema, &default),
        optional: types(schema).contains(&"null"),
        default,
        path,
        description,
        secret: flag("x-secret"),
        required: flag("x-required"),
        reloadable: flag("x-reloadable"),
        development_only: schema.get("x-development-only").cloned(),
    }
}

fn kind(schema: &Value, default: &Value) -> Kind {
    let choices = choices(schema);
    if !choices.is_empty() {
        return Kind::Choice(choices);
    }
    let bound = |name| schema.get(name);
    let is_time = |text: &str| humantime::parse_duration(text).is_ok();
    match types(schema).first().copied() {
        Some("integer") => Kind::Whole {
            min: bound("minimum").and_then(Value::as_i64),
            max: bound("maximum").and_then(Value::as_i64),
        },
        Some("number") => Kind::Number {
            min: bound("minimum").and_then(Value::as_f64),
            max: bound("maximum").and_then(Value::as_f64),
        },
        Some("boolean") => Kind::Switch,
        Some("array") => Kind::List,
        Some("object") => Kind::Numbers,
        None => Kind::Json,
        // The schema of a duration is that of text; its default tells, or a mark where there is none.
        _ if default.as_str().is_some_and(is_time) || text(schema, "format") == "duration" => Kind::Duration,
        _ => Kind::Text,
    }
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// An enum whose variants are documented is a `oneOf` of constants, another one an `enum`.
fn choices(schema: &Value) -> Vec<String> {
    let list = |name| schema.get(name).and_then(Value::as_array).into_iter().flatten();
    let documented = list("oneOf").flat_map(|one| match one.get("const") {
        Some(constant) => vec![constant],
        None => one.get("enum").and_then(Value::as_array).into_iter().flatten().collect(),
    });
    let names = documented.chain(list("enum")).filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

/// On one line: a doc comment is broken where its source is.
fn text(schema: &Value, name: &str) -> String {
    schema.get(name).and_then(Value::as_str).unwrap_or_default().replace('\n', " ")
}
