//! What version 2 says otherwise.

use crate::testing::{ID, TASK_V2, V2, ada, app, birthday, finding_ada, get, json, request, send, untouched};
use application::{Error, MockPersonRepository};
use domain::{Page, PersonOrder, Version};
use serde_json::{Value, json};

fn ada_as_json() -> Value {
    json!({
        "id": ID.0.to_string(), "full_name": "Ada", "email": "ada@example.com", "age": 36,
        "meta": {
            "version": 2,
            "created_at": "1970-01-01T00:00:00.000000Z",
            "updated_at": "1970-01-01T00:00:05.000000Z",
        },
    })
}

#[tokio::test]
async fn a_list_tells_where_its_page_stands() {
    let mut persons = MockPersonRepository::new();
    let named =
        |query: &domain::PersonQuery| query.filter.name.is_some() && query.sort.order == PersonOrder::Name;
    persons
        .expect_list()
        .withf(named)
        .once()
        .return_once(|_| Ok(Page { items: vec![ada()], next: None, prev: None }));
    let answer = get(&app(persons), "/v2/persons?full_name=A&sort=full_name&limit=7").await;
    assert_eq!(
        answer.json(),
        json!({"items": [ada_as_json()], "page": {"limit": 7, "next": null, "prev": null}})
    );
}

#[tokio::test]
async fn names_of_version_1_are_unknown() {
    get(&app(untouched()), "/v2/persons?name=A").await.is_problem(422, &[("name", "unknown")]);
    get(&app(untouched()), "/v2/persons?sort=name").await.is_problem(422, &[("sort", "sort")]);
    let answer = send(&app(untouched()), json("POST", "/v2/persons"), r#"{"name":"A"}"#).await;
    answer.is_problem(422, &[("name", "unknown")]);
}

#[tokio::test]
async fn errors_speak_of_full_name() {
    let body = r#"{"full_name":" ","email":"ada@example.com","age":1}"#;
    send(&app(untouched()), json("POST", "/v2/persons"), body)
        .await
        .is_problem(422, &[("full_name", "too_short")]);
    let mut persons = MockPersonRepository::new();
    persons.expect_insert().once().returning(|_, _| Err(Error::conflict("name", "taken", "is taken")));
    let body = r#"{"full_name":"Ada","email":"ada@example.com","age":1}"#;
    send(&app(persons), json("POST", "/v2/persons"), body).await.is_problem(409, &[("full_name", "taken")]);
}

#[tokio::test]
async fn a_created_person_has_a_url_and_a_tag() {
    let mut persons = MockPersonRepository::new();
    persons.expect_insert().once().returning(|_, _| Ok(()));
    let body = r#"{"full_name":"Ada","email":"ada@example.com","age":36}"#;
    let answer = send(&app(persons), json("POST", "/v2/persons"), body).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (201, Some("\"1\"")));
    assert_eq!(answer.header("location"), Some(&*format!("http://api.test{V2}")));
}

#[tokio::test]
async fn an_unchanged_person_is_not_sent_again() {
    let fresh = get(&app(finding_ada()), V2).await;
    assert_eq!((fresh.json(), fresh.header("etag")), (ada_as_json(), Some("\"2\"")));
    for (tag, status) in [("\"2\"", 304), ("W/\"2\"", 304), ("\"1\", \"2\"", 304), ("*", 304), ("\"1\"", 200)]
    {
        let answer = send(&app(finding_ada()), request("GET", V2).header("if-none-match", tag), "").await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (status, Some("\"2\"")), "{tag}");
        assert_eq!(answer.body.is_empty(), status == 304);
    }
}

#[tokio::test]
async fn a_write_over_the_seen_version_succeeds() {
    for tag in ["\"2\"", "*", "\"1\", \"2\""] {
        let mut persons = MockPersonRepository::new();
        persons.expect_find().times(1..=2).returning(|_| Ok(Some(ada())));
        persons.expect_update().withf(|_, read, _| read.number() == 2).once().returning(|_, _, _| Ok(()));
        let patch = json("PATCH", V2).header("if-match", tag);
        let answer = send(&app(persons), patch, r#"{"age":40}"#).await;
        assert_eq!((answer.status.as_u16(), answer.header("etag")), (200, Some("\"3\"")), "{tag}");
    }
}

#[tokio::test]
async fn a_write_over_another_version_fails_its_condition() {
    for tag in ["\"1\"", "\"1\", \"3\"", "W/\"2\"", "2", "\"2", "\"x\""] {
        let patch = json("PATCH", V2).header("if-match", tag);
        send(&app(finding_ada()), patch, r#"{"age":40}"#).await.is_problem(412, &[]);
    }
}

#[tokio::test]
async fn every_write_of_an_existing_person_wants_a_condition() {
    let person = r#"{"full_name":"A","email":"ada@example.com","age":1}"#;
    for (method, body) in [("PUT", person), ("PATCH", "{}"), ("DELETE", "")] {
        send(&app(finding_ada()), json(method, V2), body).await.is_problem(428, &[]);
        let mut nobody = MockPersonRepository::new();
        nobody.expect_find().once().returning(|_| Ok(None));
        send(&app(nobody), json(method, V2), body).await.is_problem(404, &[]);
    }
}

#[tokio::test]
async fn a_birthday_needs_no_condition_for_its_task_reads_the_person() {
    let answer =
        send(&birthday(|_| Ok(()), 1).app(), request("POST", &format!("{V2}/add-one-year")), "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (202, Some(&*format!("http://api.test{TASK_V2}")))
    );
    assert_eq!(answer.json()["status"], "queued");
}

#[tokio::test]
async fn a_wrong_body_is_told_before_its_condition() {
    let put = json("PUT", V2);
    send(&app(untouched()), put, r#"{"full_name":"A","email":"x","age":1}"#)
        .await
        .is_problem(422, &[("email", "email")]);
}

#[tokio::test]
async fn a_lost_race_is_a_failed_condition() {
    let mut persons = finding_ada();
    persons
        .expect_delete()
        .withf(|id, read, _| *id == ID && *read == Version::FIRST.next())
        .once()
        .returning(|_, _, _| Err(Error::Stale { kind: "person" }));
    let delete = request("DELETE", V2).header("if-match", "\"2\"");
    send(&app(persons), delete, "").await.is_problem(412, &[]);
}

#[tokio::test]
async fn version_2_deprecates_nothing() {
    let put = json("PUT", V2).header("if-match", "\"1\"");
    let answer = send(&app(untouched()), put, "{}").await;
    assert_eq!((answer.status.as_u16(), answer.header("deprecation")), (422, None));
}
