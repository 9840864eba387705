//! Persons: list by keyset pages, get, create.

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;
use validator::ValidateEmail;

const FIND: &str = "SELECT id, name, email, age, created_at, updated_at FROM persons WHERE id = $1";
const FIRST: &str = "SELECT id, name, email, age, created_at, updated_at FROM persons ORDER BY id LIMIT $1";
const AFTER: &str =
    "SELECT id, name, email, age, created_at, updated_at FROM persons WHERE id > $2 ORDER BY id LIMIT $1";
const BEFORE: &str = "SELECT id, name, email, age, created_at, updated_at FROM persons WHERE id < $2 ORDER BY id DESC LIMIT $1";
const INSERT: &str = "INSERT INTO persons (id, name, email, email_key, age, version, created_at, updated_at) \
                      VALUES ($1, $2, $3, $4, $5, 1, $6, $6)";

#[derive(Serialize, sqlx::FromRow)]
pub struct Person {
    id: Uuid,
    name: String,
    email: String,
    age: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    name: String,
    email: String,
    age: i32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    #[serde(default = "twenty")]
    limit: i64,
    after: Option<Uuid>,
    before: Option<Uuid>,
}

#[derive(Serialize)]
pub struct Page {
    objects: Vec<Person>,
    next: Option<String>,
    prev: Option<String>,
}

/// `GET /v1/persons?limit=20`, and from there by `next` and `prev`.
pub async fn list(
    State(pool): State<PgPool>,
    Query(place): Query<Place>,
    headers: HeaderMap,
) -> Result<Json<Page>, Problem> {
    let Place { limit, after, before } = place;
    if !(1..=100).contains(&limit) {
        return Err(Problem(StatusCode::UNPROCESSABLE_ENTITY, "limit must be 1 to 100"));
    }
    let statement = if after.is_some() {
        AFTER
    } else if before.is_some() {
        BEFORE
    } else {
        FIRST
    };
    // One row more than asked for tells whether the list goes on.
    let mut query = sqlx::query_as(statement).bind(limit + 1);
    if let Some(id) = after.or(before) {
        query = query.bind(id);
    }
    let mut objects: Vec<Person> = query.fetch_all(&pool).await?;
    let more = objects.len() > limit as usize;
    objects.truncate(limit as usize);
    let backwards = before.is_some() && after.is_none();
    if backwards {
        objects.reverse();
    }
    let (follows, precedes) = if backwards { (true, more) } else { (more, after.is_some()) };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let link = |person: Option<&Person>, exists: bool, way: &str| {
        person
            .filter(|_| exists)
            .map(|person| format!("http://{host}/v1/persons?limit={limit}&{way}={}", person.id))
    };
    let next = link(objects.last(), follows, "after");
    let prev = link(objects.first(), precedes, "before");
    Ok(Json(Page { objects, next, prev }))
}

/// `GET /v1/persons/{id}`.
pub async fn show(State(pool): State<PgPool>, Path(id): Path<Uuid>) -> Result<Json<Person>, Problem> {
    let person = sqlx::query_as(FIND).bind(id).fetch_optional(&pool).await?;
    person.map(Json).ok_or(Problem(StatusCode::NOT_FOUND, "there is no such person"))
}

/// `POST /v1/persons`.
pub async fn create(State(pool): State<PgPool>, Json(new): Json<NewPerson>) -> Result<Response, Problem> {
    let (name, email) = (new.name.trim(), new.email.trim());
    let sane = |text: &str, longest| {
        (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    if !sane(name, 200) || !sane(email, 254) || !email.validate_email() || !(0..=150).contains(&new.age) {
        return Err(Problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a person needs a name, an e-mail address and an age",
        ));
    }
    let now = Utc::now().trunc_subsecs(6);
    let person = Person {
        id: Uuid::now_v7(),
        name: name.to_owned(),
        email: email.to_owned(),
        age: new.age,
        created_at: now,
        updated_at: now,
    };
    sqlx::query(INSERT)
        .bind(person.id)
        .bind(&person.name)
        .bind(&person.email)
        .bind(person.email.to_lowercase())
        .bind(person.age)
        .bind(now)
        .execute(&pool)
        .await?;
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::try_from(format!("/v1/persons/{}", person.id)) {
        headers.insert(header::LOCATION, location);
    }
    Ok((StatusCode::CREATED, headers, Json(person)).into_response())
}

/// What went wrong, as RFC 9457 has it.
pub struct Problem(StatusCode, &'static str);

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if error.as_database_error().is_some_and(|error| error.is_unique_violation()) {
            return Self(StatusCode::CONFLICT, "the e-mail address is taken");
        }
        tracing::error!(%error, "the database failed");
        match error {
            sqlx::Error::PoolTimedOut => Self(StatusCode::SERVICE_UNAVAILABLE, "the database is busy"),
            _ => Self(StatusCode::INTERNAL_SERVER_ERROR, "something failed"),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(status, detail) = self;
        let body = json!({ "type": "about:blank", "title": status.canonical_reason(), "status": status.as_u16(), "detail": detail });
        (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
    }
}

fn twenty() -> i64 {
    20
}
