//! Which server programs this machine has. The build script reads this file too.

use std::path::PathBuf;

/// The folder with `initdb` and `postgres`: on the path, or where Debian keeps them, off it.
pub(crate) fn postgres() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = debian.map(|version| version.path().join("bin")).collect();
    versions.sort();
    on_path().chain(versions.into_iter().rev()).find(|folder| holds(folder, &["initdb", "postgres"]))
}

/// Whether there is a `redis-server`.
pub(crate) fn redis() -> bool {
    on_path().any(|folder| holds(&folder, &["redis-server"]))
}

/// A Chromium, by whichever name.
pub(crate) fn chromium() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let programs = names.into_iter().flat_map(|name| on_path().map(move |folder| folder.join(name)));
    programs.into_iter().find(|program| program.is_file())
}

fn on_path() -> impl Iterator<Item = PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where programs are is told by the environment alone")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn holds(folder: &std::path::Path, programs: &[&str]) -> bool {
    programs.iter().all(|program| folder.join(program).is_file())
}
