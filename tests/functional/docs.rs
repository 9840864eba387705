//! The documentation that the binary itself serves, and what it says of the code.

mod adding_a_task;
mod operations;

use plinth_tests::{Setup, TestApp, on_sqlite};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

on_sqlite!(
    the_documentation_is_where_people_look_for_it,
    no_link_of_the_documentation_is_dead,
    nothing_is_loaded_from_elsewhere,
    the_documents_are_those_of_the_command_line,
    a_document_is_not_sent_twice,
    a_page_that_does_not_exist_is_404,
);

async fn the_documentation_is_where_people_look_for_it(setup: Setup) {
    let app = setup.start().await;
    let home = app.get("/doc/").await.expect(200);
    assert!(home.required("content-type").starts_with("text/html"), "{home}");
    for (path, target) in [("/doc", "/doc/"), ("/docs", "/doc/"), ("/", "/doc/")] {
        let moved = app.get(path).await;
        assert!((301..=308).contains(&moved.status), "{path}: {}", moved.status);
        assert!(moved.required("location").ends_with(target), "{moved}");
    }
    app.get("/openapi.json").await.expect(200).json();
}

async fn no_link_of_the_documentation_is_dead(setup: Setup) {
    let app = setup.start().await;
    let mut known: BTreeSet<String> = ["/doc/".to_owned()].into();
    let mut next: Vec<String> = known.iter().cloned().collect();
    while let Some(path) = next.pop() {
        let reply = app.get(&path).await;
        assert!(reply.status < 400, "{path}: {}", reply.status);
        if !reply.header("content-type").is_some_and(|media| media.starts_with("text/html")) {
            continue;
        }
        let base = url::Url::parse(&format!("{}{path}", app.client.url())).expect("a URL");
        for link in links(&reply.text()).iter().filter_map(|link| base.join(link).ok()) {
            let inside = link.path().starts_with("/doc") && link.origin() == base.origin();
            if inside && known.insert(link.path().to_owned()) {
                next.push(link.path().to_owned());
            }
        }
    }
    assert!(known.len() > 5, "{known:?}");
}

async fn nothing_is_loaded_from_elsewhere(setup: Setup) {
    let app = setup.start().await;
    let home = app.get("/doc/").await.expect(200);
    let policy = home.required("content-security-policy");
    assert!(policy.contains("'self'") && !policy.contains("http"), "{policy}");
    for tag in ["<script src=\"http", "<link rel=\"stylesheet\" href=\"http", "<img src=\"http", "@import"] {
        assert!(!home.text().contains(tag), "{tag}");
    }
}

async fn the_documents_are_those_of_the_command_line(setup: Setup) {
    let app = setup.start().await;
    for version in ["v1", "v2"] {
        let printed = plinth_tests::document(env!("CARGO_BIN_EXE_plinth"), version);
        assert_eq!(
            without_servers(served(&app, &format!("/doc/{version}/openapi.json")).await),
            without_servers(printed)
        );
    }
    assert_eq!(served(&app, "/openapi.json").await, served(&app, "/doc/v2/openapi.json").await);
}

async fn a_document_is_not_sent_twice(setup: Setup) {
    let app = setup.start().await;
    for path in ["/doc/", "/doc/v1/openapi.json"] {
        let reply = app.get(path).await.expect(200);
        app.get(path).header("if-none-match", reply.required("etag")).await.expect(304);
    }
}

async fn a_page_that_does_not_exist_is_404(setup: Setup) {
    let app = setup.start().await;
    for path in ["/doc/nowhere", "/doc/v3/openapi.json", "/doc/../Cargo.toml", "/doc/%2e%2e/Cargo.toml"] {
        app.get(path).await.expect(404).problem();
    }
}

async fn served(app: &TestApp, path: &str) -> Value {
    app.get(path).await.expect(200).json()
}

fn without_servers(mut document: Value) -> Value {
    document.as_object_mut().expect("an object").remove("servers");
    document
}

fn links(html: &str) -> Vec<String> {
    let values = |attribute: &str| {
        let marker = format!("{attribute}=\"");
        let parts = html.split(&marker).skip(1).filter_map(|rest| rest.split('"').next());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    [values("href"), values("src")].concat()
}

/// A file of the repository.
fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
