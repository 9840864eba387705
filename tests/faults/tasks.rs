//! Background tasks under faults: what was accepted is never lost, whoever is killed, stopped or cut off.
//!
//! What must hold is in `tasks/checker.rs`; each file says which change of the product turns it red.

mod checker;
mod kills;
