//! Many at once: of those who change the same version one wins, and the others are told; of those who name no version
//! everybody is served, one after the other.

use futures_util::future::join_all;
use plinth_tests::{Reply, Setup, TestApp, on_both_stacks, person, person_v2};
use serde_json::json;

on_both_stacks!(
    of_twenty_who_patch_the_same_version_one_wins,
    of_twenty_who_take_the_same_address_one_gets_it,
    twenty_birthdays_at_once_are_twenty_years,
    whoever_means_to_overwrite_does,
    of_twenty_who_delete_one_does,
);

async fn of_twenty_who_patch_the_same_version_one_wins(setup: Setup) {
    let app = setup.start().await;
    let created = app.post("/v2/persons", &person_v2(json!({"age": 0}))).await.expect(201);
    let (url, etag) = (created.required("location"), created.required("etag"));
    let patches =
        (1..=20).map(|age| app.patch(url, &json!({"age": age})).header("if-match", etag).into_future());
    let replies = join_all(patches).await;
    assert_eq!((count(&replies, 200), count(&replies, 412)), (1, 19));
    let winner = replies.iter().find(|reply| reply.status == 200).expect("one has won").json();
    assert_eq!(app.get(url).await.expect(200).json(), winner);
}

async fn of_twenty_who_take_the_same_address_one_gets_it(setup: Setup) {
    let app = setup.start().await;
    let body = person(json!({}));
    let replies = join_all((0..20).map(|_| app.post("/v1/persons", &body).into_future())).await;
    assert_eq!((count(&replies, 201), count(&replies, 409)), (1, 19));
}

async fn twenty_birthdays_at_once_are_twenty_years(setup: Setup) {
    let app = TestApp::all(setup).await;
    let made = app.person(&person(json!({"age": 0}))).await;
    let url = format!("/v1/persons/{}", made["id"].as_str().expect("an id"));
    let birthday = format!("{url}/add-one-year");
    let replies = join_all((0..20).map(|_| app.client.request("POST", &birthday).into_future())).await;
    assert_eq!(count(&replies, 202), 20, "{replies:?}");
    let ended = join_all(replies.iter().map(|reply| app.ended_task(reply.required("location")))).await;
    assert!(ended.iter().all(|task| task["state"] == "succeeded"), "{ended:?}");
    assert_eq!(app.get(&url).await.expect(200).json()["age"], 20);
}

async fn whoever_means_to_overwrite_does(setup: Setup) {
    let app = setup.start().await;
    let created = app.post("/v2/persons", &person_v2(json!({"age": 0}))).await.expect(201);
    let url = created.required("location");
    let patches =
        (1..=20).map(|age| app.patch(url, &json!({"age": age})).header("if-match", "*").into_future());
    let replies = join_all(patches).await;
    assert_eq!(count(&replies, 200), 20, "{replies:?}");
    assert_eq!(app.get(url).await.expect(200).json()["meta"]["version"], 21);
}

async fn of_twenty_who_delete_one_does(setup: Setup) {
    let app = setup.start().await;
    let made = app.person(&person(json!({}))).await;
    let url = format!("/v1/persons/{}", made["id"].as_str().expect("an id"));
    let replies = join_all((0..20).map(|_| app.delete(&url).into_future())).await;
    assert_eq!((count(&replies, 204), count(&replies, 404)), (1, 19), "{replies:?}");
}

fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}
