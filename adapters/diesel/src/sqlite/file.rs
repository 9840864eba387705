//! The database file: where it is, and that one server process has it.

use crate::{DatabaseConfig, OpenError};
use application::BoxError;
use secrecy::ExposeSecret;
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

/// `sqlite://relative/path` or `sqlite:///absolute/path`; nothing is decoded, so that what one sees is the file.
pub(crate) fn path(config: &DatabaseConfig) -> Result<PathBuf, OpenError> {
    let url = config.url.expose_secret();
    let path = url.strip_prefix("sqlite://").unwrap_or_default();
    if path.is_empty() || path.ends_with('/') {
        return Err(OpenError::Url("names no file: use sqlite://var/plinth.db".to_owned()));
    }
    // SQLite would take these for something else than a file; a database in memory would be a new one for each reader.
    if path.contains(['?', '#']) || path.starts_with(":") || path.starts_with("file:") {
        return Err(OpenError::Url("must be sqlite:// and a path, without parameters".to_owned()));
    }
    Ok(PathBuf::from(path))
}

/// The folder of the file, with those above it.
pub(super) fn make_folder(path: &Path) -> Result<(), OpenError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), std::fs::create_dir_all).map_err(|error| unusable(path, error))
}

/// The file cannot be opened.
pub(super) fn unusable(path: &Path, source: impl Into<BoxError>) -> OpenError {
    OpenError::File { path: path.to_owned(), source: source.into() }
}

/// The right to serve from the file, given back when dropped or when the process ends, however it ends.
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// The lock is on a file beside the database: SQLite's own locks are dropped as soon as any handle of the process on
    /// the database is closed, and short commands (`plinth db …`) may open the database meanwhile.
    pub(super) fn take(database: &Path) -> Result<Self, OpenError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(&name);
        let file = file.map_err(|error| unusable(database, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(database.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(database, error)),
        }
    }
}
