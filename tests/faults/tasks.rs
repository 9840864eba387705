//! Background tasks under faults: what was accepted is never lost, whoever is killed, stopped or cut off.
//!
//! What must hold is in `tasks/checker.rs`; each file says which change of the product turns it red, and `mutants.rs` makes
//! such changes.

mod aborts;
mod bad_handlers;
mod beats;
mod checker;
mod clocks;
mod cut_off;
mod drain;
mod hints;
mod kills;
mod pools;
mod redis;
mod stopped;
mod suspects;
