//! The contract of `TaskRepository`: what people see of tasks, and what they may do to them.

pub(crate) mod build;
mod cancel;
mod lists;
mod prune;
mod retry;
mod stories;

use application::Error;

/// The code and the message of a conflict on `state`.
fn conflict<T: std::fmt::Debug>(result: Result<T, Error>) -> (&'static str, String) {
    match result {
        Err(Error::Conflict { field: "state", violation }) => (violation.code, violation.message),
        other => panic!("not a conflict on state: {other:?}"),
    }
}
