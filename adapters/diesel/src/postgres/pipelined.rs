//! A handle on a shared connection that queries run on, by pipelining.

use super::Conn;
use diesel::{
    QueryResult,
    query_builder::{AsQuery, QueryFragment, QueryId},
};
use diesel_async::{AsyncConnectionCore, SimpleAsyncConnection};
use std::sync::Arc;

/// Diesel implements its traits for `&AsyncPgConnection`, which a repository cannot hold while the connection may be
/// replaced; the `Arc` can. Every method hands over to the reference.
#[derive(Clone)]
pub(crate) struct Read {
    pub(super) conn: Arc<Conn>,
    /// Which of the shared connections it is.
    pub(super) slot: usize,
}

impl SimpleAsyncConnection for Read {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        (&mut &*self.conn).batch_execute(query).await
    }
}

impl AsyncConnectionCore for Read {
    type LoadFuture<'conn, 'query> = <&'conn Conn as AsyncConnectionCore>::LoadFuture<'conn, 'query>;
    type ExecuteFuture<'conn, 'query> = <&'conn Conn as AsyncConnectionCore>::ExecuteFuture<'conn, 'query>;
    type Stream<'conn, 'query> = <Conn as AsyncConnectionCore>::Stream<'conn, 'query>;
    type Row<'conn, 'query> = <Conn as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = super::Backend;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        let mut conn: &'conn Conn = &self.conn;
        AsyncConnectionCore::load(&mut conn, source)
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        let mut conn: &'conn Conn = &self.conn;
        AsyncConnectionCore::execute_returning_count(&mut conn, source)
    }
}
