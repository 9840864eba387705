//! Holds answers against the OpenAPI documents: a status that an operation does not declare, a body that does not fit
//! its schema and a member that no schema knows fail the test.

use crate::Reply;
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, OnceLock},
};

static DOCUMENTS: OnceLock<HashMap<String, Value>> = OnceLock::new();

/// Takes the documents from the binary at `plinth`, once in a process.
pub(crate) fn learn(plinth: &str) {
    DOCUMENTS
        .get_or_init(|| ["v1", "v2"].map(|version| (version.to_owned(), document(plinth, version))).into());
}

/// The OpenAPI document of `version` as the binary at `plinth` prints it.
pub fn document(plinth: &str, version: &str) -> Value {
    let mut command = std::process::Command::new(plinth);
    let printed = command.args(["openapi", version]).env_clear().output().expect("plinth runs");
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    serde_json::from_slice(&printed.stdout).expect("a document in JSON")
}

/// What in `value` breaks `schema`, which is a part of `document`; members that the schema does not name included.
pub fn breaches(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    errors(&compile(document, schema), value)
}

/// Fails unless `reply` is what the document says. Answers to paths that no document knows are not looked at.
pub(crate) fn check(method: &str, path: &str, reply: &Reply) {
    let path = path.split_once("://").map_or(path, |(_, rest)| &rest[rest.find('/').unwrap_or(rest.len())..]);
    let path = path.split('?').next().unwrap_or_default();
    let method = method.to_lowercase();
    let documents = DOCUMENTS.get().into_iter().flatten();
    let known = documents
        .filter_map(|(version, document)| Some((version, document, operation(document, path, &method)?)));
    for (version, document, (template, operation)) in known {
        let status = reply.status.to_string();
        let declared = &operation["responses"][&status];
        assert!(declared.is_object(), "{method} {template} does not declare {status}: {reply}");
        let declared = resolve(document, declared);
        let Some(content) = declared["content"].as_object() else {
            assert!(reply.body.is_empty(), "{method} {template} declares no body for {status}: {reply}");
            continue;
        };
        let media = reply.required("content-type").split(';').next().unwrap_or_default();
        let schema = content.get(media).and_then(|content| content.get("schema"));
        let schema =
            schema.unwrap_or_else(|| panic!("{method} {template} does not declare {media}: {reply}"));
        let name = format!("{version} {method} {template} {status} {media}");
        // The schema of a stream is that of each event.
        let bodies = if media == "text/event-stream" { events(&reply.text()) } else { vec![reply.json()] };
        for body in bodies {
            let errors = errors(&validator(name.clone(), document, schema), &body);
            assert!(errors.is_empty(), "{method} {template} breaks its schema: {errors:?}\n{reply}");
        }
    }
}

/// Those that have come whole, each with its fields. What has no data, such as a comment, is none (WHATWG HTML, section 9.2.6).
fn events(stream: &str) -> Vec<Value> {
    let blocks = stream.split_inclusive("\n\n").filter_map(|block| block.strip_suffix("\n\n"));
    let field = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.into()));
    let events = blocks.map(|block| block.lines().filter_map(field).collect::<Map<_, _>>());
    events.filter(|event| event.contains_key("data")).map(Value::Object).collect()
}

fn operation<'d>(document: &'d Value, path: &str, method: &str) -> Option<(&'d str, &'d Value)> {
    let fits = |template: &str| {
        let (parts, given) = (template.split('/'), path.split('/'));
        parts.clone().count() == given.clone().count()
            && parts
                .zip(given)
                .all(|(part, given)| part == given || (part.starts_with('{') && !given.is_empty()))
    };
    let paths = document["paths"].as_object()?;
    let (template, operations) = paths.iter().find(|(template, _)| fits(template))?;
    Some((template, operations.get(method)?))
}

fn resolve<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let reference =
        value["$ref"].as_str().and_then(|reference| document.pointer(reference.trim_start_matches('#')));
    reference.unwrap_or(value)
}

fn validator(name: String, document: &Value, schema: &Value) -> Arc<jsonschema::Validator> {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<jsonschema::Validator>>>> =
        LazyLock::new(Default::default);
    let mut validators = VALIDATORS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    validators.entry(name).or_insert_with(|| Arc::new(compile(document, schema))).clone()
}

fn compile(document: &Value, schema: &Value) -> jsonschema::Validator {
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "components": document["components"],
        "allOf": [schema],
    });
    close(&mut whole);
    jsonschema::validator_for(&whole).expect("a schema")
}

fn errors(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Forbids members that a schema does not name, which OpenAPI leaves open.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object) && is_closed(members) {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn is_closed(members: &Map<String, Value>) -> bool {
    !["additionalProperties", "allOf", "oneOf", "anyOf"].iter().any(|open| members.contains_key(*open))
}

#[cfg(test)]
mod tests;
