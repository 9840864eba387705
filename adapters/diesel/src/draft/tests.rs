use super::*;
use crate::{
    migrator::{Difference, Found},
    schema::{Column, ColumnType, Table},
};
use application::MockClock;
use chrono::DateTime;

fn column(name: &'static str, kind: ColumnType, nullable: bool) -> Column {
    Column { name, kind, nullable }
}

fn differences() -> Vec<Difference> {
    let pets = Table {
        name: "pets",
        key: &["id"],
        columns: vec![
            column("id", ColumnType::Guid, false),
            column("born_at", ColumnType::Instant, true),
            column("tags", ColumnType::Jsonb, false),
        ],
    };
    let visits = Table {
        name: "visits",
        key: &["pet_id", "number"],
        columns: vec![
            column("pet_id", ColumnType::Guid, false),
            column("number", ColumnType::Integer, false),
            column("photo", ColumnType::Binary, true),
        ],
    };
    let found = |column: &str| Found {
        table_name: "persons".to_owned(),
        column_name: column.to_owned(),
        sql_type: "TEXT".to_owned(),
        nullable: false,
    };
    vec![
        Difference::MissingTable(pets),
        Difference::MissingTable(visits),
        Difference::MissingColumn("persons", column("nickname", ColumnType::Text, true)),
        Difference::MissingColumn("persons", column("score", ColumnType::Double, false)),
        Difference::SurplusColumn(found("email")),
        Difference::OtherColumn { found: found("age"), sql_type: "INTEGER", nullable: false },
    ]
}

#[test]
fn new_and_dropped_things_are_drafted_in_both_dialects() {
    let up = Dialect::Postgres.up(&differences());
    for part in [
        "CREATE TABLE pets (\n    id uuid NOT NULL CONSTRAINT pets_id_key PRIMARY KEY,\n    born_at timestamptz,",
        "    photo bytea,\n    CONSTRAINT visits_pet_id_number_key PRIMARY KEY (pet_id, number)\n);",
        "ALTER TABLE persons ADD COLUMN nickname text;",
        "ALTER TABLE persons ADD COLUMN score double precision NOT NULL DEFAULT 0;",
        "ALTER TABLE persons DROP COLUMN email;",
        "-- By hand: column persons.age is TEXT NOT NULL in the database and INTEGER NOT NULL in schema.rs.",
    ] {
        assert!(up.contains(part), "{part}\n---\n{up}");
    }
    let up = Dialect::Sqlite.up(&differences());
    assert!(up.contains("    tags BLOB NOT NULL\n) STRICT, WITHOUT ROWID;"), "{up}");
    assert!(up.contains("    photo BLOB,\n    PRIMARY KEY (pet_id, number)\n) STRICT"), "{up}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_drafted_for_sqlite_runs_up_and_down() {
    use diesel_async::SimpleAsyncConnection;
    let mut differences = differences();
    differences.retain(|difference| {
        matches!(difference, Difference::MissingTable(_) | Difference::MissingColumn(..))
    });
    let mut conn = sqlite::scratch(Path::new(":memory:")).await.unwrap();
    conn.batch_execute("CREATE TABLE persons (id TEXT NOT NULL PRIMARY KEY) STRICT").await.unwrap();
    conn.batch_execute(&Dialect::Sqlite.up(&differences)).await.unwrap();
    conn.batch_execute("INSERT INTO persons (id) VALUES ('a')").await.unwrap();
    conn.batch_execute(&Dialect::Sqlite.down(&differences)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_without_differences_is_a_template_in_four_files() {
    let folder = std::env::temp_dir().join(format!("plinth-draft-{}", std::process::id()));
    let mut clock = MockClock::new();
    clock.expect_now().return_const(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
    let draft = draft("Add: pets,  and more!", &folder, &clock).await.unwrap();
    assert_eq!((draft.name.as_str(), draft.files.len()), ("20270115080000_add_pets_and_more", 4));
    assert_eq!(draft.differences, [""; 0], "schema.rs and the migrations differ");
    for file in &draft.files {
        let text = fs::read_to_string(file).unwrap();
        assert!(
            text.starts_with("-- Add: pets,  and more!\n-- schema.rs and the migrations agree"),
            "{text}"
        );
    }
    let first = fs::read(&draft.files[0]).unwrap();
    for (comment, name) in
        [("Other", "20270115080001_other"), ("Add: pets and more", "20270115080002_add_pets_and_more")]
    {
        assert_eq!(super::draft(comment, &folder, &clock).await.unwrap().name, name, "in the same second");
    }
    assert_eq!(fs::read(&draft.files[0]).unwrap(), first);
    fs::remove_dir_all(folder).unwrap();
    assert!(matches!(super::draft("…", Path::new("nowhere"), &clock).await, Err(DraftError::Comment)));
}
