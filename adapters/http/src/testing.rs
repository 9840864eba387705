//! What the tests of this crate share: the whole app over mocked ports, asked without a socket.

use crate::{App, Build, HttpConfig, Services, edge::Peer};
use application::{
    Context, HealthController, MockClock, MockIds, MockPersonRepository, PersonController, RequestId,
};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Age, EmailAddress, Person, PersonDetails, PersonId, PersonName, Version};
use http::{HeaderMap, Request, StatusCode, header, request::Builder};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// Of everything that a test makes.
pub(crate) const ID: PersonId = PersonId(Uuid::from_u128(0x0190_b6f0_0000_7000_8000_0000_0000_0007));
/// [`ID`] as a path.
pub(crate) const V1: &str = "/v1/persons/0190b6f0-0000-7000-8000-000000000007";
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

/// Over `persons`, at second 9; ids are [`ID`].
pub(crate) fn services(persons: MockPersonRepository) -> Services {
    let (mut clock, mut ids) = (MockClock::new(), MockIds::new());
    clock.expect_now().return_const(at(9));
    ids.expect_next().return_const(ID.0);
    let (clock, ids) = (Arc::new(clock), Arc::new(ids));
    Services {
        persons: Arc::new(PersonController::new(Arc::new(persons), clock.clone(), ids.clone())),
        health: Arc::new(HealthController::new(Vec::new(), Duration::from_secs(1))),
        ids,
        clock,
        metrics: Arc::new(|| "figures".to_owned()),
        log: ctx().log,
        build: Build { name: "plinth", version: "1.2.3", revision: "abc" },
    }
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
