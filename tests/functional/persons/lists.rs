//! Lists of persons: pages in both directions, filters, sorts, limits.

use plinth_tests::{Setup, TestApp, on_both_stacks, person};
use serde_json::{Value, json};

on_both_stacks!(
    an_empty_list_is_exactly_that,
    pages_lead_forth_and_back,
    a_page_holds_twenty_unless_told_otherwise,
    every_sort_order_is_followed_through_its_pages,
    text_sorts_by_code_point,
    ties_are_broken_so_that_nobody_is_missed,
    a_name_is_found_by_its_beginning,
    characters_that_mean_something_to_sql_mean_nothing,
    an_address_is_found_regardless_of_case,
    filters_and_limits_stay_in_the_links,
    nobody_is_seen_twice_when_persons_are_added_meanwhile,
    a_query_that_makes_no_sense_is_refused_by_name,
    a_cursor_of_another_order_is_refused,
);

async fn an_empty_list_is_exactly_that(setup: Setup) {
    let app = setup.start().await;
    let list = app.get("/v1/persons").await.expect(200);
    assert_eq!(list.json(), json!({"objects": [], "next": null, "prev": null}));
    assert_eq!(list.required("content-type"), "application/json");
}

async fn pages_lead_forth_and_back(setup: Setup) {
    let app = setup.start().await;
    let made = ids(&create(&app, &["a", "b", "c", "d", "e"]).await);
    let first = page(&app, "/v1/persons?limit=2").await;
    let second = page(&app, link(&first, "next")).await;
    let third = page(&app, link(&second, "next")).await;
    assert_eq!([&first, &second, &third].map(ids_of).concat(), made);
    assert_eq!((&first["prev"], &third["next"]), (&Value::Null, &Value::Null));
    let back = page(&app, link(&third, "prev")).await;
    assert_eq!(ids_of(&back), ids_of(&second));
    let start = page(&app, link(&back, "prev")).await;
    assert_eq!((ids_of(&start), &start["prev"]), (ids_of(&first), &Value::Null));
    assert_eq!(ids_of(&page(&app, link(&start, "next")).await), ids_of(&second));
}

async fn a_page_holds_twenty_unless_told_otherwise(setup: Setup) {
    let app = setup.start().await;
    let names: Vec<String> = (0..21).map(|number| format!("{number:03}")).collect();
    create(&app, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    assert_eq!(ids_of(&page(&app, "/v1/persons").await).len(), 20);
    let all = page(&app, "/v1/persons?limit=100").await;
    assert_eq!((ids_of(&all).len(), &all["next"]), (21, &Value::Null));
}

async fn every_sort_order_is_followed_through_its_pages(setup: Setup) {
    let app = setup.start().await;
    create(&app, &["Edsger", "Ada", "Grace", "Barbara", "Alan"]).await;
    for (sort, member) in [("name", "name"), ("email", "email"), ("created_at", "id")] {
        let ascending = walk(&app, &format!("/v1/persons?limit=2&sort={sort}"), "next").await;
        let mut sorted = ascending.clone();
        sorted.sort_by_key(|person| person[member].as_str().map(str::to_owned));
        assert_eq!((ascending.len(), &ascending), (5, &sorted), "{sort}");
        let mut descending = walk(&app, &format!("/v1/persons?limit=2&sort=-{sort}"), "next").await;
        descending.reverse();
        assert_eq!(descending, sorted, "-{sort}");
    }
}

async fn text_sorts_by_code_point(setup: Setup) {
    let app = setup.start().await;
    create(&app, &["é", "z", "Z", "a b", "ab", "\u{1f600}", "a"]).await;
    let sorted = walk(&app, "/v1/persons?limit=3&sort=name", "next").await;
    let names: Vec<&str> = sorted.iter().filter_map(|person| person["name"].as_str()).collect();
    assert_eq!(names, ["Z", "a", "a b", "ab", "z", "é", "\u{1f600}"]);
}

async fn ties_are_broken_so_that_nobody_is_missed(setup: Setup) {
    let app = setup.start().await;
    let mut made = ids(&create(&app, &["Ada"; 7]).await);
    let forth = walk(&app, "/v1/persons?limit=2&sort=name", "next").await;
    assert_eq!(ids(&forth), made);
    made.reverse();
    let down = walk(&app, "/v1/persons?limit=2&sort=-name", "next").await;
    assert_eq!(ids(&down), made);
}

async fn a_name_is_found_by_its_beginning(setup: Setup) {
    let app = setup.start().await;
    create(&app, &["Ada", "Adam Smith", "ada", "Bada", "Ad"]).await;
    let names = |query: &'static str| {
        let app = &app;
        async move {
            let found = walk(app, &format!("/v1/persons?sort=name&{query}"), "next").await;
            found.iter().filter_map(|person| person["name"].as_str().map(str::to_owned)).collect::<Vec<_>>()
        }
    };
    assert_eq!(names("name=Ada").await, ["Ada", "Adam Smith"]);
    assert_eq!(names("name=Adam%20").await, ["Adam Smith"]);
    assert_eq!(names("name=Adam%20T").await, Vec::<String>::new());
}

