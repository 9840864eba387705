//! Pieces of SQL that Diesel has no words for: keyset pages live on two of them, the ledger on the others.

use diesel::{
    QueryResult,
    backend::Backend,
    expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, Bool, HasSqlType},
    sqlite::Sqlite,
};

/// `(a, b) > (x, y)`: the condition of a page whose sort key has ties.
///
/// `a > x OR (a = x AND b > y)` means the same, but neither database finds the place in an index by it; `a >= x AND (a > x OR
/// b > y)` is found, and then reads all the ties in front of it. A comparison of rows is one step in the index, however
/// many ties there are (PostgreSQL manual, "Row Constructor Comparison"; SQLite manual, "Row Values").
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beyond<C, V> {
    columns: C,
    position: V,
    operator: &'static str,
}

/// `columns` after `position` in ascending order, or in `descending` order.
pub(crate) fn beyond<A, B, X, Y>(
    columns: (A, B),
    position: (X, Y),
    descending: bool,
) -> Beyond<(A, B), (X, Y)> {
    Beyond { columns, position, operator: if descending { ") < (" } else { ") > (" } }
}

impl<C, V> Expression for Beyond<C, V> {
    type SqlType = Bool;
}

impl<DB, A, B, X, Y> QueryFragment<DB> for Beyond<(A, B), (X, Y)>
where
    DB: Backend,
    A: QueryFragment<DB>,
    B: QueryFragment<DB>,
    X: QueryFragment<DB>,
    Y: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("(");
        self.columns.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.columns.1.walk_ast(out.reborrow())?;
        out.push_sql(self.operator);
        self.position.0.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        self.position.1.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

/// The type does not tell the direction, so it must not stand for the SQL in a cache of statements.
impl<C, V> QueryId for Beyond<C, V> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, V, QS> AppearsOnTable<QS> for Beyond<C, V>
where
    C: AppearsOnTable<QS>,
    V: AppearsOnTable<QS>,
{
}

impl<C, V> ValidGrouping<()> for Beyond<C, V> {
    type IsAggregate = is_aggregate::No;
}

/// `… LIMIT 21`, as a constant: PostgreSQL guesses that a bound limit is a tenth of the table, therefore
/// never keeps the plan, and plans the same page anew each time, which takes longer than reading it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limited<Q> {
    query: Q,
    rows: u8,
}

/// At least `wanted` rows of `query`, in one of three sizes: each constant is a statement that a connection keeps.
pub(crate) fn limited<Q>(query: Q, wanted: u8) -> Limited<Q> {
    let rows = [21, 51].into_iter().find(|size| wanted <= *size).unwrap_or(wanted.max(101));
    Limited { query, rows }
}

impl<Q: Query> Query for Limited<Q> {
    type SqlType = Q::SqlType;
}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for Limited<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        out.push_sql(&self.rows.to_string());
        Ok(())
    }
}

/// As for [`Beyond`], with the number.
impl<Q> QueryId for Limited<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// `column IN (query)`, for a query that locks what it finds. On PostgreSQL as `column = ANY (ARRAY (query))`: an array is made
/// once, whereas a subquery may be planned to run once for each row, and then locks more than its limit.
#[derive(Debug, Clone, Copy, QueryId)]
pub(crate) struct Among<C, Q> {
    column: C,
    query: Q,
}

/// See [`Among`].
pub(crate) fn among<C, Q>(column: C, query: Q) -> Among<C, Q> {
    Among { column, query }
}

impl<C, Q> Expression for Among<C, Q> {
    type SqlType = Bool;
}

impl<C: QueryFragment<Pg>, Q: QueryFragment<Pg>> QueryFragment<Pg> for Among<C, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY (ARRAY (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql("))");
        Ok(())
    }
}

impl<C: QueryFragment<Sqlite>, Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Among<C, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.column.walk_ast(out.reborrow())?;
        out.push_sql(" IN (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}

impl<C: AppearsOnTable<QS>, Q, QS> AppearsOnTable<QS> for Among<C, Q> {}

impl<C, Q> ValidGrouping<()> for Among<C, Q> {
    type IsAggregate = is_aggregate::No;
}

/// The ids that several queries find, of one query after the other, until there are enough: a later one is not even begun when the
/// earlier ones have found as many. Each may have an order, a limit and locks of its own.
#[derive(Debug, Clone)]
pub(crate) struct InTurn<Q> {
    queries: Vec<Q>,
    limit: i64,
}

/// See [`InTurn`]. There must be a query.
pub(crate) fn in_turn<Q>(queries: Vec<Q>, limit: u32) -> InTurn<Q> {
    InTurn { queries, limit: i64::from(limit) }
}

impl<DB, Q> QueryFragment<DB> for InTurn<Q>
where
    DB: Backend + HasSqlType<BigInt>,
    Q: QueryFragment<DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for (number, query) in self.queries.iter().enumerate() {
            if number > 0 {
                out.push_sql(" UNION ALL ");
            }
            // Bare, it could have neither order nor limit (SQLite) nor locks (PostgreSQL).
            out.push_sql("SELECT id FROM (");
            query.walk_ast(out.reborrow())?;
            out.push_sql(") AS part");
        }
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

/// The text varies with the number of queries.
impl<Q> QueryId for InTurn<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A statement whose text is always the same, so that a connection prepares it once. Diesel takes every UPDATE for one that may
/// leave columns out, and has it parsed and planned anew each time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Constant<Q>(Q);

/// See [`Constant`].
pub(crate) fn constant<Q>(query: Q) -> Constant<Q> {
    Constant(query)
}

impl<Q: Query> Query for Constant<Q> {
    type SqlType = Q::SqlType;
}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for Constant<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Kept by its text.
impl<Q> QueryId for Constant<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
