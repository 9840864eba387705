//! Version 1 over a mocked repository: what is sent to it, and what is made of what it says.

use crate::testing::{
    ID, TASK, V1, ada, app, at, birthday, details, finding_ada, get, json, request, send, untouched,
};
use application::{Error, MockPersonRepository};
use domain::{Cursor, Direction, Page, Person, PersonOrder, PersonQuery, QueueName};
use serde_json::{Value, json};
use std::time::Duration;

fn ada_as_json() -> Value {
    json!({
        "id": ID.0.to_string(), "name": "Ada", "email": "ada@example.com", "age": 36,
        "created_at": "1970-01-01T00:00:00.000000Z", "updated_at": "1970-01-01T00:00:05.000000Z",
    })
}

/// A repository that is asked for this list once and answers `page`.
fn listing(
    query: impl Fn(&PersonQuery) -> bool + Send + 'static,
    page: Page<Person, domain::PersonPosition>,
) -> MockPersonRepository {
    let mut persons = MockPersonRepository::new();
    persons.expect_list().withf(query).once().return_once(move |_| Ok(page));
    persons
}

fn nobody() -> Page<Person, domain::PersonPosition> {
    Page { items: vec![], next: None, prev: None }
}

#[tokio::test]
async fn an_empty_list_has_exactly_this_shape() {
    let app = app(listing(|query| *query == PersonQuery::default(), nobody()));
    assert_eq!(get(&app, "/v1/persons").await.body, r#"{"objects":[],"next":null,"prev":null}"#);
}

#[tokio::test]
async fn the_parameters_of_a_list_reach_the_repository() {
    let wanted = |query: &PersonQuery| {
        query.limit.get() == 5
            && query.sort.order == PersonOrder::Name
            && query.sort.descending
            && query.filter.name.as_ref().is_some_and(|name| name.as_str() == "Ad ")
            && query.filter.email.as_ref().is_some_and(|email| email.key() == "ada@example.com")
            && query.cursor.is_none()
    };
    let app = app(listing(wanted, nobody()));
    let answer = get(&app, "/v1/persons?limit=5&sort=-name&name=Ad+&email=Ada%40example.com").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn next_and_prev_are_urls_that_lead_back_here_with_every_parameter() {
    let edge = |direction| Some(Cursor { position: PersonOrder::Name.position(&ada()), direction });
    let page = Page { items: vec![ada()], next: edge(Direction::After), prev: edge(Direction::Before) };
    let first = get(
        &app(listing(|_| true, page)),
        "/v1/persons?sort=name&cursor=&name=A%26".replace("cursor=&", "").as_str(),
    )
    .await;
    let body = first.json();
    assert_eq!(body["objects"], json!([ada_as_json()]));
    for (link, direction) in [("next", Direction::After), ("prev", Direction::Before)] {
        let url = body[link].as_str().unwrap();
        let path = url.strip_prefix("http://api.test").unwrap();
        assert!(path.starts_with("/v1/persons?sort=name&name=A%26&cursor="), "{path}");
        let wanted = move |query: &PersonQuery| query.cursor == edge(direction);
        assert_eq!(get(&app(listing(wanted, nobody())), path).await.status, 200);
    }
}

#[tokio::test]
async fn a_cursor_that_is_not_ours_is_the_cursors_fault() {
    for cursor in ["x", "%00", "eyJ2IjoxfQ", "e30", "bnVsbA"] {
        get(&app(untouched()), &format!("/v1/persons?cursor={cursor}"))
            .await
            .is_problem(422, &[("cursor", "cursor")]);
    }
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let answer = get(&app(untouched()), "/v1/persons?limit=101&name=%00&email=ada&sort=age").await;
    answer.is_problem(
        422,
        &[("limit", "range"), ("name", "control_character"), ("email", "email"), ("sort", "sort")],
    );
    for (query, field, code) in [
        ("limit=x", "limit", "type"),
        ("limit=1&limit=2", "limit", "duplicate"),
        ("limit=", "limit", "empty"),
        ("page=2", "page", "unknown"),
        ("full_name=a", "full_name", "unknown"),
        ("name=%FF", "name", "encoding"),
    ] {
        get(&app(untouched()), &format!("/v1/persons?{query}")).await.is_problem(422, &[(field, code)]);
    }
}

#[tokio::test]
async fn a_created_person_is_answered_with_its_url() {
    let mut persons = MockPersonRepository::new();
    persons
        .expect_insert()
        .withf(|p, then| *p == Person::new(ID, details("Ada", 36), at(9)) && then.is_nothing())
        .once()
        .returning(|_, _| Ok(()));
    let body = r#"{"name":" Ada ","email":"ada@example.com","age":36.0}"#;
    let answer = send(&app(persons), json("POST", "/v1/persons"), body).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (201, Some(&*format!("http://api.test{V1}")))
    );
    assert_eq!(answer.json()["name"], "Ada");
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_told_for_every_field() {
    let app = app(untouched());
    let wrong = async |body: &'static str, errors: &[(&str, &str)]| {
        send(&app, json("POST", "/v1/persons"), body).await.is_problem(422, errors);
    };
    wrong("{}", &[("name", "required"), ("email", "required"), ("age", "required")]).await;
    wrong(
        r#"{"name":null,"email":"ada","age":151}"#,
        &[("name", "null"), ("email", "email"), ("age", "range")],
    )
    .await;
    wrong(r#"{"name":5,"email":"a@b.c","age":1}"#, &[("name", "type")]).await;
    wrong(r#"{"name":"a","email":"a@b.c","age":1,"admin":true}"#, &[("admin", "unknown")]).await;
    wrong(r#"{"name":"a","name":"b"}"#, &[("name", "duplicate")]).await;
    wrong(r#"{"name":"a\u0000b","email":"a@b.c","age":1}"#, &[("name", "control_character")]).await;
    for age in ["-1", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "1e300"] {
        let body = format!(r#"{{"name":"a","email":"a@b.c","age":{age}}}"#);
        send(&app, json("POST", "/v1/persons"), body).await.is_problem(422, &[("age", "range")]);
    }
    for age in ["1.5", "true", "\"1\"", "[1]", "{}"] {
        let body = format!(r#"{{"name":"a","email":"a@b.c","age":{age}}}"#);
        send(&app, json("POST", "/v1/persons"), body).await.is_problem(422, &[("age", "type")]);
    }
}

#[tokio::test]
async fn a_person_is_shown_flat() {
    let answer = get(&app(finding_ada()), V1).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, ada_as_json()));
}

#[tokio::test]
async fn who_is_not_there_is_not_found() {
    let mut persons = MockPersonRepository::new();
    persons.expect_find().once().returning(|_| Ok(None));
    get(&app(persons), V1).await.is_problem(404, &[]);
}

#[tokio::test]
async fn an_id_must_be_a_uuid_with_hyphens() {
    for id in
        ["1", "0190b6f0000070008000000000000007", "%7B0190b6f0-0000-7000-8000-000000000007%7D", "%00", "%FF"]
    {
        get(&app(untouched()), &format!("/v1/persons/{id}")).await.is_problem(400, &[("id", "uuid")]);
    }
}

#[tokio::test]
async fn a_replacement_is_deprecated_on_success_and_on_error() {
    let mut persons = finding_ada();
    persons
        .expect_update()
        .withf(|p, read, then| p.details().name.as_str() == "B" && read.number() == 2 && then.is_nothing())
        .once()
        .returning(|_, _, _| Ok(()));
    let put = |body| (json("PUT", V1), body);
    let (request, body) = put(r#"{"name":"B","email":"ada@example.com","age":1}"#);
    let success = send(&app(persons), request, body).await;
    let (request, body) = put("{}");
    let error = send(&app(untouched()), request, body).await;
    assert_eq!((success.status.as_u16(), error.status.as_u16()), (200, 422));
    for answer in [success, error] {
        assert_eq!(answer.header("deprecation"), Some("@1793491200"));
        assert_eq!(answer.header("sunset"), Some("Mon, 01 Nov 2027 00:00:00 GMT"));
        assert_eq!(answer.header("x-deprecated"), Some(&*format!("use PATCH {V1}")));
        assert_eq!(answer.header("link"), Some(&*format!("<{V1}>; rel=\"successor-version\"")));
    }
}

#[tokio::test]
async fn a_merge_patch_changes_what_it_names() {
    for media_type in ["application/merge-patch+json", "application/json; charset=utf-8"] {
        let mut persons = finding_ada();
        persons
            .expect_update()
            .withf(|p, _, _| *p.details() == details("Ada", 40))
            .once()
            .returning(|_, _, _| Ok(()));
        let patch = request("PATCH", V1).header("content-type", media_type);
        let answer = send(&app(persons), patch, r#"{"age":40}"#).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["age"]), (200, &json!(40)));
    }
}

#[tokio::test]
async fn a_merge_patch_removes_nothing() {
    let answer = send(&app(untouched()), json("PATCH", V1), r#"{"name":null,"email":null,"age":null}"#).await;
    answer.is_problem(422, &[("name", "null"), ("email", "null"), ("age", "null")]);
}

#[tokio::test]
async fn an_empty_merge_patch_changes_nothing() {
    let answer = send(&app(finding_ada()), json("PATCH", V1), "{}").await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, ada_as_json()));
}

#[tokio::test]
async fn a_deleted_person_is_answered_with_nothing() {
    let mut persons = finding_ada();
    persons
        .expect_delete()
        .withf(|id, read, then| *id == ID && read.number() == 2 && then.is_nothing())
        .once()
        .returning(|_, _, _| Ok(()));
    let answer = send(&app(persons), request("DELETE", V1), "").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (204, 0));
    assert_eq!(answer.header("content-type"), None);
}

#[tokio::test]
async fn a_birthday_is_scheduled_and_answered_with_the_url_of_its_task() {
    let answer =
        send(&birthday(|_| Ok(()), 1).app(), request("POST", &format!("{V1}/add-one-year")), "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location"), answer.header("etag")),
        (202, Some(&*format!("http://api.test{TASK}")), Some("\"1\""))
    );
    let task = answer.json();
    assert_eq!((&task["kind"], &task["state"]), (&json!("ADD_ONE_YEAR"), &json!("queued")));
}

#[tokio::test]
async fn a_birthday_for_a_full_queue_is_too_many() {
    let full = |_: &QueueName| {
        let retry_after = Duration::from_millis(1500);
        Err(Error::TooMany { what: "the queue default is full".to_owned(), retry_after })
    };
    let answer = send(&birthday(full, 0).app(), request("POST", &format!("{V1}/add-one-year")), "").await;
    answer.is_problem(429, &[]);
    assert_eq!((answer.header("retry-after"), answer.header("location")), (Some("2"), None));
    assert_eq!(answer.json()["detail"], "the queue default is full");
}

#[tokio::test]
async fn nobody_has_no_birthday() {
    let mut persons = MockPersonRepository::new();
    persons.expect_find().once().returning(|_| Ok(None));
    send(&app(persons), request("POST", &format!("{V1}/add-one-year")), "").await.is_problem(404, &[]);
}

#[tokio::test]
async fn a_race_lost_again_and_again_is_a_conflict() {
    let mut persons = MockPersonRepository::new();
    persons.expect_find().withf(|id| *id == ID).times(2..).returning(|_| Ok(Some(ada())));
    persons.expect_update().times(2..).returning(|_, _, _| Err(Error::Stale { kind: "person" }));
    send(&app(persons), json("PATCH", V1), r#"{"age":1}"#).await.is_problem(409, &[]);
}

#[tokio::test]
async fn a_taken_email_address_is_a_conflict_on_the_field() {
    let mut persons = MockPersonRepository::new();
    persons.expect_insert().once().returning(|_, _| Err(Error::conflict("email", "taken", "is taken")));
    let body = r#"{"name":"Ada","email":"ada@example.com","age":36}"#;
    send(&app(persons), json("POST", "/v1/persons"), body).await.is_problem(409, &[("email", "taken")]);
}
