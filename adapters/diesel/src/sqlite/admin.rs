//! What `plinth db` needs to know of SQLite: a patient session, the lock, the catalogue.

use super::{Conn, file};
use crate::{DatabaseConfig, MigrateError, OpenError, migrator::Found, schema::ColumnType};
use chrono::{DateTime, Utc};
use diesel::{
    QueryResult, connection::AnsiTransactionManager, dsl::sql, prelude::*, sql_types::BigInt, sql_types::Text,
};
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use std::path::Path;

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Whether the table in which Diesel keeps the applied versions is there: it is made by the first migration.
pub(crate) const LEDGER_EXISTS: &str =
    "EXISTS (SELECT 1 FROM sqlite_master WHERE name = '__diesel_schema_migrations')";

/// The words of `schema.rs` in this dialect.
pub(crate) const DIALECT: fn(ColumnType) -> &'static str = ColumnType::sqlite;

/// A session that waits a minute for whoever else writes. Foreign keys are off, as rebuilding a table demands (SQLite
/// manual, "Making Other Kinds Of Table Schema Changes"); `unlock` checks them.
pub(crate) async fn connect(config: &DatabaseConfig) -> Result<Conn, OpenError> {
    let path = super::path(config)?;
    file::make_folder(&path)?;
    let mut conn = scratch(&path).await?;
    let pragmas = "PRAGMA busy_timeout = 60000; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = OFF;";
    conn.batch_execute(pragmas).await.map_err(|error| file::unusable(&path, error))?;
    Ok(conn)
}

/// A session as it comes; `:memory:` is a database of its own that ends with it.
pub(crate) async fn scratch(path: &Path) -> Result<Conn, OpenError> {
    Conn::establish(&path.to_string_lossy()).await.map_err(|error| file::unusable(path, error))
}

/// Takes the file for writing, as one transaction around all migrations.
pub(crate) async fn lock(conn: &mut Conn, _log: &slog::Logger) -> Result<(), MigrateError> {
    let begun =
        conn.spawn_blocking(|conn| AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"));
    begun.await.map_err(|error| match error {
        diesel::result::Error::DatabaseError(_, info) if info.message() == "database is locked" => {
            MigrateError::Busy
        }
        error => MigrateError::database(error),
    })
}

/// Ends the transaction: all migrations or none, and none that leaves a reference to nothing.
pub(crate) async fn unlock(conn: &mut Conn, succeeded: bool) -> QueryResult<()> {
    type Manager = <Conn as AsyncConnection>::TransactionManager;
    let dangling = sql::<BigInt>("(SELECT count(*) FROM pragma_foreign_key_check)");
    if succeeded && diesel::select(dangling).get_result::<i64>(conn).await? == 0 {
        return Manager::commit_transaction(conn).await;
    }
    Manager::rollback_transaction(conn).await?;
    if succeeded { Err(dangling_reference()) } else { Ok(()) }
}

fn dangling_reference() -> diesel::result::Error {
    let message = "the migration leaves a row that refers to a row that does not exist".to_owned();
    let kind = diesel::result::DatabaseErrorKind::ForeignKeyViolation;
    diesel::result::Error::DatabaseError(kind, Box::new(message))
}

/// Drops every view and table; indices and triggers go with theirs.
pub(crate) async fn drop_everything(conn: &mut Conn) -> QueryResult<()> {
    let drops = sql::<Text>("'DROP ' || type || ' \"' || name || '\"'");
    let ours = sql::<diesel::sql_types::Bool>(
        "type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    );
    let objects = catalogue::sqlite_master::table.filter(ours).order(catalogue::sqlite_master::type_.desc());
    let statements: Vec<String> = objects.select(drops).load(conn).await?;
    conn.batch_execute(&statements.join(";")).await
}

/// Every column of every table of ours.
pub(crate) async fn found(conn: &mut Conn) -> QueryResult<Vec<Found>> {
    diesel::sql_query(
        "SELECT m.name AS table_name, c.name AS column_name, NOT c.\"notnull\" AS nullable, upper(c.type) AS sql_type \
         FROM sqlite_master m JOIN pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
           AND m.name <> '__diesel_schema_migrations' \
         ORDER BY m.name, c.cid",
    )
    .load(conn)
    .await
}

/// The server's clock: there is none.
pub(crate) async fn now<C>(_conn: &mut C) -> QueryResult<Option<DateTime<Utc>>> {
    Ok(None)
}

/// What to tell an operator: the library is compiled in, so there is nothing to set.
pub(crate) async fn advice(_conn: &mut Conn) -> QueryResult<Vec<String>> {
    Ok(Vec::new())
}

mod catalogue {
    diesel::table! {
        sqlite_master (name) {
            name -> Text,
            #[sql_name = "type"]
            type_ -> Text,
        }
    }
}
