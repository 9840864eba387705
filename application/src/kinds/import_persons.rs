//! The import of a file of persons, as a chain of three tasks: read and check all of it, insert what is right in small
//! transactions, report what became of each row.
//!
//! Each may run again from wherever it was stopped: the ids of the persons are chosen when the file is read.

use super::count::count;
use crate::{
    ImportController, ImportId, RowError, StagedRow, TaskContext, TaskError, TaskKind, Then,
    imports::PersonsFile,
};
use domain::{Person, PersonId};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

const QUEUE: &str = "imports";

/// How many persons are inserted in one transaction.
const BATCH: u32 = 500;

/// Reads the file of an import and stages its rows. A file that cannot be read at all fails the chain, and is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValidatePersonsImport {
    /// Which.
    pub import_id: Uuid,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validated {
    /// Without the header.
    pub rows: u32,
    /// Those to be inserted.
    pub right: u32,
    /// Those that are not.
    pub wrong: u32,
}

impl TaskKind for ValidatePersonsImport {
    const NAME: &'static str = "VALIDATE_PERSONS_IMPORT";
    const QUEUE: &'static str = QUEUE;

    type Services = ImportController;
    type Output = Validated;

    async fn run(self, ctx: TaskContext<ImportController>) -> Result<Validated, TaskError> {
        let id = ImportId(self.import_id);
        let bytes = file(&ctx, id).await?;
        let rows = match rows(&ctx, &bytes).await {
            // Else everybody could fill the disk with what is no file of persons.
            Err(unreadable @ TaskError::Unrecoverable(_)) => {
                ctx.services.imports.delete(id, &Then::nothing()).await?;
                return Err(unreadable);
            }
            rows => rows?,
        };
        let all = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let is_wrong = |row: &&StagedRow| matches!(row, StagedRow::Wrong(_));
        let wrong = u32::try_from(rows.iter().filter(is_wrong).count()).unwrap_or(u32::MAX);
        let validated = Validated { rows: all, right: all - wrong, wrong };
        ctx.services.imports.stage(id, &rows, &ctx.settle(&validated)?).await?;
        Ok(validated)
    }
}

async fn file(ctx: &TaskContext<ImportController>, id: ImportId) -> Result<Vec<u8>, TaskError> {
    let mut bytes = Vec::new();
    for number in 0.. {
        match ctx.services.imports.chunk(id, number).await? {
            Some(chunk) => bytes.extend(chunk),
            None if number == 0 => return Err(TaskError::unrecoverable(Gone)),
            None => break,
        }
    }
    Ok(bytes)
}

/// A run before this one has deleted it, or retention.
#[derive(Debug, thiserror::Error)]
#[error("the file is not kept any more: it could not be read, or is too old")]
struct Gone;

async fn rows(ctx: &TaskContext<ImportController>, bytes: &[u8]) -> Result<Vec<StagedRow>, TaskError> {
    let now = ctx.now();
    let mut file = PersonsFile::open(bytes).map_err(TaskError::unrecoverable)?;
    let mut rows = Vec::new();
    let new = |details| Person::new(PersonId(ctx.services.ids.next(now)), details, now);
    while let Some(row) = file.next(new).map_err(TaskError::unrecoverable)? {
        rows.push(row);
        // Reading a whole file without a pause would keep the worker's other tasks waiting.
        if file.rows().is_multiple_of(1000) {
            ctx.progress(file.fraction(), &format!("{} rows read", count(file.rows())));
            tokio::task::yield_now().await;
            stop_if_asked(ctx)?;
        }
    }
    Ok(rows)
}

/// Inserts the rows that are right, batch by batch: whoever reads persons sees them appear, and other writers come in between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InsertPersonsImport {
    /// Which.
    pub import_id: Uuid,
}

/// What was inserted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inserted {
    /// Persons, those of earlier runs included.
    pub inserted: u32,
}

impl TaskKind for InsertPersonsImport {
    const NAME: &'static str = "INSERT_PERSONS_IMPORT";
    const QUEUE: &'static str = QUEUE;
    const TIMEOUT: Duration = Duration::from_secs(30 * 60);

    type Services = ImportController;
    type Output = Inserted;

    async fn run(self, ctx: TaskContext<ImportController>) -> Result<Inserted, TaskError> {
        let id = ImportId(self.import_id);
        let imports = &ctx.services.imports;
        let before = imports.tally(id, 0).await?;
        let all = before.inserted + before.refused + before.pending;
        let (mut inserted, mut left) = (before.inserted, before.pending);
        loop {
            let persons = imports.pending(id, BATCH).await?;
            if persons.is_empty() {
                return Ok(Inserted { inserted });
            }
            inserted += imports.insert(id, &persons).await?;
            left = left.saturating_sub(u32::try_from(persons.len()).unwrap_or(u32::MAX));
            let (done, of) = (all - left, all.max(1));
            let note = format!("{} of {} rows", count(done), count(all));
            ctx.progress(f64::from(done) / f64::from(of), &note);
            stop_if_asked(&ctx)?;
        }
    }
}

/// Tells what became of the rows and deletes the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPersonsImport {
    /// Which.
    pub import_id: Uuid,
}

/// What became of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Without the header.
    pub rows: u32,
    /// Persons that are there now.
    pub inserted: u32,
    /// Rows that were not taken.
    pub refused: u32,
    /// Why, by line: the first ones.
    pub errors: Vec<RowError>,
    /// How many errors there are besides.
    pub errors_omitted: u32,
}

impl ImportReport {
    /// How many there are at most.
    pub const MAX_ERRORS: u32 = 1000;
    /// Their texts, in bytes: the report as a whole stays below what a result may have.
    const MAX_TEXT: usize = 128 * 1024;
}

impl TaskKind for ReportPersonsImport {
    const NAME: &'static str = "REPORT_PERSONS_IMPORT";
    const QUEUE: &'static str = QUEUE;

    type Services = ImportController;
    type Output = ImportReport;

    async fn run(self, ctx: TaskContext<ImportController>) -> Result<ImportReport, TaskError> {
        let id = ImportId(self.import_id);
        let tally = ctx.services.imports.tally(id, ImportReport::MAX_ERRORS).await?;
        let mut room = ImportReport::MAX_TEXT;
        let fits = |error: &RowError| {
            let left = room.checked_sub(error.message.len());
            room = left.unwrap_or(0);
            left.is_some()
        };
        let errors: Vec<RowError> = tally.errors.into_iter().take_while(fits).collect();
        let report = ImportReport {
            rows: tally.inserted + tally.refused + tally.pending,
            inserted: tally.inserted,
            refused: tally.refused,
            errors_omitted: tally.refused.saturating_sub(u32::try_from(errors.len()).unwrap_or(u32::MAX)),
            errors,
        };
        ctx.services.imports.delete(id, &ctx.settle(&report)?).await?;
        Ok(report)
    }
}

/// What is done stays done; a later run goes on from there.
fn stop_if_asked(ctx: &TaskContext<ImportController>) -> Result<(), TaskError> {
    match ctx.is_cancelled() {
        true => Err(TaskError::retry("stopped before the end of the file")),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
