//! Persons in v2: other shapes, and writes only by those who have seen the latest version.

use plinth_tests::{Setup, TestApp, on_both_stacks, person, person_v2};
use serde_json::{Value, json};

on_both_stacks!(
    a_person_of_v2_has_its_own_shape,
    a_list_of_v2_has_its_own_envelope,
    both_versions_show_the_same_persons,
    what_has_not_changed_is_not_sent_again,
    a_write_without_a_condition_is_refused,
    a_write_on_an_old_version_is_refused,
    a_write_answers_the_new_version,
    a_condition_that_is_no_etag_never_holds,
    any_version_will_do_for_a_star,
);

async fn a_person_of_v2_has_its_own_shape(setup: Setup) {
    let app = setup.start().await;
    let body = person_v2(json!({"full_name": "Ada Lovelace", "age": 36}));
    let created = app.post("/v2/persons", &body).await.expect(201);
    let made = created.json();
    let id = made["id"].as_str().expect("an id");
    assert!(created.required("location").ends_with(&format!("/v2/persons/{id}")), "{created}");
    let meta = &made["meta"];
    let expected = json!({
        "id": id, "full_name": "Ada Lovelace", "email": body["email"], "age": 36,
        "meta": {"version": 1, "created_at": meta["created_at"], "updated_at": meta["created_at"]},
    });
    assert_eq!(made, expected);
    assert!(meta["created_at"].as_str().is_some_and(|at| at.ends_with('Z')));
}

async fn a_list_of_v2_has_its_own_envelope(setup: Setup) {
    let app = setup.start().await;
    let empty = app.get("/v2/persons").await.expect(200).json();
    assert_eq!(empty, json!({"items": [], "page": {"limit": 20, "next": null, "prev": null}}));
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(app.post("/v2/persons", &person_v2(json!({}))).await.expect(201).json());
    }
    let first = app.get("/v2/persons?limit=2").await.expect(200).json();
    assert_eq!((&first["items"], &first["page"]["limit"]), (&json!(made[..2]), &json!(2)));
    let second = app.get(first["page"]["next"].as_str().expect("a link")).await.expect(200).json();
    assert_eq!(second["items"], json!(made[2..]));
    let back = app.get(second["page"]["prev"].as_str().expect("a link")).await.expect(200).json();
    assert_eq!(back["items"], first["items"]);
}

async fn both_versions_show_the_same_persons(setup: Setup) {
    let app = setup.start().await;
    let made = app.person(&person(json!({"name": "Ada"}))).await;
    let id = made["id"].as_str().expect("an id");
    let seen = app.get(&format!("/v2/persons/{id}")).await.expect(200).json();
    assert_eq!(
        (&seen["full_name"], &seen["email"], &seen["age"]),
        (&made["name"], &made["email"], &made["age"])
    );
    app.patch(&format!("/v1/persons/{id}"), &json!({"age": 99})).await.expect(200);
    let seen = app.get(&format!("/v2/persons/{id}")).await.expect(200).json();
    assert_eq!((&seen["age"], &seen["meta"]["version"]), (&json!(99), &json!(2)));
}

async fn what_has_not_changed_is_not_sent_again(setup: Setup) {
    let app = setup.start().await;
    let (url, etag) = create(&app).await;
    let same = app.get(&url).header("if-none-match", &etag).await.expect(304);
    assert!(same.body.is_empty());
    assert_eq!(same.required("etag"), etag);
    app.get(&url).header("if-none-match", &format!("\"x\", W/{etag}")).await.expect(304);
    app.get(&url).header("if-none-match", "*").await.expect(304);
    app.get(&url).header("if-none-match", "\"x\"").await.expect(200);
    app.patch(&url, &json!({"age": 1})).header("if-match", &etag).await.expect(200);
    app.get(&url).header("if-none-match", &etag).await.expect(200);
}

async fn a_write_without_a_condition_is_refused(setup: Setup) {
    let app = setup.start().await;
    let (url, _) = create(&app).await;
    app.put(&url, &person_v2(json!({}))).await.expect(428).problem();
    app.patch(&url, &json!({"age": 1})).await.expect(428).problem();
    app.delete(&url).await.expect(428).problem();
    assert_eq!(app.get(&url).await.json()["meta"]["version"], 1);
}

async fn a_write_on_an_old_version_is_refused(setup: Setup) {
    let app = setup.start().await;
    let (url, old) = create(&app).await;
    app.patch(&url, &json!({"age": 1})).header("if-match", &old).await.expect(200);
    app.put(&url, &person_v2(json!({}))).header("if-match", &old).await.expect(412).problem();
    app.patch(&url, &json!({"age": 2})).header("if-match", &old).await.expect(412).problem();
    app.delete(&url).header("if-match", &old).await.expect(412).problem();
    assert_eq!(app.get(&url).await.json()["age"], 1);
}

async fn a_write_answers_the_new_version(setup: Setup) {
    let app = setup.start().await;
    let (url, first) = create(&app).await;
    let patched = app.patch(&url, &json!({"age": 1})).header("if-match", &first).await.expect(200);
    let second = patched.required("etag").to_owned();
    assert_ne!(second, first);
    let replaced = app.put(&url, &person_v2(json!({}))).header("if-match", &second).await.expect(200);
    let third = replaced.required("etag").to_owned();
    assert_eq!(app.get(&url).await.required("etag"), third);
    app.delete(&url).header("if-match", &third).await.expect(204);
    app.get(&url).await.expect(404).problem();
}

async fn a_condition_that_is_no_etag_never_holds(setup: Setup) {
    let app = setup.start().await;
    let (url, etag) = create(&app).await;
    for wrong in ["\"nonsense\"", "\"99999999999999999999\"", &format!("W/{etag}")] {
        app.patch(&url, &json!({"age": 2})).header("if-match", wrong).await.expect(412).problem();
    }
}

async fn any_version_will_do_for_a_star(setup: Setup) {
    let app = setup.start().await;
    let (url, etag) = create(&app).await;
    app.patch(&url, &json!({"age": 1})).header("if-match", &etag).await.expect(200);
    app.patch(&url, &json!({"age": 2})).header("if-match", "*").await.expect(200);
    app.delete(&url).header("if-match", "*").await.expect(204);
}

/// A person's address and its version.
async fn create(app: &TestApp) -> (String, String) {
    let created = app.post("/v2/persons", &person_v2(json!({}))).await.expect(201);
    let id: Value = created.json()["id"].clone();
    (format!("/v2/persons/{}", id.as_str().expect("an id")), created.required("etag").to_owned())
}
