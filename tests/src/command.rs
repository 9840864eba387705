//! The binary as a command line tool.

use crate::{Folder, PATIENCE};
use std::{path::Path, process::Stdio};

/// `plinth` with some arguments, in an environment that holds nothing but what a test says.
pub struct Plinth {
    command: tokio::process::Command,
    _folder: Option<Folder>,
}

/// What a command has said.
#[derive(Debug, Clone)]
pub struct Output {
    /// `None` if a signal ended it.
    pub code: Option<i32>,
    /// As text.
    pub stdout: String,
    /// As text.
    pub stderr: String,
}

/// The binary at `plinth` with `arguments`, `APP_ENV=test`, in an empty folder.
pub fn command(plinth: &str, arguments: &[&str]) -> Plinth {
    let folder = Folder::new();
    let mut command = tokio::process::Command::new(plinth);
    command.args(arguments).env_clear().env("APP_ENV", "test").current_dir(folder.path());
    Plinth { command, _folder: Some(folder) }
}

impl Plinth {
    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// In `folder` instead of an empty one.
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs it to its end.
    pub async fn run(mut self) -> Output {
        self.command.stdin(Stdio::null()).kill_on_drop(true);
        let ended = tokio::time::timeout(PATIENCE, self.command.output()).await;
        let ended = ended.unwrap_or_else(|_| panic!("{:?} has not ended within {PATIENCE:?}", self.command));
        let ended = ended.unwrap_or_else(|error| panic!("cannot run {:?}: {error}", self.command));
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Output { code: ended.status.code(), stdout: text(ended.stdout), stderr: text(ended.stderr) }
    }
}

impl Output {
    /// Fails unless it ended well; answers what it wrote to its standard output.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self.stdout
    }

    /// Fails unless it ended badly, though not by a signal or a panic; answers all that it wrote.
    #[track_caller]
    pub fn failed(self) -> String {
        let said = format!("{}{}", self.stdout, self.stderr);
        assert!(self.code.is_some_and(|code| code != 0), "ended with {:?}:\n{said}", self.code);
        assert!(!said.contains("panicked at"), "{said}");
        said
    }
}
