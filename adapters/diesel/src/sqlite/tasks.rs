//! Statements on tasks in SQLite's words.

use super::{
    Conn, Db,
    repositories::ledger::{NewRow, success},
    transaction,
};
use crate::{error::Undone, schema::tasks};
use application::{Claim, Finished, faults::failpoint};
use chrono::{DateTime, Utc};
use diesel::{QueryResult, SqliteConnection, sql_types::Text};
use std::collections::HashSet;

/// Inserts new tasks, one statement each, which costs nothing here; but one trip to the thread for all of them.
pub(crate) async fn insert(conn: &mut Conn, rows: Vec<NewRow>) -> QueryResult<()> {
    let insert = |conn: &mut SqliteConnection| {
        rows.into_iter().try_for_each(|row| {
            diesel::RunQueryDsl::execute(diesel::insert_into(tasks::table).values(row), conn).map(drop)
        })
    };
    conn.spawn_blocking(insert).await
}

/// Commits successes; those whose claims held.
pub(crate) async fn finish(
    db: &Db,
    finished: &[Finished],
    now: DateTime<Utc>,
) -> Result<HashSet<Claim>, Undone> {
    transaction!(db, conn => async {
        let mut held = HashSet::new();
        for Finished { claim, result } in finished {
            let written = success::succeed(conn, *claim, result, now).await?.is_some();
            if written || success::settled_before(conn, *claim).await? {
                held.insert(*claim);
            }
        }
        failpoint("in_finish");
        Ok(held)
    })
}

diesel::define_sql_function! {
    /// Where `part` begins in `text`, counted from 1; 0 if it does not.
    #[sql_name = "instr"]
    fn place_in(text: Text, part: Text) -> Integer;
}

/// Whether the caller's transaction is the only one that claims a suspect of the queue: it is, since it has the file.
pub(crate) async fn alone(_conn: &mut Conn, _queue: &str) -> QueryResult<bool> {
    Ok(true)
}
