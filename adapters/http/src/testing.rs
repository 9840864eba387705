//! What the tests of this crate share: the whole app over mocked ports, asked without a socket.

use crate::{App, Body, Build, HttpConfig, Services, edge::Peer};
use application::{
    BeatController, BeatPorts, BeatSettings, Context, Error, HealthController, ImportController, MockBacklog,
    MockClock, MockDoorbell, MockIds, MockImports, MockPersonRepository, MockSchedules, MockTaskLedger,
    MockTaskRepository, MockTaskStatistics, PersonController, Registry, RequestId, Scheduler, TaskController,
    TaskWatch, Then,
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    Age, EmailAddress, EndReason, Person, PersonDetails, PersonId, PersonName, Place, Priority, Progress,
    QueueName, Standing, Task, TaskId, TaskState, TaskStory, Version,
};
use http::{HeaderMap, Request, StatusCode, header, request::Builder};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// Of everything that a test makes.
pub(crate) const ID: PersonId = PersonId(Uuid::from_u128(0x0190_b6f0_0000_7000_8000_0000_0000_0007));
/// [`ID`] as a path.
pub(crate) const V1: &str = "/v1/persons/0190b6f0-0000-7000-8000-000000000007";
/// The task with this id, as a path.
pub(crate) const TASK: &str = "/v1/tasks/0190b6f0-0000-7000-8000-000000000007";
pub(crate) const TASK_V2: &str = "/v2/tasks/0190b6f0-0000-7000-8000-000000000007";
pub(crate) const V2: &str = "/v2/persons/0190b6f0-0000-7000-8000-000000000007";

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// It is a problem with this status, and its errors are of these fields and codes.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, errors: &[(&str, &str)]) {
        let body = self.json();
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{body}");
        assert_eq!((self.status.as_u16(), &body["status"]), (status, &Value::from(status)), "{body}");
        assert_eq!(body["request_id"], self.header("x-request-id").unwrap());
        let found = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
        let found: Vec<_> =
            found.iter().map(|e| (e["field"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
        assert_eq!(found, errors, "{body}");
        for (_, code) in found {
            assert!(
                include_str!("../../../docs/errors.md").contains(&format!("`{code}`")),
                "{code} is not explained"
            );
        }
    }
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
}

pub(crate) fn details(name: &str, age: i64) -> PersonDetails {
    PersonDetails {
        name: PersonName::parse(name).unwrap(),
        email: EmailAddress::parse("ada@example.com").unwrap(),
        age: Age::new(age).unwrap(),
    }
}

/// Ada, 36, of version 2.
pub(crate) fn ada() -> Person {
    Person::restore(ID, details("Ada", 36), Version::FIRST.next(), at(0), at(5))
}

/// A repository that finds Ada once.
pub(crate) fn finding_ada() -> MockPersonRepository {
    let mut persons = MockPersonRepository::new();
    persons.expect_find().withf(|id| *id == ID).once().returning(|_| Ok(Some(ada())));
    persons
}

/// A repository that must not be asked.
pub(crate) fn untouched() -> MockPersonRepository {
    MockPersonRepository::new()
}

/// A task that is alone, [`ID`], in this state at second 5.
pub(crate) fn task(state: TaskState) -> Task {
    let has_run = !matches!(state, TaskState::Waiting | TaskState::Queued);
    Task {
        id: TaskId(ID.0),
        kind: "ADD_ONE_YEAR".to_owned(),
        queue: QueueName::parse("default").unwrap(),
        priority: Priority::Normal,
        standing: Standing { state, attempt: u32::from(has_run), ..Standing::new(false, 3) },
        fence: i64::from(has_run),
        version: if has_run { Version::FIRST.next() } else { Version::FIRST },
        place: Place::Alone,
        payload: r#"{"hush":1}"#.to_owned(),
        result: (state == TaskState::Succeeded).then(|| r#"{"age": 37}"#.to_owned()),
        progress: (state == TaskState::Running).then(|| Progress::new(0.4, "fetched")),
        reason: match state {
            TaskState::Failed => Some(EndReason::Unrecoverable),
            TaskState::Cancelled => Some(EndReason::Cancelled),
            _ => None,
        },
        timeout: Duration::from_secs(300),
        request_id: "trail".to_owned(),
        parent: None,
        due_at: at(1),
        created_at: at(0),
        started_at: has_run.then(|| at(4)),
        finished_at: state.is_terminal().then(|| at(5)),
    }
}

/// The same with all that belongs to it: nothing.
pub(crate) fn story(state: TaskState) -> TaskStory {
    TaskStory { task: task(state), links: Vec::new(), faults: Vec::new() }
}

/// A repository that tells this of [`ID`], so often.
pub(crate) fn telling(times: usize, story: TaskStory) -> MockTaskRepository {
    let mut tasks = MockTaskRepository::new();
    let asked = |ids: &[TaskId]| ids == [TaskId(ID.0)];
    tasks.expect_stories().withf(asked).times(times).returning(move |_| Ok(vec![story.clone()]));
    tasks
}

/// What is mocked. Whatever a test does not set must not be asked.
#[derive(Default)]
pub(crate) struct Ports {
    pub(crate) persons: MockPersonRepository,
    pub(crate) tasks: MockTaskRepository,
    pub(crate) imports: MockImports,
    pub(crate) doorbell: MockDoorbell,
    pub(crate) backlog: MockBacklog,
}

impl Ports {
    /// At second 9; ids are [`ID`].
    pub(crate) fn services(self) -> Services {
        let (mut clock, mut ids) = (MockClock::new(), MockIds::new());
        clock.expect_now().return_const(at(9));
        ids.expect_next().return_const(ID.0);
        let (clock, ids, repository) = (Arc::new(clock), Arc::new(ids), Arc::new(self.tasks));
        let scheduler = Arc::new(Scheduler::new(clock.clone(), ids.clone(), Arc::new(self.backlog)));
        let tasks = Arc::new(TaskController::new(repository.clone(), Arc::new(self.doorbell), clock.clone()));
        let persons = PersonController::new(
            Arc::new(self.persons),
            tasks.clone(),
            scheduler.clone(),
            clock.clone(),
            ids.clone(),
        );
        let imports = ImportController::new(
            Arc::new(self.imports),
            tasks.clone(),
            scheduler,
            clock.clone(),
            ids.clone(),
        );
        let ports = BeatPorts {
            schedules: Arc::new(MockSchedules::new()),
            ledger: Arc::new(MockTaskLedger::new()),
            tasks: tasks.clone(),
            registry: Arc::new(Registry::new()),
            clock: clock.clone(),
            ids: ids.clone(),
        };
        let beat = BeatController::new(ports, BeatSettings::default(), Vec::new(), ctx().log);
        Services {
            persons: Arc::new(persons),
            tasks,
            imports: Arc::new(imports),
            watch: Arc::new(TaskWatch::new(repository, Duration::from_millis(500))),
            statistics: Arc::new(MockTaskStatistics::new()),
            beat: Arc::new(beat.unwrap()),
            eager: None,
            health: Arc::new(HealthController::new(Vec::new(), Duration::from_secs(1))),
            ids,
            clock,
            metrics: Arc::new(|| "figures".to_owned()),
            log: ctx().log,
            secret: "of this process".into(),
            build: Build { name: "plinth", version: "1.2.3", revision: "abc" },
        }
    }

    /// The public listener.
    pub(crate) fn app(self) -> App {
        crate::public(&HttpConfig::default(), &self.services())
    }
}

/// Ada is found, the queue says `admitted`, and her birthday is scheduled so often.
pub(crate) fn birthday(
    admitted: impl Fn(&QueueName) -> Result<(), Error> + Send + 'static,
    times: usize,
) -> Ports {
    let mut ports = Ports { persons: finding_ada(), ..Ports::default() };
    ports.backlog.expect_admit().withf(|queue| queue.as_str() == "default").once().returning(admitted);
    let birthday = |then: &Then| match &then.tasks[..] {
        [task] => task.kind == "ADD_ONE_YEAR" && task.payload.contains(&ID.0.to_string()),
        _ => false,
    };
    ports.tasks = telling(times, story(TaskState::Queued));
    ports.tasks.expect_schedule().withf(birthday).times(times).returning(|_| Ok(vec![TaskId(ID.0)]));
    ports
}

/// Over `persons` alone.
pub(crate) fn services(persons: MockPersonRepository) -> Services {
    Ports { persons, ..Ports::default() }.services()
}

/// Over `tasks` alone.
pub(crate) fn app_of_tasks(tasks: MockTaskRepository) -> App {
    Ports { tasks, ..Ports::default() }.app()
}

pub(crate) fn ctx() -> Context {
    Context {
        request_id: RequestId::parse("test").unwrap(),
        log: slog::Logger::root(slog::Discard, slog::o!()),
    }
}

pub(crate) fn app(persons: MockPersonRepository) -> App {
    crate::public(&HttpConfig::default(), &services(persons))
}

/// A request with a host.
pub(crate) fn request(method: &str, uri: &str) -> Builder {
    Request::builder().method(method).uri(uri).header(header::HOST, "api.test")
}

/// A request with a body of JSON.
pub(crate) fn json(method: &str, uri: &str) -> Builder {
    request(method, uri).header(header::CONTENT_TYPE, "application/json")
}

/// From 192.0.2.7, unless the request says otherwise.
pub(crate) async fn send(app: &App, request: Builder, body: impl Into<Bytes>) -> Answer {
    let mut request = request.body(Full::new(body.into())).unwrap();
    if request.extensions().get::<Peer>().is_none() {
        request.extensions_mut().insert(Peer("192.0.2.7:1234".parse().unwrap()));
    }
    let (parts, body) = app.call(request).await.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// GET.
pub(crate) async fn get(app: &App, uri: &str) -> Answer {
    send(app, request("GET", uri), "").await
}

/// An answer whose body is not read yet.
pub(crate) async fn open(app: &App, request: Builder) -> http::Response<Body> {
    app.call(request.body(Full::new(Bytes::new())).unwrap()).await
}

/// The next part of a body; none at its end.
pub(crate) async fn next(body: &mut Body) -> Option<String> {
    let frame = body.frame().await?.unwrap();
    Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
}
