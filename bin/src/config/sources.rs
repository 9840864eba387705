//! Where a configuration is read from. The one place that reads the environment.

use super::problem::Problems;
use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

/// Everything that a configuration is read from, so that a test can make it up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub(super) environment: BTreeMap<String, String>,
    /// What the command line sets.
    pub(super) overrides: Vec<Override>,
    /// Where `.env` and relative paths are looked for.
    pub(super) directory: PathBuf,
    /// What could not even be read.
    pub(super) problems: Problems,
}

/// A value from the command line.
#[derive(Debug, Clone)]
pub(crate) struct Override {
    /// Such as `http.port`.
    pub(crate) key: &'static str,
    /// As it was given.
    pub(crate) value: String,
    /// Such as `--port`.
    pub(crate) flag: &'static str,
}

impl Sources {
    /// Those of this process. `file` goes before `APP_CONFIG`.
    pub(crate) fn of_process(file: Option<String>, overrides: Vec<Override>) -> Self {
        let mut sources = Self { overrides, directory: PathBuf::from("."), ..Self::default() };
        for (name, value) in environment() {
            let (name, value) = (name.to_string_lossy().into_owned(), value.into_string());
            match value {
                Ok(value) => drop(sources.environment.insert(name, value)),
                Err(_) if sources.concerns(&name) => sources.problems.add(name, "is not valid UTF-8"),
                Err(_) => {}
            }
        }
        if let Some(file) = file {
            sources.environment.insert("APP_CONFIG".to_owned(), file);
        }
        sources
    }

    /// Whether a variable of this name is one of ours; the others are none of our business.
    fn concerns(&self, name: &str) -> bool {
        let customary = super::keys::keys().iter().filter_map(super::keys::Key::customary);
        name.starts_with("APP_") || name == "CONF" || customary.into_iter().any(|ours| ours == name)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}
