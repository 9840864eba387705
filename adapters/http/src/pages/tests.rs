//! The pages over mocked ports: what they show, what they refuse, and that nothing is taken for HTML that is none.

mod forms;
mod listing;
mod overview;
mod story;

use crate::{
    App, HttpConfig, Services, monitor,
    testing::{Answer, ID, Ports, ctx, request, send},
};
use application::{
    BeatController, BeatPorts, BeatSettings, Error, MockSchedules, MockTaskLedger, MockTaskRepository,
    Registry, TaskContext, TaskError, TaskKind,
};
use domain::{Misfire, Overlap, Schedule, ScheduleName, TaskId, Timing};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The page about [`ID`].
const PAGE: &str = "/mon/tasks/0190b6f0-0000-7000-8000-000000000007";

/// A kind that may be scheduled.
#[derive(Serialize, Deserialize)]
struct Nap {}

impl TaskKind for Nap {
    const NAME: &'static str = "NAP";
    type Services = ();
    type Output = ();

    async fn run(self, _: TaskContext<()>) -> Result<(), TaskError> {
        Ok(())
    }
}

/// The internal listener over `tasks` alone.
fn app(tasks: MockTaskRepository) -> App {
    monitor(&HttpConfig::default(), &Ports { tasks, ..Ports::default() }.services())
}

/// A nap each hour.
fn hourly() -> Schedule {
    Schedule {
        name: ScheduleName::parse("hourly").unwrap(),
        timing: Timing::parse("0 * * * *", "Europe/Berlin").unwrap(),
        misfire: Misfire::RunOnce,
        overlap: Overlap::Skip,
        kind: "NAP".to_owned(),
        payload: "{}".to_owned(),
    }
}

/// The same services with these schedules.
fn with_schedules(services: Services, known: MockSchedules, schedules: Vec<Schedule>) -> Services {
    let ports = BeatPorts {
        schedules: Arc::new(known),
        ledger: Arc::new(MockTaskLedger::new()),
        tasks: services.tasks.clone(),
        registry: Arc::new(Registry::new().with::<Nap>(Arc::new(()))),
        clock: services.clock.clone(),
        ids: services.ids.clone(),
    };
    let beat = BeatController::new(ports, BeatSettings::default(), schedules, ctx().log);
    Services { beat: Arc::new(beat.unwrap()), ..services }
}

/// A page that a browser asks for.
async fn open(app: &App, path: &str) -> Answer {
    send(app, request("GET", path), "").await
}

impl Answer {
    /// The text of a page; it must be one, with this status.
    #[track_caller]
    fn page(&self, status: u16) -> String {
        let text = String::from_utf8(self.body.to_vec()).unwrap();
        assert_eq!(self.status, status, "{text}");
        assert_eq!(self.header("content-type"), Some("text/html; charset=utf-8"), "{text}");
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let policy = self.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(policy.contains("form-action 'self'"), "{policy}");
        assert_eq!(text.matches("<h1").count(), 1, "{text}");
        text
    }

    /// Where it leads.
    #[track_caller]
    fn leads_to(&self, location: &str) {
        assert_eq!(self.status, 303, "{self:?}");
        assert_eq!(self.header("location"), Some(location));
    }
}

/// What `text` says to a person: without tags, with plain blanks and slashes.
fn said(text: &str) -> String {
    let main = text.split_once("<main").map_or(text, |(_, main)| main);
    let words = main.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text);
    words
        .collect::<Vec<_>>()
        .join(" ")
        .replace('\u{a0}', " ")
        .replace("&#x2f;", "/")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[tokio::test]
async fn the_way_to_the_overview_is_short() {
    let app = app(MockTaskRepository::new());
    open(&app, "/mon").await.leads_to("tasks");
    open(&app, "/mon/tasks/").await.leads_to("../tasks");
}

#[tokio::test]
async fn style_script_and_icon_are_kept_for_ever_under_their_hash() {
    let mut tasks = MockTaskRepository::new();
    tasks.expect_stories().withf(|ids| ids == [TaskId(ID.0)]).once().returning(|_| Ok(Vec::new()));
    let app = app(tasks);
    let text = open(&app, PAGE).await.page(404);
    for extension in ["css", "js", "svg"] {
        let mut names = text.split('"').filter(|part| part.ends_with(&format!(".{extension}")));
        let name = names.next_back().unwrap();
        let file = open(&app, &name.replace("../tasks", "/mon/tasks")).await;
        assert_eq!(file.status, 200, "{name}");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"));
        assert!(!file.body.is_empty(), "{name}");
    }
    open(&app, "/mon/tasks/assets/pages.css").await.is_problem(404, &[]);
}

#[tokio::test]
async fn a_database_that_is_gone_is_told_as_a_page_that_tries_again() {
    let mut tasks = MockTaskRepository::new();
    tasks.expect_stories().once().returning(|_| Err(Error::unavailable("the database", "gone")));
    let text = open(&app(tasks), PAGE).await.page(503);
    assert!(said(&text).contains("Not available The database is not available."), "{text}");
    assert!(text.contains("data-every=\"2\""));
}

#[test]
fn templates_have_no_script_style_or_handler_of_their_own() {
    let templates = [
        include_str!("../../assets/pages/frame.html"),
        include_str!("../../assets/pages/parts.html"),
        include_str!("../../assets/pages/overview.html"),
        include_str!("../../assets/pages/listing.html"),
        include_str!("../../assets/pages/story.html"),
        include_str!("../../assets/pages/problem.html"),
    ];
    for text in templates {
        for forbidden in
            ["<style", "<script>", " style=", " onclick=", " onload=", "javascript:", "http", "|safe"]
        {
            assert!(!text.contains(forbidden), "{forbidden} in {text}");
        }
    }
}
