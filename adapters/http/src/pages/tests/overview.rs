//! The overview: queues, processes, schedules, and what is wrong with them.

use super::*;
use crate::testing::{at, task};
use application::{Minute, MockTaskStatistics, QueueDepth, Role, ScheduleStatus, SessionStatus};
use domain::{Page, QueueName, SessionId, Task, TaskQuery, TaskState};
use uuid::Uuid;

/// What the ports tell, each asked once, at second 9.
#[derive(Default)]
struct Board {
    depths: Vec<QueueDepth>,
    minutes: Vec<Minute>,
    sessions: Vec<SessionStatus>,
    tasks: Vec<Task>,
    fired: Vec<ScheduleStatus>,
    schedules: Vec<Schedule>,
}

impl Board {
    fn app(self) -> App {
        self.app_asked(1)
    }

    /// What is known of tasks is asked for once, and schedules so often.
    fn app_asked(self, times: usize) -> App {
        let Self { depths, minutes, sessions, tasks: known, fired, schedules } = self;
        let mut tasks = MockTaskRepository::new();
        for state in [TaskState::Running, TaskState::Failed] {
            let items: Vec<Task> =
                known.iter().filter(|task| task.standing.state == state).cloned().collect();
            let asked = move |query: &TaskQuery| query.filter.state == Some(state) && query.limit.get() == 8;
            let page = move |_: &TaskQuery| Ok(Page { items: items.clone(), next: None, prev: None });
            tasks.expect_list().withf(asked).once().returning(page);
        }
        let mut statistics = MockTaskStatistics::new();
        statistics.expect_depths().withf(|now| *now == at(9)).once().return_once(|_| Ok(depths));
        statistics.expect_minutes().withf(|since| *since == at(-59 * 60)).once().return_once(|_| Ok(minutes));
        statistics.expect_sessions().once().return_once(|| Ok(sessions));
        let mut known = MockSchedules::new();
        known.expect_list().times(times).returning(move || Ok(fired.clone()));
        let services = Ports { tasks, ..Ports::default() }.services();
        let services = Services { statistics: Arc::new(statistics), ..services };
        monitor(&HttpConfig::default(), &with_schedules(services, known, schedules))
    }

    async fn said(self) -> String {
        said(&open(&self.app(), "/mon/tasks").await.page(200))
    }
}

fn queue(name: &str) -> QueueName {
    QueueName::parse(name).unwrap()
}

fn depth(name: &str, queued: u64, oldest_due: Option<i64>) -> QueueDepth {
    QueueDepth { queue: queue(name), queued, running: 3, waiting: 1, oldest_due: oldest_due.map(at) }
}

fn minute(name: &str) -> Minute {
    let queue = queue(name);
    Minute {
        queue,
        minute: at(0),
        succeeded: 8,
        failed: 1,
        retried: 1,
        waited_us: 5_000_000,
        ran_us: 2_000_000,
    }
}

fn session(role: Role, expires_at: i64, closed_at: Option<i64>) -> SessionStatus {
    SessionStatus {
        id: SessionId(Uuid::from_u128(expires_at as u128)),
        role,
        host: "host<1>".to_owned(),
        process: 42,
        queues: vec![queue("default")],
        concurrency: 16,
        running: 4,
        started_at: at(0),
        renewed_at: at(7),
        expires_at: at(expires_at),
        closed_at: closed_at.map(at),
        claimed_at: None,
        finished_at: Some(at(8)),
    }
}

#[tokio::test]
async fn nothing_yet_is_said_kindly_everywhere() {
    let said = Board::default().said().await;
    for sentence in [
        "Nothing to do. Nothing is due, and no worker is alive.",
        "Running 0 no worker is alive",
        "Queued 0 none is due",
        "No task has ended",
        "No run has ended",
        "No tasks yet. A queue appears here",
        "Nothing runs at this moment.",
        "Nothing has failed.",
        "No worker and no beat has shown itself.",
        "No schedules are configured.",
    ] {
        assert!(said.contains(sentence), "{sentence}: {said}");
    }
}

#[tokio::test]
async fn a_queue_is_told_in_numbers_and_by_its_last_hour() {
    let depths = vec![depth("default", 12_345, Some(5))];
    let minutes = vec![minute("default"), minute("mail")];
    let sessions = vec![session(Role::Worker, 60, None)];
    let said = Board { depths, minutes, sessions, ..Board::default() }.said().await;
    assert!(said.contains("default 12,345 3 1 4 s ago 9 500 ms 20 %"), "{said}");
    assert!(said.contains("mail 0 0 0 none 9 500 ms 20 %"), "{said}");
    assert!(said.contains("All is well. 1 worker is alive, and nothing waits for long."), "{said}");
    assert!(said.contains("Running 3 of 16 slots Queued 12,345 oldest due for 4 s Waiting 1"), "{said}");
    assert!(said.contains("18 tasks ended") && said.contains("500 ms on average"), "{said}");
}

