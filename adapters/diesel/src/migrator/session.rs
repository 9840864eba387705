//! One connection that migrates: written once, mounted in `postgres/mod.rs` and `sqlite/mod.rs`; what differs is in their
//! `admin.rs`.

use super::{Backend, Conn, admin, repositories::persons};
use crate::{
    DatabaseConfig, MigrateError, MigrationStatus, OpenError,
    migrator::{Difference, compare, demo_persons},
    schema,
};
use application::{Clock, Ids};
use chrono::TimeDelta;
use diesel::{
    QueryResult,
    dsl::sql,
    migration::{Migration, MigrationConnection},
    prelude::*,
    sql_types::Bool,
};
use diesel_async::{AsyncConnectionCore, RunQueryDsl, async_connection_wrapper::AsyncConnectionWrapper};
use diesel_migrations::MigrationHarness;

/// See the module. The wrapper lends itself to Diesel's synchronous migrations and gives the connection between them.
pub(crate) struct Session {
    conn: AsyncConnectionWrapper<Conn>,
}

/// What the embedded migrations and the applied ones add up to, by version.
pub(crate) struct Plan {
    /// In the order in which they must be applied.
    pub(crate) pending: Vec<String>,
    /// The database has them and this program does not.
    pub(crate) unknown: Vec<String>,
}

/// A version, and which way to go over it.
enum Step {
    Up(String),
    Down(String),
}

impl Session {
    pub(crate) async fn open(config: &DatabaseConfig) -> Result<Self, OpenError> {
        Ok(Self::over(admin::connect(config).await?))
    }

    /// On a connection that exists.
    pub(crate) fn over(conn: Conn) -> Self {
        Self { conn: conn.into() }
    }

    /// Applies what is pending, up to and including `to`.
    pub(crate) async fn upgrade(
        &mut self,
        to: Option<&str>,
        log: &slog::Logger,
    ) -> Result<Vec<String>, MigrateError> {
        let last = to.map(known).transpose()?;
        let wanted = |applied: &[String]| {
            let mut plan = plan(applied);
            plan.pending.retain(|version| last.as_ref().is_none_or(|last| version <= last));
            plan
        };
        let plan = wanted(&self.applied().await?);
        if !plan.unknown.is_empty() {
            slog::warn!(log, "the database has migrations that this version of the program does not know";
                "versions" => plan.unknown.join(", "));
        }
        // Almost every start ends here, without a lock.
        if plan.pending.is_empty() {
            return Ok(Vec::new());
        }
        admin::lock(&mut self.conn, log).await?;
        let applied = self.applied().await;
        let done = applied.and_then(|applied| self.run(wanted(&applied).pending.into_iter().map(Step::Up)));
        self.unlock(done).await
    }

    /// Takes back what was applied after `to` (`base`: everything), or else the last one.
    pub(crate) async fn downgrade(
        &mut self,
        to: Option<&str>,
        log: &slog::Logger,
    ) -> Result<Vec<String>, MigrateError> {
        let floor = match to {
            Some("base") => Some(String::new()),
            to => to.map(known).transpose()?,
        };
        admin::lock(&mut self.conn, log).await?;
        let applied = self.applied().await;
        let done = applied.and_then(|applied| {
            let newest = applied.into_iter().rev();
            match &floor {
                Some(floor) => self.run(newest.take_while(|version| version > floor).map(Step::Down)),
                None => self.run(newest.take(1).map(Step::Down)),
            }
        });
        self.unlock(done).await
    }

    /// Takes the last migration back and applies it again.
    pub(crate) async fn redo(&mut self, log: &slog::Logger) -> Result<Vec<String>, MigrateError> {
        admin::lock(&mut self.conn, log).await?;
        let applied = self.applied().await;
        let done = applied.and_then(|mut applied| match applied.pop() {
            Some(last) => {
                self.run([Step::Down(last.clone())])?;
                self.run([Step::Up(last)])
            }
            None => Ok(Vec::new()),
        });
        self.unlock(done).await
    }

    /// Drops everything, then applies all migrations.
    pub(crate) async fn reset(&mut self, log: &slog::Logger) -> Result<Vec<String>, MigrateError> {
        admin::lock(&mut self.conn, log).await?;
        let done = match admin::drop_everything(&mut self.conn).await {
            Ok(()) => self.run(plan(&[]).pending.into_iter().map(Step::Up)),
            Err(error) => Err(MigrateError::database(error)),
        };
        self.unlock(done).await
    }

    /// Every migration that the program or the database knows, in order.
    pub(crate) async fn status(&mut self) -> Result<Vec<MigrationStatus>, MigrateError> {
        let applied = self.applied().await?;
        let unknown = plan(&applied).unknown.into_iter();
        let mut status: Vec<_> = all()
            .iter()
            .map(|m| MigrationStatus {
                name: m.name().to_string(),
                applied: applied.contains(&version(m.as_ref())),
                known: true,
            })
            .chain(unknown.map(|name| MigrationStatus { name, applied: true, known: false }))
            .collect();
        status.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(status)
    }

