//! Statements on tasks in PostgreSQL's words: those that take many rows at once as arrays, so that their text is constant
//! and a connection prepares it once.

use super::{Backend, Conn, repositories::ledger::NewRow};
use crate::types::{
    At, Document, Id,
    sql::{Document as Json, Guid, Instant},
};
use diesel::{
    QueryResult,
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{Array, BigInt, HasSqlType, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;

/// Inserts new tasks.
pub(crate) async fn insert(conn: &mut Conn, rows: Vec<NewRow>) -> QueryResult<()> {
    Insert::from(rows).execute(conn).await.map(drop)
}

/// New rows, turned into columns.
#[derive(Default, QueryId)]
struct Insert {
    ids: Vec<Id>,
    kinds: Vec<String>,
    queues: Vec<String>,
    priorities: Vec<i32>,
    states: Vec<&'static str>,
    due: Vec<At>,
    max_retries: Vec<i32>,
    timeouts: Vec<i64>,
    chains: Vec<Option<Id>>,
    positions: Vec<Option<i32>>,
    lengths: Vec<Option<i32>>,
    groups: Vec<Option<Id>>,
    callbacks: Vec<Option<Id>>,
    request_ids: Vec<String>,
    parents: Vec<Option<Id>>,
    created: Vec<At>,
    payloads: Vec<Document>,
}

impl From<Vec<NewRow>> for Insert {
    fn from(rows: Vec<NewRow>) -> Self {
        let mut all = Self::default();
        for row in rows {
            all.ids.push(row.id);
            all.kinds.push(row.kind);
            all.queues.push(row.queue);
            all.priorities.push(row.priority);
            all.states.push(row.state);
            all.due.push(row.due_at);
            all.max_retries.push(row.max_retries);
            all.timeouts.push(row.timeout_ms);
            all.chains.push(row.chain_id);
            all.positions.push(row.chain_position);
            all.lengths.push(row.chain_length);
            all.groups.push(row.group_id);
            all.callbacks.push(row.callback_of);
            all.request_ids.push(row.request_id);
            all.parents.push(row.parent_id);
            all.created.push(row.created_at);
            all.payloads.push(row.payload);
        }
        all
    }
}

impl QueryFragment<Backend> for Insert {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql(
            "INSERT INTO tasks (id, kind, queue, priority, state, due_at, attempt, max_retries, crashes, fence, version, \
             timeout_ms, chain_id, chain_position, chain_length, group_id, callback_of, request_id, parent_id, created_at, \
             payload) \
             SELECT id, kind, queue, priority, state, due_at, 0, max_retries, 0, 0, 1, timeout_ms, chain_id, \
             chain_position, chain_length, group_id, callback_of, request_id, parent_id, created_at, payload FROM unnest(",
        );
        out.push_bind_param::<Array<Guid>, _>(&self.ids)?;
        list::<Text, _>(&mut out, &self.kinds)?;
        list::<Text, _>(&mut out, &self.queues)?;
        list::<Integer, _>(&mut out, &self.priorities)?;
        list::<Text, _>(&mut out, &self.states)?;
        list::<Instant, _>(&mut out, &self.due)?;
        list::<Integer, _>(&mut out, &self.max_retries)?;
        list::<BigInt, _>(&mut out, &self.timeouts)?;
        list::<Nullable<Guid>, _>(&mut out, &self.chains)?;
        list::<Nullable<Integer>, _>(&mut out, &self.positions)?;
        list::<Nullable<Integer>, _>(&mut out, &self.lengths)?;
        list::<Nullable<Guid>, _>(&mut out, &self.groups)?;
        list::<Nullable<Guid>, _>(&mut out, &self.callbacks)?;
        list::<Text, _>(&mut out, &self.request_ids)?;
        list::<Nullable<Guid>, _>(&mut out, &self.parents)?;
        list::<Instant, _>(&mut out, &self.created)?;
        list::<Json, _>(&mut out, &self.payloads)?;
        out.push_sql(
            ") AS new (id, kind, queue, priority, state, due_at, max_retries, timeout_ms, chain_id, chain_position, \
             chain_length, group_id, callback_of, request_id, parent_id, created_at, payload)",
        );
        Ok(())
    }
}

/// One more array of the list.
fn list<'b, ST, T>(out: &mut AstPass<'_, 'b, Backend>, values: &'b Vec<T>) -> QueryResult<()>
where
    ST: 'static,
    Backend: HasSqlType<Array<ST>>,
    Vec<T>: ToSql<Array<ST>, Backend>,
{
    out.push_sql(", ");
    out.push_bind_param::<Array<ST>, _>(values)
}
