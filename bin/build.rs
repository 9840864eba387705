//! Puts the git revision into the binary: `GIT_REVISION` if it is set (an image is built without `.git`), else what git
//! says, else "unknown".

use std::{path::Path, process::Command};

#[expect(clippy::disallowed_methods, reason = "how cargo talks to a build script")]
fn main() {
    println!("cargo::rerun-if-env-changed=GIT_REVISION");
    println!("cargo::rerun-if-changed=build.rs");
    // Grows with every commit and checkout. Absent in a fresh export; naming it then would mean to run every time.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        println!("cargo::rerun-if-changed={log}");
    }
    let given = std::env::var("GIT_REVISION").ok().filter(|revision| !revision.is_empty());
    let revision = given.or_else(|| git(&["rev-parse", "--short=12", "HEAD"]));
    println!("cargo::rustc-env=PLINTH_REVISION={}", revision.as_deref().unwrap_or("unknown"));
}

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|text| !text.is_empty())
}