    /// Adds the demo persons that are not there yet; how many were added.
    pub(crate) async fn seed(&mut self, clock: &dyn Clock, ids: &dyn Ids) -> Result<usize, MigrateError> {
        let mut added = 0;
        for person in demo_persons(clock, ids) {
            added += persons::insert_new(&mut self.conn, &person).await.map_err(MigrateError::database)?;
        }
        Ok(added)
    }

    /// Where the database differs from `schema.rs`.
    pub(crate) async fn drift(&mut self) -> Result<Vec<Difference>, MigrateError> {
        let found = admin::found(&mut self.conn).await.map_err(MigrateError::database)?;
        Ok(compare(schema::tables(), found, admin::DIALECT))
    }

    /// See `Migrator::advice`.
    pub(crate) async fn advice(&mut self) -> Result<Vec<String>, MigrateError> {
        admin::advice(&mut self.conn).await.map_err(MigrateError::database)
    }

    /// See `Migrator::clock_skew`.
    pub(crate) async fn clock_skew(&mut self, clock: &dyn Clock) -> Result<Option<TimeDelta>, MigrateError> {
        let before = clock.now();
        let theirs = admin::now(&mut *self.conn).await.map_err(MigrateError::database)?;
        let after = clock.now();
        // The server has read its clock somewhere between the two.
        Ok(theirs.map(|theirs| {
            if theirs < before { theirs - before } else { (theirs - after).max(TimeDelta::zero()) }
        }))
    }

    async fn applied(&mut self) -> Result<Vec<String>, MigrateError> {
        applied(&mut *self.conn).await.map_err(MigrateError::database)
    }

    /// The names of what was done. What is unknown is found out before anything is done.
    fn run(&mut self, steps: impl IntoIterator<Item = Step>) -> Result<Vec<String>, MigrateError> {
        tokio::task::block_in_place(|| {
            self.conn.setup().map_err(MigrateError::database)?;
            let steps = steps.into_iter().map(|step| match step {
                Step::Up(version) => Ok((embedded(&version)?, true)),
                Step::Down(version) => Ok((embedded(&version)?, false)),
            });
            let steps: Vec<_> = steps.collect::<Result<_, MigrateError>>()?;
            steps.iter().map(|(migration, up)| self.step(migration.as_ref(), *up)).collect()
        })
    }

    fn step(&mut self, migration: &dyn Migration<Backend>, up: bool) -> Result<String, MigrateError> {
        let name = migration.name().to_string();
        let done =
            if up { self.conn.run_migration(migration) } else { self.conn.revert_migration(migration) };
        done.map(|_| name.clone()).map_err(|source| MigrateError::Failed { name, source })
    }

    /// Gives the lock back and answers with `done`, unless that was the only thing to fail.
    async fn unlock<T>(&mut self, done: Result<T, MigrateError>) -> Result<T, MigrateError> {
        let unlocked = admin::unlock(&mut self.conn, done.is_ok()).await;
        done.and_then(|done| unlocked.map(|()| done).map_err(MigrateError::database))
    }
}

/// The applied versions in ascending order; none if nothing has ever been applied.
pub(crate) async fn applied<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
) -> QueryResult<Vec<String>> {
    if !diesel::select(sql::<Bool>(admin::LEDGER_EXISTS)).get_result::<bool>(conn).await? {
        return Ok(Vec::new());
    }
    ledger::table.select(ledger::version).order(ledger::version.asc()).load(conn).await
}

/// See [`Plan`].
pub(crate) fn plan(applied: &[String]) -> Plan {
    let known: Vec<String> = all().iter().map(|m| version(m.as_ref())).collect();
    let unknown = applied.iter().filter(|version| !known.contains(version)).cloned().collect();
    Plan { pending: known.into_iter().filter(|version| !applied.contains(version)).collect(), unknown }
}

/// The embedded migrations in ascending order. The macro that embeds them has checked their names.
fn all() -> Vec<Box<dyn Migration<Backend>>> {
    let mut all = diesel::migration::MigrationSource::migrations(&admin::MIGRATIONS).unwrap_or_default();
    all.sort_by_key(|m| version(m.as_ref()));
    all
}

fn version(migration: &dyn Migration<Backend>) -> String {
    migration.name().version().to_string()
}

/// The version that `to` means: a version or a full name.
fn known(to: &str) -> Result<String, MigrateError> {
    let found = all()
        .iter()
        .find(|m| version(m.as_ref()) == to || m.name().to_string() == to)
        .map(|m| version(m.as_ref()));
    found.ok_or_else(|| MigrateError::NoSuchMigration(to.to_owned()))
}

fn embedded(wanted: &str) -> Result<Box<dyn Migration<Backend>>, MigrateError> {
    let found = all().into_iter().find(|m| version(m.as_ref()) == wanted);
    found.ok_or_else(|| MigrateError::UnknownMigration(wanted.to_owned()))
}

diesel::table! {
    #[sql_name = "__diesel_schema_migrations"]
    ledger (version) {
        version -> Text,
    }
}
