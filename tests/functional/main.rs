//! The service as its users meet it: the real binary over real sockets, on SQLite and on PostgreSQL with Redis.
//!
//! What happens when things break is in `tests/faults`; what a repository owes its callers in `contract`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails says so by a panic"
)]

mod bad_input;
mod behind_a_proxy;
mod command_line;
mod contract;
mod dashboard;
mod docs;
mod edge;
mod health;
mod imports;
mod limits;
mod logs;
mod mutants;
mod persons;
mod problems;
mod sentry;
mod state_chart;
mod stop;
mod tasks;
