//! What the tests share: the application under test, throw-away servers, a client, an outage on demand.
//!
//! A test starts the real binary on ports and a database of its own, so tests run in parallel and see nothing of one
//! another. Nothing outlives the test run (`process.rs`). A test is an async function that takes a [`Setup`]; the
//! macros below make tests of it:
//!
//! ```text
//! on_both_stacks!(an_empty_list_is_exactly_that);
//!
//! async fn an_empty_list_is_exactly_that(setup: Setup) {
//!     let app = setup.start().await;
//!     let list = app.get("/v1/persons").await.expect(200).json();
//!     assert_eq!(list, json!({"objects": [], "next": null, "prev": null}));
//! }
//! ```

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a helper that fails must fail its test, and say why"
)]

mod app;
mod browser;
mod client;
mod command;
mod fleet;
mod installed;
mod lines;
mod macros;
mod mutant;
mod persons;
mod process;
mod proxy;
mod raw;
mod reply;
mod schema;
mod servers;
mod tasks;
mod times;
mod wait;

pub use app::{Setup, TestApp};
pub use browser::Browser;
pub use client::{Client, Request};
pub use command::{Output, Plinth, command};
pub use fleet::Fleet;
pub use lines::{Lines, PATIENCE};
pub use mutant::{must_notice, mutants};
pub use persons::{person, person_v2, without};
pub use process::{Folder, Process};
pub use proxy::{Proxy, Weather};
pub use raw::Raw;
pub use reply::Reply;
pub use rustix::process::Signal;
pub use schema::{breaches, document};
pub use servers::{Durability, Hold, Postgres, Redis, Stack, TestDatabase, connect, sqlite};
pub use tasks::Event;
pub use times::times;
pub use wait::within;
