//! Statements on tasks in PostgreSQL's words: those that take many rows at once as arrays, so that their text is constant
//! and a connection prepares it once.

use super::{
    Backend, Conn, Db,
    repositories::ledger::{NewRow, success},
    write,
};
use crate::{
    error::Undone,
    types::{
        At, Document, Id,
        sql::{Document as Json, Guid, Instant},
    },
};
use application::{
    Claim, Finished,
    faults::{failpoint, mutant},
};
use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    dsl::sql,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{Array, BigInt, Bool, HasSqlType, Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use domain::TaskId;
use std::collections::HashSet;

/// What a worker's connections begin with. Each statement is planned once, and as if the ledger were full: a plan made while it
/// is nearly empty reads the whole table, which is cheap then, and is kept while the table grows; and planning a claim anew
/// each time, since the server cannot know its limit, takes a quarter of its time.
pub(super) const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
     SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_sort = off;";

/// The first half of a lock's number; any will do, if every process takes the same.
const SUSPECTS: i32 = 0x7375_7370;

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

/// Commits successes, all in one statement, which is its own transaction; those whose claims held.
pub(crate) async fn finish(
    db: &Db,
    finished: &[Finished],
    now: DateTime<Utc>,
) -> Result<HashSet<Claim>, Undone> {
    failpoint("in_finish");
    let written: Vec<(Id, i64)> = write!(db, conn => Finish::new(finished, now).get_results(&mut conn))?;
    let claims = written.into_iter().map(|(id, fence)| Claim { id: TaskId(id.0), fence });
    let mut held: HashSet<Claim> = claims.collect();
    for Finished { claim, .. } in finished {
        if !held.contains(claim) && write!(db, conn => success::settled_before(&mut conn, *claim))? {
            held.insert(*claim);
        }
    }
    Ok(held)
}

/// Successes, turned into columns.
struct Finish<'a> {
    now: At,
    ids: Vec<Id>,
    fences: Vec<i64>,
    results: Vec<&'a str>,
}

impl<'a> Finish<'a> {
    fn new(finished: &'a [Finished], now: DateTime<Utc>) -> Self {
        Self {
            now: now.into(),
            ids: finished.iter().map(|finished| Id(finished.claim.id.0)).collect(),
            fences: finished.iter().map(|finished| finished.claim.fence).collect(),
            results: finished.iter().map(|finished| finished.result.as_str()).collect(),
        }
    }
}

impl QueryId for Finish<'_> {
    type QueryId = Finish<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for Finish<'_> {
    type SqlType = (Guid, BigInt);
}

impl QueryFragment<Backend> for Finish<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        out.push_sql(
            "UPDATE tasks SET state = 'succeeded', session_id = NULL, version = version + 1, finished_at = ",
        );
        out.push_bind_param::<Instant, _>(&self.now)?;
        out.push_sql(", result = done.result::json FROM unnest(");
        out.push_bind_param::<Array<Guid>, _>(&self.ids)?;
        list::<BigInt, _>(&mut out, &self.fences)?;
        list::<Text, _>(&mut out, &self.results)?;
        out.push_sql(") AS done (id, fence, result) WHERE tasks.id = done.id AND tasks.state = 'running'");
        if !mutant("no_fence_check") {
            out.push_sql(" AND tasks.fence = done.fence");
        }
        out.push_sql(" RETURNING done.id, done.fence");
        Ok(())
    }
}

diesel::define_sql_function! {
    /// Where `part` begins in `text`, counted from 1; 0 if it does not.
    #[sql_name = "strpos"]
    fn place_in(text: Text, part: Text) -> Integer;
}

/// Whether the caller's transaction is the only one that claims a suspect of the queue, until it ends.
pub(crate) async fn alone(conn: &mut Conn, queue: &str) -> QueryResult<bool> {
    let lock = sql::<Bool>("pg_try_advisory_xact_lock(").bind::<Integer, _>(SUSPECTS).sql(", hashtext(");
    diesel::select(lock.bind::<Text, _>(queue).sql("))")).get_result(conn).await
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
