//! Search among tasks.

use super::*;
use crate::testing::{story, task, telling};
use domain::{Cursor, Direction, Page, Task, TaskFilter, TaskQuery, TaskState};

/// Tells `page` once of what is asked for by `filter`.
fn listing(filter: TaskFilter, page: Page<Task, TaskId>) -> App {
    let mut tasks = MockTaskRepository::new();
    let asked = move |query: &TaskQuery| query.filter == filter;
    tasks.expect_list().withf(asked).once().return_once(move |_| Ok(page));
    app(tasks)
}

fn page(items: Vec<Task>) -> Page<Task, TaskId> {
    Page { items, next: None, prev: None }
}

#[tokio::test]
async fn each_task_is_a_line_with_its_state_in_words() {
    let tasks: Vec<Task> = TaskState::ALL.iter().map(|state| task(*state)).collect();
    let app = listing(TaskFilter::default(), page(tasks));
    let text = open(&app, "/mon/tasks/list").await.page(200);
    let said = said(&text);
    for line in [
        "Waiting default 9 s ago waits for others not run yet",
        "Queued default 9 s ago due 8 s ago not run yet",
        "Running default 9 s ago started 5 s ago 40 % fetched",
        "Succeeded default 9 s ago ended 4 s ago took 1 s",
        "Failed default 9 s ago ended 4 s ago no retry could have helped",
        "Cancelled default 9 s ago ended 4 s ago somebody has cancelled it",
    ] {
        assert!(said.contains(&format!("ADD_ONE_YEAR …000000000007 {line}")), "{line}: {said}");
    }
}

#[tokio::test]
async fn a_search_keeps_its_terms_from_page_to_page_and_from_state_to_state() {
    let filter = TaskFilter {
        state: Some(TaskState::Failed),
        kind: Some("NAP".to_owned()),
        queue: None,
        request_id: Some("a:1".to_owned()),
    };
    let to = |direction| Some(Cursor { position: TaskId(ID.0), direction });
    let found = Page {
        items: vec![task(TaskState::Failed)],
        next: to(Direction::After),
        prev: to(Direction::Before),
    };
    let app = listing(filter, found);
    let text = open(&app, "/mon/tasks/list?state=failed&kind=NAP&queue=&request_id=a:1").await.page(200);
    let kept = "list?state=failed&amp;kind=NAP&amp;queue=&amp;request_id=a:1&amp;cursor=";
    for rel in ["next", "prev"] {
        assert!(text.contains(&format!("<a rel=\"{rel}\" href=\"../tasks/{kept}")), "{text}");
    }
    assert!(text.contains("../tasks/list?state=running&amp;kind=NAP&amp;request_id=a:1\""), "{text}");
    assert!(text.contains("../tasks/list?kind=NAP&amp;request_id=a:1\""), "{text}");
    assert!(text.contains("<input name=\"kind\" value=\"NAP\""), "{text}");
}

#[tokio::test]
async fn an_empty_list_says_whether_there_are_no_tasks_or_none_like_that() {
    let text = open(&listing(TaskFilter::default(), page(vec![])), "/mon/tasks/list").await.page(200);
    assert!(said(&text).contains("No tasks yet."), "{text}");
    let filter = TaskFilter { kind: Some("NAP".to_owned()), ..TaskFilter::default() };
    let text = open(&listing(filter, page(vec![])), "/mon/tasks/list?kind=NAP").await.page(200);
    assert!(said(&text).contains("No task is like that."), "{text}");
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_told() {
    let app = app(MockTaskRepository::new());
    for (query, told) in [
        ("state=x", "state must be one of waiting,"),
        ("kind=%3Cb%3E", "kind must be 1 to 100 letters"),
        ("queue=A", "queue must be 1 to 50"),
        ("cursor=x", "cursor must be taken from next or prev"),
        ("unknown=1", "unknown is not known here"),
        ("q=%3Cscript%3E", "search takes the id of a task or of a request, or a kind"),
    ] {
        let text = open(&app, &format!("/mon/tasks/list?{query}")).await.page(422);
        assert!(said(&text).contains(told), "{query}: {}", said(&text));
        assert!(!text.contains("<b>") && !text.contains("<script>"), "{text}");
    }
}

#[tokio::test]
async fn the_search_box_finds_tasks_requests_and_kinds() {
    let id = ID.0;
    let found = app(telling(1, story(TaskState::Queued)));
    open(&found, &format!("/mon/tasks/list?q=+{id}+")).await.leads_to(&format!("../tasks/{id}"));
    let mut tasks = MockTaskRepository::new();
    tasks.expect_stories().once().returning(|_| Ok(Vec::new()));
    let app = app(tasks);
    for (word, place) in [
        (id.to_string(), format!("request_id={id}")),
        ("ADD_ONE_YEAR".to_owned(), "kind=ADD_ONE_YEAR".to_owned()),
        ("schedule:hourly:1".to_owned(), "request_id=schedule:hourly:1".to_owned()),
        ("2026".to_owned(), "request_id=2026".to_owned()),
    ] {
        let answer = open(&app, &format!("/mon/tasks/list?q={word}")).await;
        answer.leads_to(&format!("../tasks/list?{place}"));
    }
}
