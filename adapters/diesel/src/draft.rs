//! `plinth db new "comment"`: a new migration for both databases, drafted from the difference between `schema.rs` and what
//! the existing migrations make. A draft is to be completed and reviewed by hand; what cannot be drafted is a comment.

mod ddl;

use crate::{MigrateError, OpenError, sqlite};
use application::Clock;
use ddl::Dialect;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// `<version>_<name>`.
    pub name: String,
    /// Up and down, for both databases.
    pub files: Vec<PathBuf>,
    /// What the draft would change, a sentence each; empty if there is only a template.
    pub differences: Vec<String>,
}

/// Why there is no draft.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The comment makes no name.
    #[error("the comment needs a letter or a digit: it names the migration")]
    Comment,
    /// The files cannot be written.
    #[error("cannot write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// The scratch database cannot be made.
    #[error("cannot make a scratch database")]
    Scratch(#[from] OpenError),
    /// The existing migrations fail on the scratch database.
    #[error("cannot migrate the scratch database")]
    Migrate(#[from] MigrateError),
}

/// Writes `postgres/<version>_<name>` and `sqlite/<version>_<name>` below `folder`, usually `migrations`, and overwrites
/// nothing. The version is the time, or one more than the last version if a clock goes wrong or the last draft is of the
/// same second: order is what counts. The program must have been compiled with the migrations that are in `folder`.
///
/// Needs a multi-threaded Tokio runtime.
pub async fn draft(comment: &str, folder: &Path, clock: &dyn Clock) -> Result<Draft, DraftError> {
    let slug = slug(comment).ok_or(DraftError::Comment)?;
    let mut scratch = sqlite::Session::over(sqlite::scratch(Path::new(":memory:")).await?);
    scratch.upgrade(None, &slog::Logger::root(slog::Discard, slog::o!())).await?;
    let differences = scratch.drift().await?;

    let stamp: u64 = clock.now().format("%Y%m%d%H%M%S").to_string().parse().unwrap_or_default();
    let compiled = scratch.status().await?.into_iter().map(|migration| migration.name);
    let last = compiled.chain(drafted(folder)).filter_map(|name| name.get(..14)?.parse::<u64>().ok()).max();
    let name = format!("{}_{slug}", stamp.max(last.unwrap_or_default() + 1));
    let mut files = Vec::new();
    for dialect in [Dialect::Postgres, Dialect::Sqlite] {
        let migration = folder.join(dialect.folder()).join(&name);
        fs::create_dir_all(&migration).map_err(|error| DraftError::Write(migration.clone(), error))?;
        for (file, sql) in [("up.sql", dialect.up(&differences)), ("down.sql", dialect.down(&differences))] {
            let path = migration.join(file);
            let text = format!("-- {}\n{sql}", comment.replace(['\n', '\r'], " "));
            fs::File::create_new(&path)
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|error| DraftError::Write(path.clone(), error))?;
            files.push(path);
        }
    }
    Ok(Draft { name, files, differences: differences.iter().map(ToString::to_string).collect() })
}

/// The names of what is in `folder`, compiled in or not.
fn drafted(folder: &Path) -> impl Iterator<Item = String> {
    let folders = [Dialect::Postgres, Dialect::Sqlite].map(|dialect| folder.join(dialect.folder()));
    let entries = folders.into_iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
}

/// Lower-case words joined by underscores, 60 characters at most.
fn slug(comment: &str) -> Option<String> {
    let words = comment.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = words.collect::<Vec<_>>().join("_").to_ascii_lowercase();
    slug.truncate(60);
    let slug = slug.trim_end_matches('_').to_owned();
    (!slug.is_empty()).then_some(slug)
}

#[cfg(test)]
mod tests;
