//! One person in v1: create, get, replace, patch, delete, one more year.

use plinth_tests::{Reply, Setup, on_both_stacks, person, without};
use serde_json::{Value, json};

on_both_stacks!(
    a_created_person_is_where_location_says,
    surrounding_space_is_dropped_and_the_address_kept_as_typed,
    a_replaced_person_has_only_new_details,
    replacing_is_deprecated_on_success_and_on_error,
    a_patch_changes_what_it_names,
    a_patch_that_says_nothing_new_writes_nothing,
    a_patch_may_come_as_plain_json,
    a_deleted_person_is_gone,
    an_address_is_taken_regardless_of_case,
    an_address_is_free_again_after_its_person_is_deleted,
    nobody_is_found_under_an_unknown_id,
);

async fn a_created_person_is_where_location_says(setup: Setup) {
    let app = setup.start().await;
    let body = person(json!({"name": "Ada Lovelace", "age": 36}));
    let created = app.post("/v1/persons", &body).await.expect(201);
    let location = created.required("location").to_owned();
    let found = app.get(&location).await.expect(200).json();
    assert_eq!(found, created.json());
    assert!(location.ends_with(&url_of(&found)), "{location}");
    for member in ["name", "email", "age"] {
        assert_eq!(found[member], body[member]);
    }
}

async fn surrounding_space_is_dropped_and_the_address_kept_as_typed(setup: Setup) {
    let app = setup.start().await;
    let made = app.person(&person(json!({"name": "  Ada\u{2003}", "email": " Ada@Example.COM "}))).await;
    assert_eq!((&made["name"], &made["email"]), (&json!("Ada"), &json!("Ada@Example.COM")));
}

async fn a_replaced_person_has_only_new_details(setup: Setup) {
    let app = setup.start().await;
    let url = url_of(&app.person(&person(json!({}))).await);
    let new = person(json!({"name": "Grace Hopper", "age": 85}));
    let replaced = app.put(&url, &new).await.expect(200).json();
    assert_eq!(details(&replaced), new);
    assert_eq!(app.get(&url).await.expect(200).json(), replaced);
    app.put(&url, &without(person(json!({})), "age")).await.expect(422).problem().fields(&["age"]);
}

async fn replacing_is_deprecated_on_success_and_on_error(setup: Setup) {
    let app = setup.start().await;
    let url = url_of(&app.person(&person(json!({}))).await);
    let is_deprecated = |reply: &Reply| {
        assert!(reply.required("deprecation").starts_with('@'), "RFC 9745: {reply}");
        assert!(reply.required("sunset").ends_with(" GMT"), "RFC 8594: {reply}");
        assert!(reply.required("link").contains("rel=\"successor-version\""), "{reply}");
        reply.required("x-deprecated");
    };
    is_deprecated(&app.put(&url, &person(json!({}))).await.expect(200));
    is_deprecated(&app.put(&url, &json!({"age": "old"})).await.expect(422));
    is_deprecated(&app.put(&url, &json!([])).await.expect(422));
    is_deprecated(&app.put("/v1/persons/nobody", &person(json!({}))).await.expect(400));
    let current = app.patch(&url, &json!({"age": 3})).await.expect(200);
    assert_eq!(current.header("deprecation"), None);
}

async fn a_patch_changes_what_it_names(setup: Setup) {
    let app = setup.start().await;
    let before = app.person(&person(json!({"age": 36}))).await;
    let after = app.patch(&url_of(&before), &json!({"age": 37})).await.expect(200).json();
    assert_eq!(after["age"], 37);
    assert_eq!((&after["name"], &after["email"]), (&before["name"], &before["email"]));
    let null = app.patch(&url_of(&before), &json!({"name": null})).await;
    null.expect(422).problem().fields(&["name"]);
}

async fn a_patch_that_says_nothing_new_writes_nothing(setup: Setup) {
    let app = setup.start().await;
    let before = app.person(&person(json!({}))).await;
    for nothing_new in [json!({}), json!({"age": before["age"]})] {
        let after = app.patch(&url_of(&before), &nothing_new).await.expect(200).json();
        assert_eq!(after, before);
    }
}

async fn a_patch_may_come_as_plain_json(setup: Setup) {
    let app = setup.start().await;
    let url = url_of(&app.person(&person(json!({}))).await);
    let patched = app.client.request("PATCH", &url).json(&json!({"age": 1})).await.expect(200).json();
    assert_eq!(patched["age"], 1);
}

async fn a_deleted_person_is_gone(setup: Setup) {
    let app = setup.start().await;
    let url = url_of(&app.person(&person(json!({}))).await);
    let deleted = app.delete(&url).await.expect(204);
    assert!(deleted.body.is_empty());
    app.get(&url).await.expect(404).problem();
    app.delete(&url).await.expect(404).problem();
    app.patch(&url, &json!({"age": 1})).await.expect(404).problem();
    let list = app.get("/v1/persons").await.expect(200).json();
    assert_eq!(list["objects"], json!([]));
}

async fn an_address_is_taken_regardless_of_case(setup: Setup) {
    let app = setup.start().await;
    app.person(&person(json!({"email": "ada@example.com"}))).await;
    let second = person(json!({"email": "ADA@example.COM"}));
    app.post("/v1/persons", &second).await.expect(409).problem().says("email");
    let other = url_of(&app.person(&person(json!({}))).await);
    app.put(&other, &second).await.expect(409).problem().says("email");
    app.patch(&other, &json!({"email": "Ada@Example.com"})).await.expect(409).problem().says("email");
}

async fn an_address_is_free_again_after_its_person_is_deleted(setup: Setup) {
    let app = setup.start().await;
    let body = person(json!({}));
    let url = url_of(&app.person(&body).await);
    app.delete(&url).await.expect(204);
    app.person(&body).await;
}

async fn nobody_is_found_under_an_unknown_id(setup: Setup) {
    let app = setup.start().await;
    let url = "/v1/persons/0190b6f0-0000-7000-8000-000000000000";
    app.get(url).await.expect(404).problem();
    app.put(url, &person(json!({}))).await.expect(404).problem();
    app.patch(url, &json!({"age": 1})).await.expect(404).problem();
    app.delete(url).await.expect(404).problem();
    app.client.request("POST", &format!("{url}/add-one-year")).await.expect(404).problem();
}

fn url_of(person: &Value) -> String {
    format!("/v1/persons/{}", person["id"].as_str().expect("an id"))
}

fn details(person: &Value) -> Value {
    json!({"name": person["name"], "email": person["email"], "age": person["age"]})
}
