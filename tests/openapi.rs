//! The OpenAPI documents against a running server, and against the list of routes: neither says what the other does not.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that fails says so by a panic")]

use plinth_tests::{Client, Setup, TestApp, command, document, on_sqlite, person};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_sqlite!(
    every_documented_operation_is_served,
    documents_and_routes_are_the_same,
    every_operation_is_explained,
    every_error_has_a_body_and_an_example_or_schema,
    both_versions_offer_the_same_use_cases,
    references_lead_somewhere,
);

/// A method and a path as a document has it.
type Operation = (String, String);

async fn every_documented_operation_is_served(setup: Setup) {
    let app = setup.start().await;
    for ((method, path), operation) in all_operations() {
        let made = app.person(&person(json!({}))).await;
        let url = path.replace("{id}", made["id"].as_str().expect("an id"));
        assert!(!url.contains('{'), "the test does not know the parameters of {path}");
        let mut body = operation["requestBody"].is_object().then(|| example_body(&operation));
        if let Some(email) = body.as_mut().and_then(|body| body.get_mut("email")) {
            *email = person(json!({}))["email"].take(); // the one of the example is taken after its first use
        }
        let request = client(&app).request(&method, &url).header("if-match", "*");
        let reply = match &body {
            Some(body) => request.json(body).await,
            None => request.await,
        };
        assert!(reply.status < 300, "{method} {path}, with its own example for a body: {reply}");
    }
}

async fn documents_and_routes_are_the_same(setup: Setup) {
    let listed = command(setup.plinth(), &["routes"]).run().await.succeeded();
    let routes: BTreeSet<Operation> = listed.lines().filter_map(route).collect();
    let documented: BTreeSet<Operation> =
        all_operations().into_iter().map(|(operation, _)| operation).collect();
    let versioned = |(_, path): &Operation| path.starts_with("/v1/") || path.starts_with("/v2/");
    let undocumented: Vec<_> =
        routes.iter().filter(|route| versioned(route) && !documented.contains(route)).collect();
    assert!(undocumented.is_empty(), "routes in no document: {undocumented:?}");
    let unlisted: Vec<_> = documented.difference(&routes).collect();
    assert!(unlisted.is_empty(), "documented, and no route: {unlisted:?}");
    assert!(documented.len() >= 12, "{documented:?}");
}

async fn every_operation_is_explained(_: Setup) {
    for ((method, path), operation) in all_operations() {
        let name = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        assert!(operation["operationId"].is_string(), "{name} has no id");
        let responses = operation["responses"].as_object().expect("responses");
        let has = |status: &str| responses.contains_key(status);
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name} never succeeds");
        assert!(has("500") && has("503") && has("504"), "{name} does not say how it fails");
        if path.contains("{id}") {
            assert!(has("404") && has("400"), "{name} does not say that there may be none");
        }
        if operation["requestBody"].is_object() {
            for status in ["400", "413", "415", "422"] {
                assert!(has(status), "{name} does not declare {status}");
            }
            assert!(example_body(&operation).is_object(), "{name} has no example of its body");
        }
        if path.starts_with("/v2") && ["PUT", "PATCH", "DELETE"].contains(&method.as_str()) {
            assert!(has("412") && has("428"), "{name} does not declare its conditions");
        }
    }
}

async fn every_error_has_a_body_and_an_example_or_schema(_: Setup) {
    for ((method, path), operation) in all_operations() {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            assert!(
                response["description"].is_string() || response["$ref"].is_string(),
                "{method} {path} {status}"
            );
            if status.starts_with('4') || status.starts_with('5') {
                let response = resolved(&path, response);
                let problem = &response["content"]["application/problem+json"];
                assert!(problem["schema"].is_object(), "{method} {path} {status}: {response}");
            }
        }
    }
}

async fn both_versions_offer_the_same_use_cases(_: Setup) {
    let of = |version: &str| -> BTreeSet<Operation> {
        let operations = operations(&document(env!("CARGO_BIN_EXE_plinth"), version)).into_iter();
        operations.map(|((method, path), _)| (method, path.replacen(version, "v", 1))).collect()
    };
    let (v1, v2) = (of("v1"), of("v2"));
    assert!(v2.is_subset(&v1), "{:?}", v2.difference(&v1));
    let deprecated: Vec<_> =
        all_operations().into_iter().filter(|(_, operation)| operation["deprecated"] == true).collect();
    assert_eq!(deprecated.iter().map(|((method, _), _)| method).collect::<Vec<_>>(), ["PUT"]);
}

async fn references_lead_somewhere(_: Setup) {
    for version in ["v1", "v2"] {
        let document = document(env!("CARGO_BIN_EXE_plinth"), version);
        assert_eq!(document["info"]["version"].as_str().map(str::is_empty), Some(false));
        let mut references = Vec::new();
        collect_references(&document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{version}: {reference}");
        }
    }
}

fn all_operations() -> Vec<(Operation, Value)> {
    let of = |version| operations(&document(env!("CARGO_BIN_EXE_plinth"), version));
    [of("v1"), of("v2")].concat()
}

fn operations(document: &Value) -> Vec<(Operation, Value)> {
    let methods = ["get", "put", "post", "delete", "patch", "head", "options", "trace"];
    let of_path = |(path, item): (&String, &Value)| {
        let item = item.as_object().expect("a path item").iter();
        let operations = item.filter(|(method, _)| methods.contains(&method.as_str()));
        operations
            .map(|(method, operation)| ((method.to_uppercase(), path.clone()), operation.clone()))
            .collect::<Vec<_>>()
    };
    document["paths"].as_object().expect("paths").iter().flat_map(of_path).collect()
}

/// The first example that a document gives of a request body, wherever OpenAPI allows one.
fn example_body(operation: &Value) -> Value {
    let content = operation["requestBody"]["content"].as_object().expect("a content");
    let media = content.values().next().expect("a media type");
    let path = if operation["operationId"].is_string() { "" } else { "none" };
    let named = media["examples"].as_object().and_then(|examples| examples.values().next());
    let direct = [&media["example"], named.map_or(&Value::Null, |example| &example["value"])];
    if let Some(example) = direct.into_iter().find(|example| !example.is_null()) {
        return example.clone();
    }
    from_schema(path, &media["schema"])
}

fn from_schema(path: &str, schema: &Value) -> Value {
    let schema = resolved(path, schema);
    let given = [&schema["example"], &schema["examples"][0]].into_iter().find(|example| !example.is_null());
    if let Some(example) = given {
        return example.clone();
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, property)| (name.clone(), from_schema(path, property)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn resolved(path: &str, value: &Value) -> Value {
    let Some(reference) = value["$ref"].as_str() else { return value.clone() };
    let versions: &[&str] = if path.starts_with("/v2") { &["v2"] } else { &["v1", "v2"] };
    let found = versions.iter().find_map(|version| {
        document(env!("CARGO_BIN_EXE_plinth"), version).pointer(reference.trim_start_matches('#')).cloned()
    });
    found.expect("references lead somewhere")
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}

fn route(line: &str) -> Option<Operation> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let method = words.iter().find(|word| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(word))?;
    let path = words.iter().find(|word| word.starts_with('/'))?;
    Some(((*method).to_owned(), (*path).to_owned()))
}

fn client(app: &TestApp) -> &Client {
    &app.client
}
