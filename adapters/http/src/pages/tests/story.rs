//! The page about one task.

use super::*;
use crate::testing::{at, story, telling};
use domain::{
    EndReason, Fault, FaultCode, Place, Progress, Standing, TaskFault, TaskLink, TaskState, TaskStory,
    Version,
};
use uuid::Uuid;

async fn page(story: TaskStory) -> String {
    open(&app(telling(1, story)), PAGE).await.page(200)
}

fn link(id: Uuid, kind: &str, state: TaskState) -> TaskLink {
    TaskLink { id: TaskId(id), kind: kind.to_owned(), state, progress: None, version: Version::FIRST }
}

#[tokio::test]
async fn a_task_that_runs_shows_how_far_it_is_and_can_be_cancelled() {
    let text = page(story(TaskState::Running)).await;
    assert!(text.contains("<title>Running 40 % · ADD_ONE_YEAR · Plinth</title>"), "{text}");
    assert!(text.contains("<progress max=\"1\" value=\"0.4\" aria-label=\"Progress\">"), "{text}");
    assert!(text.contains("data-every=\"2\""), "{text}");
    let said = said(&text);
    assert!(said.contains("Run 1 of 4 for 5 s; its time is up in 4 m 55 s."), "{said}");
    assert!(said.contains("40 % fetched") && said.contains("Cancel") && !said.contains("Retry"), "{said}");
    assert!(said.contains("Waited for a worker 3 s"), "{said}");
    assert!(text.contains("<time datetime=\"1970-01-01T00:00:04.000Z\" title=\"Thu 1 Jan 1970, 00:00:04 UTC\">5\u{a0}s ago</time>"));
}

#[tokio::test]
async fn each_state_is_told_in_a_sentence_with_what_can_be_done() {
    for (state, sentence, cancel, retry) in [
        (TaskState::Waiting, "Waits until the task before it has succeeded.", true, false),
        (TaskState::Queued, "Due for 8 s, waits for a worker; not run yet.", true, false),
        (TaskState::Succeeded, "Took 1 s; run 1 of 4.", false, false),
        (TaskState::Failed, "No retry could have helped; run 1 of 4.", false, true),
        (TaskState::Cancelled, "Somebody has cancelled it; run 1 of 4.", false, true),
    ] {
        let text = page(story(state)).await;
        assert!(said(&text).contains(sentence), "{}", said(&text));
        let can = |action: &str| text.contains(&format!("/{action}\"><input"));
        assert_eq!((can("cancel"), can("retry")), (cancel, retry), "{state:?}");
        assert!(text.contains(&format!("<span class=\"badge {}\">", state.as_str())), "{state:?}");
    }
}

#[tokio::test]
async fn a_task_that_was_asked_to_end_is_not_asked_again() {
    let mut story = story(TaskState::Running);
    story.task.standing.cancel_requested = true;
    let text = page(story).await;
    assert!(said(&text).contains("Somebody has asked it to end."), "{text}");
    assert!(!text.contains("id=\"cancel\""), "{text}");
}

#[tokio::test]
async fn what_went_wrong_is_told_in_the_order_in_which_it_happened() {
    let mut failed = story(TaskState::Failed);
    failed.task.standing = Standing { attempt: 2, crashes: 1, ..failed.task.standing };
    failed.task.reason = Some(EndReason::RetriesUsedUp);
    failed.faults = vec![
        TaskFault { attempt: 1, at: at(2), fault: Fault::new(FaultCode::Timeout, "too slow") },
        TaskFault { attempt: 2, at: at(5), fault: Fault::new(FaultCode::Panic, "index out of bounds") },
    ];
    let said = said(&page(failed).await);
    let story = "Scheduled 9 s ago Time-out in run 1 7 s ago too slow Run 2 of 4 started 5 s ago Panic in run 2 4 s ago \
                 index out of bounds Failed: its last retry failed 4 s ago";
    assert!(said.contains(story), "{said}");
    assert!(said.contains("Lost with its worker 1 of 3 times"), "{said}");
}

