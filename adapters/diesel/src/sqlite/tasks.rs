//! Statements on tasks in SQLite's words.

use super::{Conn, repositories::ledger::NewRow};
use crate::schema::tasks;
use diesel::{QueryResult, SqliteConnection};

/// Inserts new tasks, one statement each, which costs nothing here; but one trip to the thread for all of them.
pub(crate) async fn insert(conn: &mut Conn, rows: Vec<NewRow>) -> QueryResult<()> {
    let insert = |conn: &mut SqliteConnection| {
        rows.into_iter().try_for_each(|row| {
            diesel::RunQueryDsl::execute(diesel::insert_into(tasks::table).values(row), conn).map(drop)
        })
    };
    conn.spawn_blocking(insert).await
}
