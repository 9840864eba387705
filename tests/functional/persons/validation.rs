//! What may not be said of a person, and that the answer names each field.

use plinth_tests::{Setup, on_both_stacks, person, person_v2, without};
use serde_json::{Value, json};

on_both_stacks!(
    each_wrong_value_names_its_field,
    all_wrong_fields_are_named_at_once,
    a_missing_field_is_named,
    an_unknown_field_is_named,
    the_edges_of_what_is_right_are_accepted,
    v2_names_its_own_fields,
    what_is_refused_is_not_written,
);

async fn each_wrong_value_names_its_field(setup: Setup) {
    let app = setup.start().await;
    for (field, values) in wrong_values() {
        for value in values {
            let reply = app.post("/v1/persons", &person(json!({field: value}))).await;
            reply.expect(422).problem().fields(&[field]);
        }
    }
}

async fn all_wrong_fields_are_named_at_once(setup: Setup) {
    let app = setup.start().await;
    let wrong = json!({"name": "", "email": "ada", "age": 151});
    app.post("/v1/persons", &wrong).await.expect(422).problem().fields(&["age", "email", "name"]);
}

async fn a_missing_field_is_named(setup: Setup) {
    let app = setup.start().await;
    for field in ["name", "email", "age"] {
        let reply = app.post("/v1/persons", &without(person(json!({})), field)).await;
        reply.expect(422).problem().fields(&[field]);
    }
}

async fn an_unknown_field_is_named(setup: Setup) {
    let app = setup.start().await;
    let made = app.person(&person(json!({}))).await;
    let url = format!("/v1/persons/{}", made["id"].as_str().expect("an id"));
    for field in ["colour", "id", "version", "full_name"] {
        app.post("/v1/persons", &person(json!({field: 1}))).await.expect(422).problem().fields(&[field]);
        app.put(&url, &person(json!({field: 1}))).await.expect(422).problem().fields(&[field]);
        app.patch(&url, &json!({field: 1})).await.expect(422).problem().fields(&[field]);
    }
}

async fn the_edges_of_what_is_right_are_accepted(setup: Setup) {
    let app = setup.start().await;
    for right in [
        json!({"age": 0}),
        json!({"age": 150}),
        json!({"name": "x"}),
        json!({"name": "\u{1f600}".repeat(200)}),
        json!({"name": "' OR 1=1 --"}),
        json!({"name": "Zoë 名前 \u{202e}"}),
    ] {
        let made = app.person(&person(right.clone())).await;
        for (field, value) in right.as_object().expect("an object") {
            assert_eq!(&made[field], value);
        }
    }
}

async fn v2_names_its_own_fields(setup: Setup) {
    let app = setup.start().await;
    let wrong = json!({"full_name": "", "email": "ada", "age": -1});
    app.post("/v2/persons", &wrong).await.expect(422).problem().fields(&["age", "email", "full_name"]);
    app.post("/v2/persons", &person_v2(json!({"name": "x"}))).await.expect(422).problem().fields(&["name"]);
}

async fn what_is_refused_is_not_written(setup: Setup) {
    let app = setup.start().await;
    let made = app.person(&person(json!({}))).await;
    let url = format!("/v1/persons/{}", made["id"].as_str().expect("an id"));
    app.patch(&url, &json!({"name": "Grace", "age": 999})).await.expect(422);
    app.put(&url, &person(json!({"email": "?"}))).await.expect(422);
    assert_eq!(app.get(&url).await.expect(200).json(), made);
}

fn wrong_values() -> [(&'static str, Vec<Value>); 3] {
    let long = "x".repeat(201);
    let name =
        vec![json!(""), json!("  "), json!(long), json!("a\nb"), json!("a\u{0}"), json!(1), json!(null)];
    let email = vec![
        json!(""),
        json!("ada"),
        json!("@"),
        json!("a\u{0}@example.com"),
        json!({}),
        json!(null),
        json!(true),
    ];
    let age = vec![
        json!(-1),
        json!(151),
        json!(1.5),
        json!("36"),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e300),
        json!([36]),
        json!(null),
    ];
    [("name", name), ("email", email), ("age", age)]
}
