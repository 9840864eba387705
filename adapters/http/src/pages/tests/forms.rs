//! Forms: what they do, and from whom they are not taken.

use super::*;
use crate::testing::{story, telling};
use application::{Cancellation, Then};
use domain::TaskState;
use http::request::Builder;

const CANCEL: &str = "/mon/tasks/0190b6f0-0000-7000-8000-000000000007/cancel";
const RETRY: &str = "/mon/tasks/0190b6f0-0000-7000-8000-000000000007/retry";
const BACK: &str = "../../tasks/0190b6f0-0000-7000-8000-000000000007";
const COOKIE: &str = "plinth_mon=0190b6f0-0000-7000-8000-000000000007";

/// A form that a browser with the cookie sends.
fn form(path: &str) -> Builder {
    let form = request("POST", path).header("cookie", format!("other=1; {COOKIE}"));
    form.header("content-type", "application/x-www-form-urlencoded")
}

/// What the forms of a page carry.
async fn token(app: &App) -> String {
    let answer = open(app, PAGE).await;
    let expected = format!("{COOKIE}; Path=/mon; HttpOnly; SameSite=Strict");
    assert_eq!(answer.header("set-cookie"), Some(expected.as_str()));
    let text = answer.page(200);
    let (_, rest) = text.split_once("name=\"token\" value=\"").unwrap();
    format!("token={}", rest.split_once('"').unwrap().0)
}

/// Its task is told so often, the last time in `state`, after it was cancelled with this result.
fn cancelling(cancellation: Cancellation, state: TaskState) -> MockTaskRepository {
    let mut tasks = telling(1, story(TaskState::Running));
    tasks.expect_cancel().withf(|id, _| *id == TaskId(ID.0)).once().return_once(|_, _| Ok(cancellation));
    tasks.expect_stories().once().return_once(move |_| Ok(vec![story(state)]));
    tasks
}

#[tokio::test]
async fn a_task_is_cancelled_and_the_page_after_says_so_once() {
    let mut tasks = cancelling(Cancellation::Done, TaskState::Cancelled);
    tasks.expect_stories().times(2).returning(|_| Ok(vec![story(TaskState::Cancelled)]));
    let app = app(tasks);
    let token = token(&app).await;
    let answer = send(&app, form(CANCEL), token).await;
    answer.leads_to(BACK);
    assert_eq!(
        answer.header("set-cookie"),
        Some("plinth_done=cancelled; Path=/mon; Max-Age=20; HttpOnly; SameSite=Strict")
    );
    let cookies = format!("{COOKIE}; plinth_done=cancelled");
    let part = send(&app, request("GET", PAGE).header("cookie", &cookies).header("x-part", "main"), "").await;
    assert_eq!(part.header("set-cookie"), None, "the word is for a page, not for the script of another");
    let page = send(&app, request("GET", PAGE).header("cookie", &cookies), "").await;
    let forget = "plinth_done=; Path=/mon; Max-Age=0; HttpOnly; SameSite=Strict";
    assert_eq!(page.header("set-cookie"), Some(forget));
    assert!(page.page(200).contains("<p class=\"flash\" role=\"status\">The task is cancelled.</p>"));
}

#[tokio::test]
async fn a_task_that_runs_is_asked_to_end() {
    let tasks = cancelling(Cancellation::Requested, TaskState::Running);
    let mut ports = Ports { tasks, ..Ports::default() };
    ports.doorbell.expect_cancel().withf(|id| *id == TaskId(ID.0)).once().return_const(());
    let app = monitor(&HttpConfig::default(), &ports.services());
    let token = token(&app).await;
    let answer = send(&app, form(CANCEL).header("sec-fetch-site", "same-origin"), token).await;
    answer.leads_to(BACK);
    assert!(answer.header("set-cookie").unwrap().starts_with("plinth_done=asked;"));
}

#[tokio::test]
async fn a_task_is_retried() {
    let mut tasks = telling(2, story(TaskState::Failed));
    tasks.expect_retry().withf(|id, _| *id == TaskId(ID.0)).once().returning(|_, _| Ok(()));
    let app = app(tasks);
    let token = token(&app).await;
    send(&app, form(RETRY).header("origin", "http://api.test"), token).await.leads_to(BACK);
}

#[tokio::test]
async fn what_is_not_possible_is_told_with_the_reason() {
    let mut tasks = telling(1, story(TaskState::Failed));
    let refused = |_, _| Err(Error::conflict("state", "state", "retry the task before it first"));
    tasks.expect_retry().once().returning(refused);
    tasks.expect_cancel().once().returning(|id, _| Err(Error::not_found("task", id.0)));
    let app = app(tasks);
    let token = token(&app).await;
    let text = send(&app, form(RETRY), token.clone()).await.page(409);
    assert!(
        said(&text).contains("That is not possible now State: retry the task before it first."),
        "{text}"
    );
    assert!(text.contains("href=\"../../tasks\"") && text.contains("data-every=\"0\""), "{text}");
    send(&app, form(CANCEL), token.clone()).await.page(404);
    send(&app, form("/mon/tasks/nonsense/cancel"), token).await.page(404);
}

