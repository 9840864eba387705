//! The OpenAPI documents against a running server, and against the list of routes: neither says what the other does not.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that fails says so by a panic")]

use plinth_tests::{Setup, TestApp, breaches, command, document, on_sqlite, person};
use serde_json::{Value, json};
use std::{collections::BTreeSet, sync::LazyLock};

on_sqlite!(
    every_documented_operation_is_served,
    plinth_routes_lists_every_documented_operation,
    every_operation_is_explained,
    every_error_has_a_description_and_a_schema,
    everything_in_json_and_every_parameter_has_an_example_that_fits,
    both_versions_offer_the_same_use_cases,
    references_lead_somewhere,
);

static DOCUMENTS: LazyLock<[(&str, Value); 2]> =
    LazyLock::new(|| ["v1", "v2"].map(|version| (version, document(env!("CARGO_BIN_EXE_plinth"), version))));

/// What a document says of one method of one path.
struct Operation {
    document: &'static Value,
    method: String,
    path: &'static str,
    facts: &'static Value,
}

async fn every_documented_operation_is_served(setup: Setup) {
    let app = setup.start().await;
    for operation in operations() {
        let Operation { method, path, .. } = &operation;
        let url = path.replace("{id}", &id_for(&app, path).await);
        assert!(!url.contains('{'), "the test does not know the parameters of {path}");
        let mut body = operation.facts["requestBody"].is_object().then(|| operation.example_body());
        if let Some(email) = body.as_mut().and_then(|body| body.get_mut("email")) {
            *email = person(json!({}))["email"].take(); // the one of the example is taken after its first use
        }
        let request = app.client.request(method, &url).header("if-match", "*");
        let reply = match (&body, operation.media_type()) {
            (Some(body), Some("multipart/form-data")) => {
                request.body("multipart/form-data; boundary=b", form(body)).await
            }
            (Some(body), _) => request.json(body).await,
            (None, _) => request.await,
        };
        assert!(reply.status < 300, "{method} {path}, with its own example for a body: {reply}");
    }
}

/// The id of what an operation on `path` can be tried on: a person, a task that can be cancelled, or one that has ended, since
/// its events end too, and it can be retried.
async fn id_for(app: &TestApp, path: &str) -> String {
    let person = app.person(&person(json!({}))).await;
    if !path.contains("/tasks/") {
        return person["id"].as_str().expect("an id").to_owned();
    }
    let birthday = format!("/v1/persons/{}/add-one-year", person["id"].as_str().expect("an id"));
    let task = app.client.request("POST", &birthday).await.expect(202).json();
    let task = task["id"].as_str().expect("an id").to_owned();
    if !path.ends_with("/cancel") {
        app.client.request("POST", &format!("/v1/tasks/{task}/cancel")).await.expect(200);
    }
    task
}

/// A form of files (RFC 7578), one for each member of `example`; its boundary is `b`.
fn form(example: &Value) -> String {
    let part = |(name, content): (&String, &Value)| {
        let content = content.as_str().expect("the text of a file");
        let head = format!("content-disposition: form-data; name=\"{name}\"; filename=\"{name}.csv\"");
        format!("--b\r\n{head}\r\n\r\n{content}\r\n")
    };
    let parts: String = example.as_object().expect("an object").iter().map(part).collect();
    format!("{parts}--b--\r\n")
}

async fn plinth_routes_lists_every_documented_operation(setup: Setup) {
    let listed = command(setup.plinth(), &["routes"]).run().await.succeeded();
    let listed: BTreeSet<(&str, &str)> = listed.lines().filter_map(route).collect();
    let documented = operations();
    let unlisted: Vec<_> = documented
        .iter()
        .map(|operation| (operation.method.as_str(), operation.path))
        .filter(|operation| !listed.contains(operation))
        .collect();
    assert!(unlisted.is_empty(), "documented, and no route: {unlisted:?}");
    let versioned = listed.iter().filter(|(_, path)| path.starts_with("/v1/") || path.starts_with("/v2/"));
    assert_eq!(versioned.count(), documented.len(), "{listed:?}");
    assert!(documented.len() >= 12);
}

