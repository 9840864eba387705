//! What the service must survive, each with its figure. A fault test counts only if it can fail: each file says which
//! change of the product turns it red.
//!
//! `FAULTS=full` repeats the faults as often as a release deserves; otherwise as often as a change does.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that fails says so by a panic")]

mod crash;
mod hang_up;
mod mutants;
mod outage;
mod pool;
mod resources;
mod restart;
mod tasks;
mod writers;

/// How often to repeat a fault: `few` times, or `many` times with `FAULTS=full`.
#[expect(clippy::disallowed_methods, reason = "the tests' own settings have no other source")]
fn times(few: usize, many: usize) -> usize {
    if std::env::var("FAULTS").is_ok_and(|wish| wish == "full") { many } else { few }
}
