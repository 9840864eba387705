//! Uploads and their rows, in the tables `person_imports`, `person_import_chunks` and `person_import_rows`.

mod insert;
mod row;
mod staging;

use super::{Backend, Conn, Db, commit, for_update, insert_many, ledger, persons, read, transaction};
use crate::{
    error::{Undone, failed},
    schema::{person_import_chunks as chunks, person_import_rows as rows, person_imports as imports, tasks},
    types::{At, Id},
};
use application::{Error, ImportId, Imports, StagedRow, Tally, Then, Upload};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::{
    QueryResult,
    dsl::{count_star, exists, not},
    prelude::*,
};
use diesel_async::{AsyncConnectionCore, RunQueryDsl};
use domain::Person;
use row::{ErrorRow, Outcome, PersonColumns, Row};

/// The port on these connections.
pub(crate) struct ImportStore {
    pub(super) db: Db,
}

#[async_trait]
impl Imports for ImportStore {
    async fn receive(&self, upload: &Upload, then: &Then) -> Result<(), Error> {
        let done = commit!(self.db, then, conn => receive(conn, upload));
        done.map(drop).map_err(|undone| undone.told("cannot keep a file"))
    }

    async fn chunk(&self, id: ImportId, number: u32) -> Result<Option<Vec<u8>>, Error> {
        let bytes = read!(self.db, conn => chunk(&mut conn, Id(id.0), number));
        bytes.map_err(|error| failed("cannot read a file", error))
    }

    async fn waiting(&self, limit: u32) -> Result<u32, Error> {
        let waiting = read!(self.db, conn => waiting(&mut conn, limit));
        waiting.map_err(|error| failed("cannot count files", error))
    }

    async fn stage(&self, id: ImportId, rows: &[StagedRow], then: &Then) -> Result<(), Error> {
        const WHAT: &str = "cannot keep the rows of a file";
        let (id, claim) = (Id(id.0), then.settle.as_ref().map(|settle| settle.claim));
        let mut is_left = true;
        while is_left {
            let deleted = transaction!(self.db, conn => staging::clear(conn, claim, id));
            is_left = deleted.map_err(|undone| undone.told(WHAT))?;
        }
        let batches: Vec<&[StagedRow]> = rows.chunks(Row::BATCH).collect();
        let (last, others) =
            batches.split_last().map_or((&[][..], &[][..]), |(last, others)| (*last, others));
        for batch in others {
            let staged = transaction!(self.db, conn => staging::stage(conn, claim, id, batch));
            staged.map_err(|undone| undone.told(WHAT))?;
        }
        let done = commit!(self.db, then, conn => staging::stage(conn, claim, id, last));
        done.map(drop).map_err(|undone| undone.told(WHAT))
    }

    async fn pending(&self, id: ImportId, limit: u32) -> Result<Vec<Person>, Error> {
        const WHAT: &str = "cannot read the rows of a file";
        let found = read!(self.db, conn => pending(&mut conn, Id(id.0), limit));
        let found = found.map_err(|error| failed(WHAT, error))?;
        let persons: Result<Vec<Person>, _> = found.into_iter().map(Person::try_from).collect();
        persons.map_err(|inconsistent| Error::internal(WHAT, inconsistent))
    }

    async fn insert(&self, id: ImportId, persons: &[Person]) -> Result<u32, Error> {
        let done = transaction!(self.db, conn => insert::insert(conn, Id(id.0), persons));
        done.map_err(|undone| undone.told("cannot insert the persons of a file"))
    }

    async fn tally(&self, id: ImportId, limit: u32) -> Result<Tally, Error> {
        let tally = read!(self.db, conn => tally(&mut conn, Id(id.0), limit));
        tally.map_err(|error| failed("cannot count the rows of a file", error))
    }

    async fn delete(&self, id: ImportId, then: &Then) -> Result<(), Error> {
        let done = commit!(self.db, then, conn => delete(conn, Id(id.0)));
        done.map(drop).map_err(|undone| undone.told("cannot delete a file"))
    }