async fn every_operation_is_explained(_: Setup) {
    for operation in operations() {
        let (name, facts) = (operation.name(), operation.facts);
        assert!(facts["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        assert!(facts["operationId"].is_string(), "{name} has no id");
        let responses = facts["responses"].as_object().expect("responses");
        let has = |status: &str| responses.contains_key(status);
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name} never succeeds");
        assert!(has("500") && has("503") && has("504"), "{name} does not say how it fails");
        if operation.path.contains("{id}") {
            assert!(has("404") && has("400"), "{name} does not say that there may be none");
        }
        if facts["requestBody"].is_object() {
            for status in ["400", "413", "415", "422"] {
                assert!(has(status), "{name} does not declare {status}");
            }
            assert!(operation.example_body().is_object(), "{name} has no example of its body");
        }
        if operation.path.starts_with("/v2")
            && ["PUT", "PATCH", "DELETE"].contains(&operation.method.as_str())
        {
            assert!(has("412") && has("428"), "{name} does not declare its conditions");
        }
    }
}

async fn every_error_has_a_description_and_a_schema(_: Setup) {
    for operation in operations() {
        for (status, response) in operation.responses() {
            let name = format!("{} {status}", operation.name());
            assert!(response["description"].is_string(), "{name}");
            if status.starts_with('4') || status.starts_with('5') {
                let problem = &response["content"]["application/problem+json"];
                assert!(problem["schema"].is_object(), "{name}: {response}");
            }
        }
    }
}

async fn everything_in_json_and_every_parameter_has_an_example_that_fits(_: Setup) {
    for operation in operations() {
        let bodies = operation.responses().map(|(status, response)| (status.as_str(), response));
        for (part, described) in bodies.chain([("request", &operation.facts["requestBody"])]) {
            for (media_type, body) in described["content"].as_object().into_iter().flatten() {
                operation.has_fitting_example(&format!("{part} {media_type}"), body);
            }
        }
        for parameter in operation.facts["parameters"].as_array().into_iter().flatten() {
            let parameter = operation.resolved(parameter);
            if parameter["in"] != "query" || parameter["example"] != Value::Null {
                operation.has_fitting_example(&parameter["name"].to_string(), parameter);
            }
        }
    }
}

async fn both_versions_offer_the_same_use_cases(_: Setup) {
    let of = |version: &str| -> BTreeSet<(String, String)> {
        let operations = operations().into_iter().filter(|one| one.path.starts_with(&format!("/{version}/")));
        operations.map(|one| (one.method, one.path.replacen(version, "v", 1))).collect()
    };
    let (v1, v2) = (of("v1"), of("v2"));
    assert!(!v2.is_empty() && v2.is_subset(&v1), "{:?}", v2.difference(&v1));
    let deprecated = operations().into_iter().filter(|operation| operation.facts["deprecated"] == true);
    assert_eq!(deprecated.map(|operation| operation.method).collect::<Vec<_>>(), ["PUT"]);
}

async fn references_lead_somewhere(_: Setup) {
    for (version, document) in &*DOCUMENTS {
        assert_eq!(document["info"]["version"].as_str().map(str::is_empty), Some(false));
        let mut references = Vec::new();
        collect_references(document, &mut references);
        assert!(!references.is_empty());
        for reference in references {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{version}: {reference}");
        }
    }
}

/// Of both versions.
fn operations() -> Vec<Operation> {
    let methods = ["get", "put", "post", "delete", "patch", "head", "options", "trace"];
    let of_document = |(_, document): &'static (&str, Value)| {
        let paths = document["paths"].as_object().expect("paths").iter();
        paths.flat_map(move |(path, item)| {
            let item = item.as_object().expect("a path item").iter();
            let known = item.filter(move |(method, _)| methods.contains(&method.as_str()));
            known.map(move |(method, facts)| Operation {
                document,
                method: method.to_uppercase(),
                path,
                facts,
            })
        })
    };
    DOCUMENTS.iter().flat_map(of_document).collect()
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// With their statuses.
    fn responses(&self) -> impl Iterator<Item = (&'static String, &'static Value)> {
        let responses = self.facts["responses"].as_object().expect("responses").iter();
        responses.map(|(status, response)| (status, self.resolved(response)))
    }

    /// In which a body is sent, if there is one.
    fn media_type(&self) -> Option<&'static str> {
        Some(self.facts["requestBody"]["content"].as_object()?.keys().next()?.as_str())
    }

    /// The first example that the document gives of the request body, wherever OpenAPI allows one.
    fn example_body(&self) -> Value {
        let content = self.facts["requestBody"]["content"].as_object().expect("a content");
        let media = content.values().next().expect("a media type");
        let named = media["examples"].as_object().and_then(|examples| examples.values().next());
        let direct = [&media["example"], named.map_or(&Value::Null, |example| &example["value"])];
        match direct.into_iter().find(|example| !example.is_null()) {
            Some(example) => example.clone(),
            None => self.example_of(&media["schema"]),
        }
    }

    fn example_of(&self, schema: &'static Value) -> Value {
        let schema = self.resolved(schema);
        let given =
            [&schema["example"], &schema["examples"][0]].into_iter().find(|example| !example.is_null());
        if let Some(example) = given {
            return example.clone();
        }
        let properties = schema["properties"].as_object().into_iter().flatten();
        properties
            .map(|(name, property)| (name.clone(), self.example_of(property)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// `described` has a schema, and an example that keeps it.
    fn has_fitting_example(&self, part: &str, described: &Value) {
        let (name, example) = (self.name(), &described["example"]);
        assert!(!example.is_null(), "{name}, {part} has no example");
        let breaches = breaches(self.document, &described["schema"], example);
        assert!(breaches.is_empty(), "{name}, the example of {part} breaks its schema: {breaches:?}");
    }

    fn resolved(&self, value: &'static Value) -> &'static Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        self.document.pointer(reference.trim_start_matches('#')).expect("references lead somewhere")
    }
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

/// Method and path of a line of `plinth routes`.
fn route(line: &str) -> Option<(&str, &str)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let method = words.iter().find(|word| ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(word))?;
    let path = words.iter().find(|word| word.starts_with('/'))?;
    Some((method, path))
}
