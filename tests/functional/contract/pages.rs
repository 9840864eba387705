//! What a page costs: as many rows as it shows, wherever it lies.

use super::Store;
use domain::{Cursor, Direction, PersonId, PersonOrder, PersonPosition, PersonQuery, PersonSort};
use plinth_tests::{Setup, connect, on_postgres};
use std::time::Duration;
use tokio_postgres::Client;
use uuid::Uuid;

on_postgres!(a_deep_page_reads_no_more_rows_than_the_first);

/// A hundred names for 20,000 persons: each has many ties.
const PERSONS: &str = "INSERT INTO persons \
    SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'Ada ' || n % 100, n || '@example.com', \
           n || '@example.com', 36, 1, now(), now() \
    FROM generate_series(1, 20000) n";

async fn a_deep_page_reads_no_more_rows_than_the_first(setup: Setup) {
    let store = Store::new(&setup).await;
    let client = connect(store.kept.url()).await;
    client.batch_execute(&format!("{PERSONS}; ANALYZE persons;")).await.expect("inserted");
    let before = read(&client).await;
    let id = PersonId(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_2710));
    let keys = [None, Some("Ada 50".to_owned()), Some("5000@example.com".to_owned())];
    let orders = [PersonOrder::Created, PersonOrder::Name, PersonOrder::Email];
    let mut pages = 0;
    for (order, key) in orders.into_iter().zip(keys) {
        for (descending, direction) in
            [(false, Direction::After), (true, Direction::After), (false, Direction::Before)]
        {
            let position = PersonPosition { key: key.clone(), id };
            let cursor = Some(Cursor { position, direction });
            let query =
                PersonQuery { sort: PersonSort { order, descending }, cursor, ..PersonQuery::default() };
            let page = store.persons().list(&query).await.expect("a page");
            assert_eq!(page.items.len(), usize::from(query.limit.get()), "{query:?}");
            pages += 1;
        }
    }
    // A session reports what it has read when it ends.
    store.database.close().await;
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'plinth' AND datname = current_database()";
    drop(store.database);
    while client.query_one(sessions, &[]).await.expect("a row").get::<_, i64>(0) > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let rows = read(&client).await - before;
    assert!((pages * 21..=pages * 25).contains(&rows), "{rows} rows for {pages} pages of 20");
}

/// How many rows of `persons` have been read, from indices and otherwise.
async fn read(client: &Client) -> i64 {
    client.batch_execute("SELECT pg_stat_force_next_flush()").await.expect("flushed");
    let sql = "SELECT pg_stat_clear_snapshot()::text, coalesce(idx_tup_fetch, 0) + seq_tup_read \
               FROM pg_stat_user_tables WHERE relname = 'persons'";
    client.query_one(sql, &[]).await.expect("a row").get(1)
}
