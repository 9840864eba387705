//! What `plinth db` needs to know of PostgreSQL: a session without time-outs, the lock, the catalogue.

use super::{Backend, Conn, Target};
use crate::{DatabaseConfig, MigrateError, OpenError, migrator::Found, schema::ColumnType};
use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    dsl::sql,
    sql_types::{BigInt, Bool, Text, Timestamptz},
};
use diesel_async::{AsyncConnectionCore, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use std::time::Duration;

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Whether the table in which Diesel keeps the applied versions is there: it is made by the first migration.
pub(crate) const LEDGER_EXISTS: &str = "to_regclass('__diesel_schema_migrations') IS NOT NULL";

/// The words of `schema.rs` in this dialect.
pub(crate) const DIALECT: fn(ColumnType) -> &'static str = ColumnType::postgres;

/// "plinth" in ASCII: any number will do, if every process takes the same.
const LOCK: i64 = 0x0000_706c_696e_7468;

/// A session in which a statement may take as long as it needs; waiting for a lock it may not, for whoever comes after
/// it would wait as well.
pub(crate) async fn connect(config: &DatabaseConfig) -> Result<Conn, OpenError> {
    Target::parse(config)?.connect(Duration::ZERO, "").await
}

/// Waits until no other process migrates. It asks again and again instead of sleeping in the server, because a waiting
/// statement has a snapshot, and CREATE INDEX CONCURRENTLY waits for every older snapshot.
pub(crate) async fn lock(conn: &mut Conn, log: &slog::Logger) -> Result<(), MigrateError> {
    const ATTEMPTS: u32 = 3000;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    for attempt in 0..ATTEMPTS {
        tick.tick().await;
        let free = sql::<Bool>("pg_try_advisory_lock(").bind::<BigInt, _>(LOCK).sql(")");
        if diesel::select(free).get_result(conn).await.map_err(MigrateError::database)? {
            return Ok(());
        }
        if attempt == 0 {
            slog::info!(log, "waiting for another process that is migrating the database");
        }
    }
    Err(MigrateError::Busy)
}

/// Gives the lock back. Each migration had its own transaction, so there is nothing to undo.
pub(crate) async fn unlock(conn: &mut Conn, _succeeded: bool) -> QueryResult<()> {
    let unlocked = sql::<Bool>("pg_advisory_unlock(").bind::<BigInt, _>(LOCK).sql(")");
    diesel::select(unlocked).get_result::<bool>(conn).await.map(drop)
}

/// Drops what migrations can have made in the schema, and leaves the schema and extensions alone: their owner may be
/// somebody else.
pub(crate) async fn drop_everything(conn: &mut Conn) -> QueryResult<()> {
    conn.batch_execute(include_str!("drop_everything.sql")).await
}

/// Every column of every table of ours.
pub(crate) async fn found(conn: &mut Conn) -> QueryResult<Vec<Found>> {
    diesel::sql_query(
        "SELECT c.relname::text AS table_name, a.attname::text AS column_name, NOT a.attnotnull AS nullable, \
                format_type(a.atttypid, a.atttypmod) AS sql_type \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace \
           AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> '__diesel_schema_migrations' \
         ORDER BY c.relname, a.attnum",
    )
    .load(conn)
    .await
}

/// The server's clock, and not the start of a transaction.
pub(crate) async fn now<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
) -> QueryResult<Option<DateTime<Utc>>> {
    diesel::select(sql::<Timestamptz>("clock_timestamp()")).get_result(conn).await.map(Some)
}

/// What to tell an operator of the server's settings.
pub(crate) async fn advice(conn: &mut Conn) -> QueryResult<Vec<String>> {
    let language: String =
        diesel::select(sql::<Text>("current_setting('lc_messages')")).get_result(conn).await?;
    let foreign = (!is_english(&language)).then(|| {
        format!(
            "the server's messages are in {language}: set lc_messages to C, or temporary failures are taken for defects \
             and answered with 500 instead of 503"
        )
    });
    Ok(foreign.into_iter().collect())
}

/// Whether messages under this `lc_messages` are those of the source code.
fn is_english(language: &str) -> bool {
    ["", "C", "POSIX"].contains(&language)
        || ["C.", "en_", "English"].iter().any(|start| language.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::is_english;

    #[test]
    fn languages_other_than_english_are_told_apart() {
        assert!(["", "C", "POSIX", "C.UTF-8", "en_GB.utf8"].into_iter().all(is_english));
        assert!(!["de_DE.UTF-8", "ca_ES", "eo", "Cantonese"].into_iter().any(is_english));
    }
}
