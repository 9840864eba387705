//! The servers that tests run against: their own, thrown away afterwards, or those that the environment names.

mod count;
mod database;
mod hold;
mod postgres;
mod redis;

pub(crate) use count::count;
pub use database::{Stack, TestDatabase};
pub use hold::{Hold, connect, sqlite};
pub use postgres::{Durability, Postgres};
pub use redis::Redis;

use std::{
    hash::{BuildHasher, RandomState},
    net::TcpListener,
    path::Path,
};

/// What the environment names for `kind` (`postgres`, `redis`): `TEST_POSTGRES_URL`, or the address in the
/// configuration file `APP_CONFIG`.
fn given(kind: &str) -> Option<String> {
    let variable = format!("TEST_{}_URL", kind.to_uppercase());
    let key = if kind == "redis" { "redis.url" } else { "database.url" };
    environment(&variable).or_else(|| {
        // As it is given in the folder in which cargo is called; tests run in that of their package.
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(environment("APP_CONFIG")?);
        let file = config::File::from(path);
        let config = config::Config::builder().add_source(file).build().expect("APP_CONFIG can be read");
        config.get_string(key).ok().filter(|url| url.starts_with(kind))
    })
}

#[expect(clippy::disallowed_methods, reason = "the tests' own settings have no other source")]
fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}

/// A port that nobody listened on a moment ago. It lies below those that the system gives to outgoing connections:
/// otherwise, while a server is down, one of its own clients could come to sit on its port.
fn free_port() -> u16 {
    let candidates = std::iter::repeat_with(|| 20_000 + (RandomState::new().hash_one(0) % 12_000) as u16);
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    candidates.take(100).find(free).expect("a free port")
}
