use super::*;
use crate::{DatabaseConfig, schema::persons};
use application::{Error, MockDoorbell, Then};
use diesel::{QueryDsl, dsl::sql, sql_types::Text};
use diesel_async::RunQueryDsl;
use domain::{
    Age, Cursor, Direction, EmailAddress, NamePrefix, Person, PersonDetails, PersonFilter, PersonId,
    PersonName, PersonOrder, PersonPosition, PersonQuery, PersonSort,
};
use std::{path::PathBuf, time::Duration};

/// A database in a folder of its own, removed when dropped.
struct Scratch {
    db: Db,
    folder: PathBuf,
}

impl Scratch {
    async fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("plinth-{name}-{}", std::process::id()));
        let url = format!("sqlite://{}/plinth.db", folder.display());
        let config = DatabaseConfig { url: url.into(), ..DatabaseConfig::default() };
        let log = slog::Logger::root(slog::Discard, slog::o!());
        let db = open(&config, Arc::new(MockDoorbell::new()), &log).await.unwrap();
        Self { db, folder }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_whose_future_was_dropped_is_not_handed_on() {
    let scratch = Scratch::new("dropped").await;
    for _ in 0..20 {
        let mut conn = scratch.db.write().await.unwrap();
        let half = conn.immediate_transaction(async |conn| {
            conn.batch_execute("INSERT INTO persons VALUES ('a', 'Ada', 'a@b', 'a@b', 1, 1, '', '')").await?;
            std::future::pending::<QueryResult<()>>().await
        });
        assert!(tokio::time::timeout(Duration::from_millis(5), half).await.is_err());
        drop(conn);
        let count: i64 =
            persons::table.count().get_result(&mut scratch.db.write().await.unwrap()).await.unwrap();
        assert_eq!(count, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_read_from_an_index_in_its_order() {
    let scratch = Scratch::new("plans").await;
    let mut conn = scratch.db.read().await.unwrap();
    let position = PersonPosition { key: Some("a".to_owned()), id: PersonId(uuid::Uuid::nil()) };
    for (order, index) in [
        (PersonOrder::Created, "USING PRIMARY KEY (id>?)"),
        (PersonOrder::Name, "USING INDEX persons_name_id_idx ((name,id)>(?,?))"),
        (PersonOrder::Email, "USING INDEX sqlite_autoindex_persons_2 (email_key>?)"),
    ] {
        for descending in [false, true] {
            let cursor = Some(Cursor { position: position.clone(), direction: Direction::After });
            let query =
                PersonQuery { sort: PersonSort { order, descending }, cursor, ..PersonQuery::default() };
            let index = if descending { index.replace('>', "<") } else { index.to_owned() };
            assert_eq!(plan(&mut conn, &query).await, [format!("SEARCH persons {index}")]);
        }
    }
    let filter = PersonFilter { name: NamePrefix::parse("A").ok(), email: None };
    let sort = PersonSort { order: PersonOrder::Name, descending: false };
    let prefix = PersonQuery { filter, sort, ..PersonQuery::default() };
    let index = "SEARCH persons USING INDEX persons_name_id_idx (name>? AND name<?)";
    assert_eq!(plan(&mut conn, &prefix).await, [index]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_grow_or_be_written_is_unavailable() {
    for (pragma, reason) in [
        ("PRAGMA max_page_count = 1", "database or disk is full"),
        ("PRAGMA query_only = ON", "attempt to write a readonly database"),
    ] {
        let scratch = Scratch::new("full").await;
        scratch.db.write().await.unwrap().batch_execute(pragma).await.unwrap();
        let persons = scratch.db.persons();
        // At first there is room on the pages that the file has.
        let mut refused = None;
        for number in 0..1000 {
            refused = persons.insert(&person(number), &Then::nothing()).await.err();
            if refused.is_some() {
                break;
            }
        }
        match refused {
            Some(Error::Unavailable { source, .. }) => assert_eq!(source.to_string(), reason),
            other => panic!("{pragma}: {other:?}"),
        }
        assert!(persons.list(&PersonQuery::default()).await.is_ok(), "reads go on");
    }
}

fn person(number: u128) -> Person {
    let details = PersonDetails {
        name: PersonName::parse("Ada").unwrap(),
        email: EmailAddress::parse(&format!("ada{number}@example.com")).unwrap(),
        age: Age::new(36).unwrap(),
    };
    Person::new(PersonId(uuid::Uuid::from_u128(number)), details, chrono::DateTime::UNIX_EPOCH)
}

/// What SQLite would do for `query`.
async fn plan(conn: &mut Conn, query: &PersonQuery) -> Vec<String> {
    let page = repositories::persons::page(query);
    let page = diesel::debug_query::<Backend, _>(&page).to_string();
    let page = page.split(" -- binds").next().unwrap();
    let steps =
        sql::<(diesel::sql_types::Integer, diesel::sql_types::Integer, diesel::sql_types::Integer, Text)>(
            &format!("EXPLAIN QUERY PLAN {page}"),
        );
    let steps: Vec<(i32, i32, i32, String)> = steps.load(conn).await.unwrap();
    steps.into_iter().map(|(.., step)| step).collect()
}

#[test]
fn constraints_are_named_by_the_rule() {
    let named = |message: &str| violated(&message.to_owned()).map(Cow::into_owned);
    assert_eq!(
        named("UNIQUE constraint failed: persons.email_key").as_deref(),
        Some("persons_email_key_key")
    );
    assert_eq!(named("UNIQUE constraint failed: a.b, a.c").as_deref(), Some("a_b_c_key"));
    assert_eq!(named("CHECK constraint failed: persons_age_check").as_deref(), Some("persons_age_check"));
    assert_eq!(named("FOREIGN KEY constraint failed"), None);
}
