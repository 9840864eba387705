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

use plinth_tests::times;