#[tokio::test]
async fn the_charts_can_be_those_of_one_queue() {
    let minutes = vec![minute("default"), minute("mail")];
    let app = Board { minutes, ..Board::default() }.app_asked(2);
    let all = open(&app, "/mon/tasks").await.page(200);
    assert!(all.contains("<a href=\"tasks\" aria-current=\"true\">All queues</a>"), "{all}");
    let one = open(&app, "/mon/tasks?queue=mail").await.page(200);
    assert!(said(&one).contains("9 tasks ended"), "{one}");
    assert!(one.contains("<a href=\"tasks?queue=mail\" aria-current=\"true\">mail</a>"), "{one}");
    let chart = "<desc id=\"description-throughput\">Tasks that ended in each of the last 60 minutes: 8 succeeded, 1 failed \
                 for good; the most in a minute were 9, at 00:00 UTC.</desc>";
    assert!(one.contains(chart), "{one}");
}

#[tokio::test]
async fn whoever_looks_within_a_second_sees_the_same_figures() {
    let app = Board { depths: vec![depth("default", 7, None)], ..Board::default() }.app_asked(3);
    for _ in 0..3 {
        open(&app, "/mon/tasks").await.page(200);
    }
}

#[tokio::test]
async fn what_needs_an_operator_comes_first() {
    let nobody = Board { depths: vec![depth("mail", 1, Some(5))], ..Board::default() };
    let nobody = nobody.said().await;
    assert!(
        nobody.contains("No worker takes tasks of mail. Some are due, the oldest for 4 s. Start one: plinth worker --queues mail"),
        "{nobody}"
    );
    let sessions = vec![session(Role::Worker, 60, None)];
    let behind = Board { depths: vec![depth("default", 2, Some(-53))], sessions, ..Board::default() };
    let behind = behind.said().await;
    assert!(
        behind.contains("default is behind. 2 tasks are queued, the oldest due for 1 m 2 s."),
        "{behind}"
    );
    let sessions = vec![session(Role::Worker, 8, None)];
    let lost = Board { sessions, ..Board::default() }.said().await;
    assert!(lost.contains("1 worker is lost. host&lt;1&gt;:42. Others take over the tasks."), "{lost}");
    let still = Board { schedules: vec![hourly()], ..Board::default() }.said().await;
    assert!(still.contains("Schedules do not fire. No beat is alive. Start one: plinth beat"), "{still}");
}

#[tokio::test]
async fn each_process_is_alive_lost_or_ended() {
    let sessions = vec![
        session(Role::Worker, 61, Some(8)),
        session(Role::Beat, 60, None),
        session(Role::Worker, 8, None),
        session(Role::Worker, 62, None),
    ];
    let said = Board { sessions, ..Board::default() }.said().await;
    let worker = "worker host&lt;1&gt; :42";
    let life = [
        "Alive default 4 of 16 9 s ago 2 s ago 1 s ago",
        "Lost default",
        "Ended default 4 of 16 9 s ago 1 s ago",
    ];
    let places =
        life.map(|life| said.find(&format!("{worker} {life}")).unwrap_or_else(|| panic!("{life}: {said}")));
    assert!(places.is_sorted(), "those that live come first: {said}");
    assert!(said.contains("beat host&lt;1&gt; :42 Alive"), "{said}");
}

#[tokio::test]
async fn a_schedule_is_told_with_its_last_and_its_next_slot() {
    let fired = vec![ScheduleStatus {
        name: ScheduleName::parse("hourly").unwrap(),
        last_slot: at(0),
        last_task: Some(TaskId(ID.0)),
    }];
    let board = Board { fired, schedules: vec![hourly()], ..Board::default() };
    let text = open(&board.app(), "/mon/tasks").await.page(200);
    let said = said(&text);
    assert!(
        said.contains("hourly NAP 0 * * * * Europe/Berlin 9 s ago , its task in 59 m 51 s Run now hourly"),
        "{said}"
    );
    assert!(text.contains("action=\"tasks/../schedules/hourly/run\""), "{text}");
    assert!(text.contains("title=\"the last late slot fires; left out while one is unfinished\""), "{text}");
}

#[tokio::test]
async fn tasks_that_run_and_tasks_that_failed_are_a_click_away() {
    let tasks = vec![task(TaskState::Running), Task { kind: "<i>".to_owned(), ..task(TaskState::Failed) }];
    let said = Board { tasks, ..Board::default() }.said().await;
    assert!(said.contains("ADD_ONE_YEAR run 1 of 4, started 5 s ago 40 % fetched"), "{said}");
    assert!(said.contains("&lt;i&gt; 4 s ago no retry could have helped"), "{said}");
}