async fn characters_that_mean_something_to_sql_mean_nothing(setup: Setup) {
    let app = setup.start().await;
    create(&app, &["100%", "1000", "a_b", "aXb", "O'Brien", "\\n", "\u{10ffff}x"]).await;
    for (query, name) in [
        ("100%25", "100%"),
        ("a_", "a_b"),
        ("O'", "O'Brien"),
        ("%5C", "\\n"),
        ("%F4%8F%BF%BF", "\u{10ffff}x"),
    ] {
        let found = page(&app, &format!("/v1/persons?name={query}")).await;
        assert_eq!(found["objects"].as_array().map(Vec::len), Some(1), "{query}");
        assert_eq!(found["objects"][0]["name"], name);
    }
}

async fn an_address_is_found_regardless_of_case(setup: Setup) {
    let app = setup.start().await;
    let ada = app.person(&person(json!({"email": "Ada@Example.com"}))).await;
    app.person(&person(json!({}))).await;
    let found = page(&app, "/v1/persons?email=aDA@example.COM").await;
    assert_eq!(found["objects"], json!([ada]));
    let nobody = page(&app, "/v1/persons?email=nobody@example.com&name=A").await;
    assert_eq!(nobody, json!({"objects": [], "next": null, "prev": null}));
}

async fn filters_and_limits_stay_in_the_links(setup: Setup) {
    let app = setup.start().await;
    create(&app, &["A&=1", "A&=2", "B", "A&=3", "A&=4"]).await;
    let found = walk(&app, "/v1/persons?name=A%26%3D&limit=1&sort=-name", "next").await;
    let names: Vec<&str> = found.iter().filter_map(|person| person["name"].as_str()).collect();
    assert_eq!(names, ["A&=4", "A&=3", "A&=2", "A&=1"]);
}

async fn nobody_is_seen_twice_when_persons_are_added_meanwhile(setup: Setup) {
    let app = setup.start().await;
    create(&app, &["b", "d", "f"]).await;
    let first = page(&app, "/v1/persons?sort=name&limit=2").await;
    create(&app, &["a", "c", "e"]).await;
    let second = page(&app, link(&first, "next")).await;
    let names = [&first, &second].map(names_of).concat();
    assert_eq!(names, ["b", "d", "e", "f"]);
}

async fn a_query_that_makes_no_sense_is_refused_by_name(setup: Setup) {
    let app = setup.start().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=9223372036854775808", "limit"),
        ("limit=1&limit=2", "limit"),
        ("sort=age", "sort"),
        ("sort=", "sort"),
        ("email=ada", "email"),
        ("name=", "name"),
        ("name=%00", "name"),
        ("cursor=!", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("colour=red", "colour"),
    ] {
        let reply = app.get(&format!("/v1/persons?{query}")).await;
        reply.expect(422).problem().fields(&[field]);
    }
    let both = app.get("/v1/persons?limit=0&email=ada").await;
    both.expect(422).problem().fields(&["email", "limit"]);
}

async fn a_cursor_of_another_order_is_refused(setup: Setup) {
    let app = setup.start().await;
    create(&app, &["a", "b"]).await;
    let first = page(&app, "/v1/persons?sort=name&limit=1").await;
    let other = link(&first, "next").replace("sort=name", "sort=email");
    app.get(&other).await.expect(422).problem().fields(&["cursor"]);
}

async fn create(app: &TestApp, names: &[&str]) -> Vec<Value> {
    let mut made = Vec::new();
    for name in names {
        made.push(app.person(&person(json!({"name": name}))).await);
    }
    made
}

async fn page(app: &TestApp, url: &str) -> Value {
    app.get(url).await.expect(200).json()
}

/// Everybody, from the page at `url` on.
async fn walk(app: &TestApp, url: &str, direction: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut next = Some(url.to_owned());
    while let Some(url) = next {
        let page = page(app, &url).await;
        found.extend(page["objects"].as_array().cloned().expect("objects"));
        next = page[direction].as_str().map(str::to_owned);
    }
    found
}

fn link<'p>(page: &'p Value, direction: &str) -> &'p str {
    page[direction].as_str().unwrap_or_else(|| panic!("no `{direction}` in {page}"))
}

fn ids(persons: &[Value]) -> Vec<String> {
    persons.iter().filter_map(|person| person["id"].as_str().map(str::to_owned)).collect()
}

fn ids_of(page: &Value) -> Vec<String> {
    ids(page["objects"].as_array().expect("objects"))
}

fn names_of(page: &Value) -> Vec<String> {
    let persons = page["objects"].as_array().expect("objects").iter();
    persons.filter_map(|person| person["name"].as_str().map(str::to_owned)).collect()
}