#[tokio::test]
async fn a_chain_is_drawn_as_steps() {
    let mut insert = story(TaskState::Running);
    insert.task.place = Place::Link { chain: TaskId(Uuid::nil()), position: 1, length: 3 };
    insert.links = vec![
        link(Uuid::nil(), "VALIDATE", TaskState::Succeeded),
        TaskLink { progress: Some(Progress::new(0.4, "")), ..link(ID.0, "INSERT", TaskState::Running) },
        link(Uuid::max(), "REPORT", TaskState::Waiting),
    ];
    let text = page(insert).await;
    let said = said(&text);
    assert!(said.contains("Chain 1 of 3 steps succeeded"), "{said}");
    let steps = "VALIDATE step 1, succeeded INSERT step 2, running 40 % REPORT step 3, waiting";
    assert!(said.contains(steps), "{said}");
    assert!(text.contains(&format!("<a class=\"step\" href=\"../tasks/{}\">", Uuid::max())), "{text}");
    assert_eq!(text.matches("aria-current=\"step\"").count(), 1, "{text}");
}

#[tokio::test]
async fn a_large_group_is_cut_and_shows_the_task_itself_and_the_callback() {
    let mut member = story(TaskState::Queued);
    member.task.place = Place::Member { group: Uuid::nil() };
    let others = (0..100).map(|n| link(Uuid::from_u128(n), "RESIZE", TaskState::Succeeded));
    member.links = others.chain([link(ID.0, "RESIZE", TaskState::Queued)]).collect();
    member.links.push(link(Uuid::max(), "PUBLISH", TaskState::Waiting));
    let text = page(member).await;
    let said = said(&text);
    assert!(said.contains("Group 100 of 102 tasks succeeded"), "{said}");
    assert!(said.contains("PUBLISH at the end, waiting") && said.contains("and 40 more"), "{said}");
    assert_eq!(text.matches("aria-current=\"step\"").count(), 1, "{text}");
}

#[tokio::test]
async fn nothing_that_is_stored_is_taken_for_html() {
    const HOSTILE: &str = "</pre><script>alert(1)</script>\" onload=\"x";
    let mut story = story(TaskState::Running);
    story.task.kind = HOSTILE.to_owned();
    story.task.request_id = HOSTILE.to_owned();
    story.task.payload = format!("[{HOSTILE:?}]");
    story.task.result = Some(format!("{{{HOSTILE:?}: 1}}"));
    story.task.progress = Some(Progress::new(0.5, HOSTILE));
    story.task.place = Place::Member { group: Uuid::nil() };
    story.links = vec![link(ID.0, HOSTILE, TaskState::Running)];
    story.faults = vec![TaskFault { attempt: 1, at: at(2), fault: Fault::new(FaultCode::Error, HOSTILE) }];
    let text = page(story).await;
    assert!(!text.contains("<script>alert") && !text.contains("\" onload"), "{text}");
    assert!(text.matches("&lt;script&gt;alert").count() >= 8, "{text}");
}

#[tokio::test]
async fn payload_and_result_are_shown_in_lines() {
    let text = page(story(TaskState::Succeeded)).await;
    assert!(
        text.contains("<summary>JSON, 10 bytes</summary><pre>{\n  &quot;hush&quot;: 1\n}</pre>"),
        "{text}"
    );
    assert!(text.contains("<details id=\"result-json\" open>"), "{text}");
    let mut long = story(TaskState::Succeeded);
    long.task.result = Some(format!("[{}1]", "1,".repeat(100)));
    assert!(page(long).await.contains("<details id=\"result-json\"><summary>JSON, 203 bytes"));
}

#[tokio::test]
async fn what_is_asked_for_by_the_script_is_the_main_part_alone() {
    let app = app(telling(1, story(TaskState::Running)));
    let part = send(&app, request("GET", PAGE).header("x-part", "main"), "").await;
    let text = part.page(200);
    assert!(text.trim_start().starts_with("<main id=\"content\""), "{text}");
    assert!(text.trim_end().ends_with("</main>"), "{text}");
}

#[tokio::test]
async fn a_task_that_is_not_there_is_a_page_too() {
    let mut tasks = MockTaskRepository::new();
    tasks.expect_stories().withf(|ids| ids == [TaskId(ID.0)]).once().returning(|_| Ok(Vec::new()));
    let app = app(tasks);
    let text = open(&app, PAGE).await.page(404);
    assert!(said(&text).contains(&format!("There is no such thing There is no task {}.", ID.0)), "{text}");
    let text = open(&app, "/mon/tasks/%3Cb%3E").await.page(404);
    assert!(text.contains("There is no task &lt;b&gt;."), "{text}");
}
