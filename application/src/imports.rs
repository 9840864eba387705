//! Imports of persons: an uploaded file, what was read of it, and what became of each row.
//!
//! The tasks that do the work are in `kinds/import_persons.rs`; how a file is read is in `imports/file.rs`.

mod file;

pub(crate) use file::PersonsFile;

use crate::{
    Clock, Context, Error, Ids, Scheduler, Signature, TaskController, Then,
    kinds::import_persons::{InsertPersonsImport, ReportPersonsImport, ValidatePersonsImport},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::{Person, TaskId, TaskStory};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// Where uploads wait for their import. Each implementation is proven by the contract suite in
/// `tests/functional/contract`.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)] // must stand above async_trait
#[async_trait]
pub trait Imports: Send + Sync {
    /// Writes the file, chunk by chunk, and `then`, in one transaction.
    async fn receive(&self, upload: &Upload, then: &Then) -> Result<(), Error>;

    /// The bytes of the chunk `number` (from 0); `None` past the end.
    async fn chunk(&self, id: ImportId, number: u32) -> Result<Option<Vec<u8>>, Error>;

    /// How many uploads wait to be imported, or are being imported: at most `limit`.
    async fn waiting(&self, limit: u32) -> Result<u32, Error>;

    /// Replaces whatever was staged by `rows`, in small transactions, so that others may write in between; the last one
    /// commits `then`. `Stale` as soon as the claim that `then` settles is lost, and nothing is written from then on: so one
    /// worker at a time writes. If it fails, a part is staged.
    async fn stage(&self, id: ImportId, rows: &[StagedRow], then: &Then) -> Result<(), Error>;

    /// At most `limit` rows that are neither inserted nor wrong, in the order of their lines.
    async fn pending(&self, id: ImportId, limit: u32) -> Result<Vec<Person>, Error>;

    /// Inserts these persons and marks their rows, in one transaction. A person whose id is there is not inserted again, one
    /// whose e-mail address is another's is not inserted, and its row says so. A person whose row is not pending any more, or
    /// gone, is left alone: a worker that was taken for dead brings nobody back. How many rows were marked inserted.
    async fn insert(&self, id: ImportId, persons: &[Person]) -> Result<u32, Error>;

    /// What became of the rows; at most `limit` errors, by line.
    async fn tally(&self, id: ImportId, limit: u32) -> Result<Tally, Error>;

    /// Deletes the file and its rows, and commits `then`, in one transaction.
    async fn delete(&self, id: ImportId, then: &Then) -> Result<(), Error>;

    /// Deletes at most `limit` imports, the file and the rows of each, that were received before `before` and of whose
    /// chain no task is kept any more: nobody can retry it. How many imports. The chain's id is the import's. In small
    /// transactions, so that others may write in between.
    async fn prune(&self, before: DateTime<Utc>, limit: u32) -> Result<u32, Error>;
}

/// The use case, and what the tasks of an import need.
pub struct ImportController {
    pub(crate) imports: Arc<dyn Imports>,
    pub(crate) ids: Arc<dyn Ids>,
    tasks: Arc<TaskController>,
    scheduler: Arc<Scheduler>,
    clock: Arc<dyn Clock>,
}

impl ImportController {
    /// Over these ports.
    pub fn new(
        imports: Arc<dyn Imports>,
        tasks: Arc<TaskController>,
        scheduler: Arc<Scheduler>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self { imports, ids, tasks, scheduler, clock }
    }

    /// Uploads that may wait at once: together they are 5 GB at most. So many at a time as are being received may come on
    /// top.
    pub const MAX_WAITING: u32 = 1000;

    /// Takes a file of at most [`Upload::MAX_SIZE`] bytes and schedules its import: three tasks, one after the other. The
    /// story of the last one, which reports; its links show all three. `TooMany` while too many uploads wait.
    pub async fn import_persons(
        &self,
        ctx: &Context,
        file_name: String,
        chunks: FileChunks,
    ) -> Result<TaskStory, Error> {
        self.admit().await?;
        let now = self.clock.now();
        let id = ImportId(self.ids.next(now));
        let links = vec![
            // The chain goes by the id of its first link: so retention sees whose upload may go.
            Signature::of(&ValidatePersonsImport { import_id: id.0 })?.with_id(TaskId(id.0)),
            Signature::of(&InsertPersonsImport { import_id: id.0 })?,
            Signature::of(&ReportPersonsImport { import_id: id.0 })?,
        ];
        let then = self.scheduler.schedule_chain(ctx, links)?;
        let upload = Upload::new(id, &file_name, chunks, now);
        self.imports.receive(&upload, &then).await?;
        slog::info!(ctx.log, "file received"; "import_id" => %id.0, "file_name" => &upload.file_name);
        let report = then.tasks.last().map_or(TaskId(id.0), |report| report.id);
        self.tasks.get(ctx, report).await
    }

    async fn admit(&self) -> Result<(), Error> {
        if self.imports.waiting(Self::MAX_WAITING).await? < Self::MAX_WAITING {
            return Ok(());
        }
        let what = format!("{} uploads wait to be imported", Self::MAX_WAITING);
        Err(Error::TooMany { what, retry_after: Duration::from_secs(5) })
    }
}

/// The bytes of a file as they come in, cut into what the store takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileChunks(Vec<Vec<u8>>);

impl FileChunks {
    /// More of the file, of whatever length.
    pub fn append(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() {
            match self.0.last_mut() {
                Some(last) if last.len() < Upload::CHUNK => {
                    let (head, rest) = piece.split_at(piece.len().min(Upload::CHUNK - last.len()));
                    last.extend_from_slice(head);
                    piece = rest;
                }
                _ => self.0.push(Vec::new()),
            }
        }
    }
}

/// The identity of an import, a UUIDv7; also that of the chain of tasks that does the work, which is that of its first link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportId(pub Uuid);

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Of its import.
    pub id: ImportId,
    /// As the sender calls it: at most [`Upload::MAX_FILE_NAME`] characters in one line.
    pub file_name: String,
    /// Its bytes, in pieces of [`Upload::CHUNK`] but for the last.
    pub chunks: Vec<Vec<u8>>,
    /// Now.
    pub now: DateTime<Utc>,
}

