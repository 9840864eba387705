//! What the health of the database is asked by. The answers are public: they name no host, user or secret.

use super::{Db, migrations, persons, read};
use crate::error::failed;
use application::{Probe, Unwell};
use async_trait::async_trait;
use diesel::{IntoSql, QueryResult, sql_types::Integer};
use diesel_async::RunQueryDsl;

/// Does the database answer?
pub(super) struct Reachable {
    pub(super) db: Db,
}

/// Is the schema the one that this program was built for?
pub(super) struct Migrated {
    pub(super) db: Db,
}

/// Does the data keep the rules that no constraint can express?
pub(super) struct Consistent {
    pub(super) db: Db,
}

/// How many persons [`Consistent`] looks at: a probe must cost the same whatever the size of the table.
const NEWEST: i64 = 1000;

#[async_trait]
impl Probe for Reachable {
    fn name(&self) -> &'static str {
        "db"
    }

    fn required(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<String, Unwell> {
        let one: QueryResult<i32> =
            read!(self.db, conn => diesel::select(1.into_sql::<Integer>()).get_result(&mut conn));
        one.map_err(|error| failed("cannot ask the database", error))?;
        Ok("reachable".to_owned())
    }
}

#[async_trait]
impl Probe for Migrated {
    fn name(&self) -> &'static str {
        "migrations"
    }

    fn required(&self) -> bool {
        true
    }

    async fn check(&self) -> Result<String, Unwell> {
        let applied = read!(self.db, conn => migrations::applied(&mut conn));
        let applied = applied.map_err(|error| failed("cannot read the migrations", error))?;
        let plan = migrations::plan(&applied);
        match (plan.pending.len(), plan.unknown.len()) {
            (0, 0) => Ok("at head".to_owned()),
            (0, newer) => Ok(format!("at head; {newer} more that this version of the program does not know")),
            (pending, _) => Err(Unwell::new(format!("{pending} pending; run `plinth db upgrade`"))),
        }
    }
}

#[async_trait]
impl Probe for Consistent {
    fn name(&self) -> &'static str {
        "consistency"
    }

    fn required(&self) -> bool {
        false
    }

    async fn check(&self) -> Result<String, Unwell> {
        let wrong = read!(self.db, conn => persons::inconsistent(&mut conn, NEWEST));
        match wrong.map_err(|error| failed("cannot read persons", error))? {
            0 => Ok(format!("the newest {NEWEST} persons keep the rules")),
            wrong => Err(Unwell::new(format!("{wrong} of the newest {NEWEST} persons break a rule"))),
        }
    }
}
