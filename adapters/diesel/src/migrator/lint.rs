//! Reads the migrations as a reviewer would: what would lock a table for long, rewrite it, or break the processes of the
//! previous version that still run, needs a line `-- safe: <why>` in its file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// A pattern (words, `…` for anything between) that is refused, words that make it harmless, and what it does.
type Rule = (&'static str, &'static [&'static str], &'static str);

const RULES: [Rule; 14] = [
    ("create … index", &["concurrently"], "keeps everybody from writing while it builds: CONCURRENTLY"),
    ("reindex", &["concurrently"], "keeps everybody from writing: CONCURRENTLY"),
    ("alter table … type", &[], "rewrites the table under the strongest lock"),
    ("alter table … set not null", &[], "reads the whole table under the strongest lock"),
    ("alter table … add column … not null", &["default"], "fails where there are rows: give a DEFAULT"),
    ("alter table … add column … gen_random_uuid", &[], "rewrites the table"),
    ("alter table … add … check", &["not valid"], "reads the whole table: NOT VALID, then VALIDATE later"),
    ("alter table … add … references", &["not valid"], "locks both tables: NOT VALID, then VALIDATE later"),
    ("alter table … add … unique", &["using index"], "builds an index under the strongest lock: USING INDEX"),
    ("alter table … rename", &[], "breaks the processes of the previous version"),
    ("alter table … drop column", &[], "breaks the processes of the previous version"),
    ("drop table", &[], "breaks the processes of the previous version"),
    ("update", &[], "holds the locks of all rows until the migration ends: write in batches"),
    ("vacuum full", &[], "rewrites the table under the strongest lock"),
];

#[test]
fn no_migration_does_anything_dangerous_without_saying_why() {
    for folder in migrations("postgres") {
        let up = fs::read_to_string(folder.join("up.sql")).unwrap();
        assert_eq!(dangers(&up, is_in_transaction(&folder)), [""; 0], "{}", folder.display());
    }
}

#[test]
fn both_databases_have_the_same_migrations_with_a_way_back() {
    let names = |database| -> BTreeSet<String> {
        let folders = migrations(database);
        for folder in &folders {
            let down = fs::read_to_string(folder.join("down.sql")).unwrap();
            assert!(!statements(&down).is_empty(), "{} cannot be taken back", folder.display());
        }
        folders.iter().map(|folder| folder.file_name().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(names("postgres"), names("sqlite"));
    // SQLite migrates in one transaction, all or nothing.
    assert!(migrations("sqlite").iter().all(|folder| is_in_transaction(folder)));
}

#[test]
fn what_is_dangerous_is_found() {
    for sql in [
        "CREATE INDEX a ON persons (age);",
        "CREATE UNIQUE INDEX a ON persons (age);",
        "ALTER TABLE persons ALTER COLUMN age TYPE bigint;",
        "ALTER TABLE persons ALTER age SET DATA TYPE bigint;",
        "alter table persons\n  alter column age set not null;",
        "ALTER TABLE persons ADD COLUMN a text NOT NULL;",
        "ALTER TABLE persons ADD CONSTRAINT a CHECK (age > 1);",
        "ALTER TABLE persons ADD COLUMN b uuid REFERENCES persons (id);",
        "ALTER TABLE persons ADD CONSTRAINT a UNIQUE (age);",
        "ALTER TABLE persons RENAME COLUMN age TO years;",
        "ALTER TABLE persons DROP COLUMN age;",
        "DROP TABLE persons;",
        "SELECT 1; UPDATE persons SET age = 1;",
        "CREATE TABLE pets (id uuid); CREATE INDEX a ON persons (age);",
    ] {
        assert_eq!(dangers(sql, true).len(), 1, "{sql}: {:?}", dangers(sql, true));
        assert_eq!(dangers(&format!("-- safe: the table is small\n{sql}"), true), [""; 0], "{sql}");
        assert_eq!(dangers(&format!("-- safe:\n{sql}"), true).len(), 1, "no reason: {sql}");
    }
    let concurrently = "CREATE INDEX CONCURRENTLY a ON persons (age);";
    assert_eq!(dangers(concurrently, true).len(), 1, "it cannot run in a transaction");
    assert_eq!(dangers(concurrently, false), [""; 0]);
}

#[test]
fn what_is_harmless_is_let_through() {
    for sql in [
        "CREATE TABLE pets (id uuid NOT NULL UNIQUE CHECK (id IS NOT NULL)); CREATE INDEX a ON pets (id);",
        "ALTER TABLE persons ADD COLUMN a text;",
        "ALTER TABLE persons ADD COLUMN a text NOT NULL DEFAULT '';",
        "ALTER TABLE persons ADD CONSTRAINT a CHECK (age > 1) NOT VALID;",
        "ALTER TABLE persons ADD CONSTRAINT a UNIQUE USING INDEX a;",
        "-- DROP TABLE persons;\nSELECT 1;",
    ] {
        assert_eq!(dangers(sql, true), [""; 0], "{sql}");
    }
}

/// The folders of all migrations for `database`.
fn migrations(database: &str) -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations").join(database);
    let folders = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    folders.collect()
}

fn is_in_transaction(folder: &Path) -> bool {
    let metadata = fs::read_to_string(folder.join("metadata.toml")).unwrap_or_default();
    !metadata.replace(' ', "").contains("run_in_transaction=false")
}

/// What is dangerous in a migration, a sentence each.
fn dangers(sql: &str, in_transaction: bool) -> Vec<String> {
    if sql.lines().any(|line| line.trim().strip_prefix("-- safe:").is_some_and(|why| !why.trim().is_empty()))
    {
        return Vec::new();
    }
    let statements = statements(sql);
    let new: Vec<&str> =
        statements.iter().filter_map(|s| s.strip_prefix("create table ")?.split(' ').next()).collect();
    let mut dangers = Vec::new();
    for statement in &statements {
        // Nobody has used a table that is made here.
        if new.iter().any(|table| concerns(statement, table)) {
            continue;
        }
        if in_transaction && statement.contains(" concurrently ") {
            dangers.push(format!("{statement}: needs run_in_transaction = false in metadata.toml"));
        }
        let broken = RULES.iter().find(|(pattern, excuses, _)| {
            matches(statement, pattern) && !excuses.iter().any(|excuse| statement.contains(excuse))
        });
        dangers.extend(broken.map(|(_, _, why)| format!("{statement}: {why}")));
    }
    dangers
}

/// Without comments, in lower case, single blanks between words.
fn statements(sql: &str) -> Vec<String> {
    let code: Vec<&str> = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let code = code.join(" ").to_lowercase();
    let words = |statement: &str| statement.split_whitespace().collect::<Vec<_>>().join(" ");
    code.split(';').map(words).filter(|statement| !statement.is_empty()).collect()
}

fn concerns(statement: &str, table: &str) -> bool {
    let table = table.trim_end_matches('(');
    [format!("create table {table} "), format!(" on {table} "), format!("alter table {table} ")]
        .iter()
        .any(|start| format!("{statement} ").contains(start))
}

/// Whether `statement` begins with the first part of `pattern` and has the others after it, in order.
fn matches(statement: &str, pattern: &str) -> bool {
    let mut parts = pattern.split(" … ");
    let first = parts.next().unwrap_or_default();
    let mut rest = statement.strip_prefix(first);
    for part in parts {
        let word = format!(" {part}");
        rest = rest.and_then(|rest| rest.split_once(&word)).map(|(_, rest)| rest);
    }
    rest.is_some()
}
