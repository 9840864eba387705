//! Tells the macros of this crate whether PostgreSQL and Redis can be had, so that their tests are ignored with a
//! reason where they cannot. With `CI` set they are never ignored: there they fail.

#![expect(clippy::disallowed_methods, reason = "a build script is asked through its environment")]

#[path = "src/installed.rs"]
mod installed;

fn main() {
    for variable in ["PATH", "CI", "TEST_POSTGRES_URL", "TEST_REDIS_URL", "APP_CONFIG"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=src/installed.rs");
    miss("no_postgres", "TEST_POSTGRES_URL", installed::postgres().is_some());
    miss("no_redis", "TEST_REDIS_URL", installed::redis());
}

fn miss(cfg: &str, given: &str, installed: bool) {
    println!("cargo::rustc-check-cfg=cfg({cfg})");
    let given = ["CI", "APP_CONFIG", given].iter().any(|name| std::env::var_os(name).is_some());
    if !given && !installed {
        println!("cargo::rustc-cfg={cfg}");
    }
}