#[tokio::test]
async fn a_form_of_anybody_else_is_refused_and_does_nothing() {
    let app = app(telling(1, story(TaskState::Running)));
    let token = token(&app).await;
    let plain = || request("POST", CANCEL).header("content-type", "application/x-www-form-urlencoded");
    let other = "plinth_mon=0190b6f0-0000-7000-8000-000000000008";
    let (short, changed) = (token[..token.len() - 2].to_owned(), token.replace("token=", "token=x"));
    for (why, request, body) in [
        ("no cookie", plain(), token.clone()),
        ("another's cookie", plain().header("cookie", other), token.clone()),
        ("a cookie that is no number", plain().header("cookie", "plinth_mon=x"), token.clone()),
        ("no token", form(CANCEL), String::new()),
        ("an empty token", form(CANCEL), "token=".to_owned()),
        ("a token cut off", form(CANCEL), short),
        ("a token changed", form(CANCEL), changed),
        ("two tokens", form(CANCEL), format!("{token}&{token}")),
        ("more than a token", form(CANCEL), format!("{token}&x=1")),
        ("another site", form(CANCEL).header("sec-fetch-site", "cross-site"), token.clone()),
        ("a neighbour", form(CANCEL).header("sec-fetch-site", "same-site"), token.clone()),
        ("another origin", form(CANCEL).header("origin", "http://evil.test"), token.clone()),
        ("another port", form(CANCEL).header("origin", "http://api.test:81"), token.clone()),
        ("an origin that is hidden", form(CANCEL).header("origin", "null"), token.clone()),
    ] {
        let text = send(&app, request, body).await.page(403);
        assert!(said(&text).contains("This form was refused"), "{why}: {text}");
    }
    for path in [RETRY, "/mon/schedules/hourly/run"] {
        send(&app, form(path), "token=AAAA").await.page(403);
    }
}

#[tokio::test]
async fn another_process_has_other_tokens() {
    let token = token(&app(telling(1, story(TaskState::Running)))).await;
    let services = Services { secret: "of another process".into(), ..Ports::default().services() };
    let other = monitor(&HttpConfig::default(), &services);
    send(&other, form(CANCEL), token).await.page(403);
}

#[tokio::test]
async fn a_form_is_small_and_nothing_but_a_form() {
    let app = app(MockTaskRepository::new());
    let json = request("POST", CANCEL).header("content-type", "application/json");
    send(&app, json, "{}").await.is_problem(415, &[]);
    send(&app, form(CANCEL), "x".repeat(8193)).await.is_problem(413, &[]);
    let answer = open(&app, CANCEL).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST, OPTIONS")));
}

#[tokio::test]
async fn a_schedule_runs_now() {
    let mut tasks = telling(2, story(TaskState::Queued));
    let nap = |then: &Then| then.tasks.len() == 1 && then.tasks[0].kind == "NAP";
    tasks.expect_schedule().withf(nap).once().returning(|_| Ok(vec![TaskId(ID.0)]));
    let services = Ports { tasks, ..Ports::default() }.services();
    let services = with_schedules(services, MockSchedules::new(), vec![hourly()]);
    let app = monitor(&HttpConfig::default(), &services);
    let token = token(&app).await;
    send(&app, form("/mon/schedules/hourly/run"), token.clone()).await.leads_to(BACK);
    send(&app, form("/mon/schedules/daily/run"), token).await.page(404);
}

#[tokio::test]
async fn cookies_and_links_hold_under_a_root_path() {
    let config = HttpConfig { root_path: "/api".to_owned(), ..HttpConfig::default() };
    let tasks = telling(2, story(TaskState::Running));
    let app = monitor(&config, &Ports { tasks, ..Ports::default() }.services());
    for path in [PAGE, &format!("/api{PAGE}")] {
        let answer = open(&app, path).await;
        let cookies: Vec<_> =
            answer.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
        assert_eq!(
            cookies,
            [
                format!("{COOKIE}; Path=/mon; HttpOnly; SameSite=Strict"),
                format!("{COOKIE}; Path=/api/mon; HttpOnly; SameSite=Strict"),
            ]
        );
        let text = answer.page(200);
        assert!(text.contains("action=\"../tasks/0190b6f0"), "{text}");
        for absolute in ["href=\"/", "src=\"/", "action=\"/"] {
            assert!(!text.contains(absolute), "{text}");
        }
    }
}
