//! How many rows there are, asked past the application and in one statement: whoever asks the application page by page may
//! miss what moves meanwhile.

use super::{TestDatabase, hold::sqlite};
use diesel::{QueryableByName, RunQueryDsl};
use tokio_postgres::NoTls;

impl TestDatabase {
    /// How many rows `table` has; it may go on with `WHERE`.
    pub async fn count(&self, table: &str) -> i64 {
        count(self.url(), table).await.expect("the database counts")
    }
}

/// The same of the database at `url`; `None` while that cannot be asked.
pub(crate) async fn count(url: &str, table: &str) -> Option<i64> {
    let sql = format!("SELECT count(*) AS rows FROM {table}");
    if url.starts_with("sqlite:") {
        return diesel::sql_query(sql).get_result::<Count>(&mut sqlite(url)).ok().map(|count| count.rows);
    }
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.ok()?;
    tokio::spawn(connection);
    Some(client.query_one(&sql, &[]).await.ok()?.get(0))
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}