    async fn prune(&self, before: DateTime<Utc>, limit: u32) -> Result<u32, Error> {
        const WHAT: &str = "cannot delete old files";
        let left =
            read!(self.db, conn => left(&mut conn, before, limit)).map_err(|error| failed(WHAT, error))?;
        for id in &left {
            let mut is_left = true;
            while is_left {
                let deleted = transaction!(self.db, conn => staging::clear(conn, None, *id));
                is_left = deleted.map_err(|undone| undone.told(WHAT))?;
            }
            let done = transaction!(self.db, conn => delete(conn, *id));
            done.map_err(|undone| undone.told(WHAT))?;
        }
        Ok(u32::try_from(left.len()).unwrap_or(u32::MAX))
    }
}

async fn receive(conn: &mut Conn, upload: &Upload) -> QueryResult<()> {
    let id = Id(upload.id.0);
    let import = (
        imports::id.eq(id),
        imports::file_name.eq(&upload.file_name),
        imports::created_at.eq(At::from(upload.now)),
    );
    diesel::insert_into(imports::table).values(import).execute(conn).await?;
    for (number, bytes) in (0..).zip(&upload.chunks) {
        let chunk = (chunks::import_id.eq(id), chunks::number.eq::<i32>(number), chunks::bytes.eq(bytes));
        diesel::insert_into(chunks::table).values(chunk).execute(conn).await?;
    }
    Ok(())
}

async fn chunk<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    id: Id,
    number: u32,
) -> QueryResult<Option<Vec<u8>>> {
    let Ok(number) = i32::try_from(number) else { return Ok(None) };
    chunks::table.find((id, number)).select(chunks::bytes).first(conn).await.optional()
}

async fn waiting<C: AsyncConnectionCore<Backend = Backend>>(conn: &mut C, limit: u32) -> QueryResult<u32> {
    let unfinished = tasks::chain_id.eq(imports::id.nullable()).and(tasks::finished_at.is_null());
    let found: Vec<Id> = imports::table
        .filter(exists(tasks::table.filter(unfinished)))
        .limit(i64::from(limit))
        .select(imports::id)
        .load(conn)
        .await?;
    Ok(u32::try_from(found.len()).unwrap_or(u32::MAX))
}

async fn pending<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    id: Id,
    limit: u32,
) -> QueryResult<Vec<PersonColumns>> {
    rows::table
        .filter(rows::import_id.eq(id).and(rows::outcome.eq(Outcome::PENDING)))
        .order(rows::line)
        .limit(i64::from(limit))
        .select(PersonColumns::as_select())
        .load(conn)
        .await
}

async fn tally<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    id: Id,
    limit: u32,
) -> QueryResult<Tally> {
    let counts: Vec<(String, i64)> = rows::table
        .filter(rows::import_id.eq(id))
        .group_by(rows::outcome)
        .select((rows::outcome, count_star()))
        .load(conn)
        .await?;
    let count = |outcome| {
        let found = counts.iter().find(|(known, _)| known == outcome);
        found.and_then(|(_, count)| u32::try_from(*count).ok()).unwrap_or_default()
    };
    let errors: Vec<ErrorRow> = rows::table
        .filter(rows::import_id.eq(id).and(rows::outcome.eq(Outcome::REFUSED)))
        .order(rows::line)
        .limit(i64::from(limit))
        .select(ErrorRow::as_select())
        .load(conn)
        .await?;
    Ok(Tally {
        inserted: count(Outcome::INSERTED),
        refused: count(Outcome::REFUSED),
        pending: count(Outcome::PENDING),
        errors: errors.into_iter().map(Into::into).collect(),
    })
}

async fn delete(conn: &mut Conn, id: Id) -> Result<(), Undone> {
    diesel::delete(rows::table.filter(rows::import_id.eq(id))).execute(conn).await?;
    diesel::delete(chunks::table.filter(chunks::import_id.eq(id))).execute(conn).await?;
    diesel::delete(imports::table.find(id)).execute(conn).await?;
    Ok(())
}

/// What nobody needs any more; nor will anybody, for what is gone of a chain does not come back.
async fn left<C: AsyncConnectionCore<Backend = Backend>>(
    conn: &mut C,
    before: DateTime<Utc>,
    limit: u32,
) -> QueryResult<Vec<Id>> {
    let links = tasks::table.filter(tasks::chain_id.eq(imports::id.nullable()));
    imports::table
        .filter(imports::created_at.lt(At::from(before)).and(not(exists(links))))
        .order(imports::id)
        .limit(i64::from(limit))
        .select(imports::id)
        .load(conn)
        .await
}