impl Upload {
    /// In bytes.
    pub const MAX_SIZE: usize = 5 * 1024 * 1024;
    /// In bytes.
    pub const CHUNK: usize = 256 * 1024;
    /// In characters.
    pub const MAX_FILE_NAME: usize = 200;

    /// A file name is a courtesy, and no reason to refuse a file.
    fn new(id: ImportId, file_name: &str, FileChunks(chunks): FileChunks, now: DateTime<Utc>) -> Self {
        let printable = file_name.chars().filter(|c| !c.is_control());
        Self { id, file_name: printable.take(Self::MAX_FILE_NAME).collect(), chunks, now }
    }
}

/// A row of the file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StagedRow {
    /// To be inserted under the id that is chosen already, so that a second run inserts nobody twice.
    Right {
        /// In the file, from 1, the header included.
        line: u32,
        /// Who.
        person: Person,
    },
    /// Not to be inserted.
    Wrong(RowError),
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowError {
    /// In the file, from 1, the header included.
    pub line: u32,
    /// The column, if it is one.
    pub field: Option<String>,
    /// Stable and machine-readable.
    pub code: String,
    /// For a person.
    pub message: String,
}

/// What became of the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Persons that are there now.
    pub inserted: u32,
    /// Rows that are wrong.
    pub refused: u32,
    /// Rows that are still to be inserted.
    pub pending: u32,
    /// Why, by line; the first ones.
    pub errors: Vec<RowError>,
}

#[cfg(test)]
mod tests;
