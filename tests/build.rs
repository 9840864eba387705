//! Tells the macros of this crate whether PostgreSQL, Redis and Chromium can be had, so that their tests are ignored with a
//! reason where they cannot. With `CI` set they are never ignored: there they fail.
//!
//! After installing one of them, touch this file: nothing tells cargo.

#![expect(clippy::disallowed_methods, reason = "a build script is asked through its environment")]

#[path = "src/installed.rs"]
mod installed;

fn main() {
    for variable in ["PATH", "CI", "TEST_POSTGRES_URL", "TEST_REDIS_URL", "APP_CONFIG"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/installed.rs");
    miss("postgres", installed::postgres().is_some());
    miss("redis", installed::redis());
    miss("chromium", installed::chromium().is_some());
}

fn miss(kind: &str, installed: bool) {
    println!("cargo::rustc-check-cfg=cfg(no_{kind})");
    if !installed && !is_given(kind) && std::env::var_os("CI").is_none() {
        println!("cargo::rustc-cfg=no_{kind}");
    }
}

/// Whether the environment names a server; see `src/servers.rs`.
fn is_given(kind: &str) -> bool {
    let file = std::env::var("APP_CONFIG").map(|file| std::path::Path::new("..").join(file));
    let in_file = file.ok().and_then(|file| std::fs::read_to_string(file).ok());
    let in_file = in_file.is_some_and(|text| text.contains(&format!("url: {kind}")));
    in_file || std::env::var_os(format!("TEST_{}_URL", kind.to_uppercase())).is_some()
}
