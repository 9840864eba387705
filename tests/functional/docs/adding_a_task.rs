//! The page "Adding a task" shows files that are compiled and whose tests run: this kind is part of the binary that the
//! tests start. Here the page is held against them.

use super::read;
use plinth_tests::{Setup, command, on_sqlite};

on_sqlite!(schedules_on_pages_can_be_configured);

const PAGE: &str = "docs/adding-a-task.md";

/// The kind with its tests, and the test that runs it.
const FILES: [&str; 2] = ["shorten_name.rs", "functional.rs"];

#[test]
fn the_page_shows_its_files_word_for_word() {
    for name in FILES {
        let file = read(&format!("tests/examples/adding_a_task/{name}"));
        assert!(blocks(PAGE, "rust").contains(&file), "{name} is not on the page as it is");
    }
}

#[test]
fn the_kind_is_registered_by_the_line_that_the_page_says() {
    let lines = blocks(PAGE, "rust");
    let line = lines.iter().map(|block| block.trim()).find(|block| block.starts_with(".with::<"));
    assert!(read("bin/src/wire.rs").contains(line.expect("a line of registration")));
}

#[test]
fn what_a_kind_can_change_is_what_the_trait_has() {
    let lines = blocks(PAGE, "rust");
    let changes = lines.iter().find(|block| block.starts_with("const ")).expect("a list of constants");
    let handler = read("application/src/tasks/handler.rs");
    for change in changes.lines() {
        let (constant, _) = change.split_once(" = ").expect("a constant");
        assert!(handler.contains(&format!("    {constant} = ")), "the trait has no {constant}");
    }
    let of_trait = handler.lines().filter(|line| line.starts_with("    const ") && line.contains(" = "));
    assert_eq!(of_trait.count(), changes.lines().count(), "some are not on the page");
}

async fn schedules_on_pages_can_be_configured(setup: Setup) {
    let database = setup.database().await;
    for (page, kind) in [(PAGE, "SHORTEN_NAME"), ("docs/tasks.md", "WAIT_FOR_SERVERS")] {
        let schedules = blocks(page, "yaml");
        assert_eq!(schedules.len(), 1, "{page}");
        let list = command(setup.plinth(), &["schedule", "list"]).env("CONF", &schedules[0]);
        let listed = list.env("DATABASE_URL", database.url()).run().await.succeeded();
        assert!(listed.contains(kind), "{listed}");
    }
}

/// The blocks of code in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let (page, fence) = (read(page), format!("```{language}\n"));
    page.split(&fence).skip(1).filter_map(|rest| Some(rest.split_once("```")?.0.to_owned())).collect()
}
