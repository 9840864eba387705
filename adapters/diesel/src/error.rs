//! Diesel's errors -> `application::Error`, in one place.
//!
//! The asynchronous driver passes on the kind of only eight SQLSTATEs; the rest is told apart by the server's words, which
//! are English unless `lc_messages` says otherwise. Each entry of the table is provoked in
//! `tests/functional/contract/outages.rs`, in `sqlite/tests.rs` or, what takes a process, in
//! `tests/functional/command_line/start.rs`.

use application::Error;
use diesel::result::{
    DatabaseErrorInformation,
    DatabaseErrorKind::{
        CheckViolation, ClosedConnection, ReadOnlyTransaction, SerializationFailure, UnableToSendCommand,
        UniqueViolation, Unknown,
    },
    Error as Diesel,
};
use std::borrow::Cow;

const DATABASE: &str = "the database";

/// How the server begins to say that it cannot do now what it can do at another time. What it says to a new connection is
/// not here: without a connection there is no statement, and [`unreachable`] says so.
const TEMPORARY: [&str; 10] = [
    "terminating connection due to",
    "canceling statement due to statement timeout",
    "canceling statement due to lock timeout",
    "deadlock detected",
    "cached plan must not change result type",
    // SQLite, when another process holds the file for longer than the lock time-out.
    "database is locked",
    // SQLite, when the disk is full, beyond the limit of a file's size or failing, or mounted read-only.
    "database or disk is full",
    "disk I/O error",
    "attempt to write a readonly database",
    // PostgreSQL, when its disk is full; which file it was about comes first elsewhere, and the system's words last.
    "could not extend file",
];

/// The operating system's words for a full disk, at the end of PostgreSQL's.
const DISK_FULL: &str = "No space left on device";

/// The table is not there: the program is newer than the schema.
#[derive(Debug, thiserror::Error)]
#[error("a table is missing: run `plinth db upgrade`")]
struct Unmigrated(#[source] Diesel);

/// `what` failed; `conflicts` says which field a constraint is about, and why a value can collide there.
pub(crate) fn refused(
    what: &'static str,
    error: Diesel,
    violated: impl Fn(&dyn DatabaseErrorInformation) -> Option<Cow<'_, str>>,
    conflicts: &[Conflict],
) -> Error {
    if let Diesel::DatabaseError(UniqueViolation | CheckViolation, info) = &error
        && let Some(name) = violated(info.as_ref())
        && let Some(conflict) = conflicts.iter().find(|conflict| conflict.constraint == name)
    {
        return Error::conflict(conflict.field, conflict.code, conflict.message);
    }
    failed(what, error)
}

/// `what` failed, and no constraint is expected to be the reason.
pub(crate) fn failed(what: &'static str, error: Diesel) -> Error {
    if is_unmigrated(&error) {
        Error::unavailable(DATABASE, Unmigrated(error))
    } else if is_temporary(&error) {
        Error::unavailable(DATABASE, error)
    } else {
        Error::internal(what, error)
    }
}

/// A constraint, as a user sees it.
pub(crate) struct Conflict {
    pub(crate) constraint: &'static str,
    pub(crate) field: &'static str,
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

/// Why a transaction was rolled back.
#[derive(Debug)]
pub(crate) enum Undone {
    /// The database refused a statement.
    Database(Diesel),
    /// What is stored is not as the caller takes it to be.
    Refused(Error),
}

impl From<Diesel> for Undone {
    fn from(error: Diesel) -> Self {
        Self::Database(error)
    }
}

impl Undone {
    /// `what` failed, and no constraint is expected to be the reason.
    pub(crate) fn told(self, what: &'static str) -> Error {
        match self {
            Self::Database(error) => failed(what, error),
            Self::Refused(error) => error,
        }
    }

    /// As [`refused`].
    pub(crate) fn refused(
        self,
        what: &'static str,
        violated: impl Fn(&dyn DatabaseErrorInformation) -> Option<Cow<'_, str>>,
        conflicts: &[Conflict],
    ) -> Error {
        match self {
            Self::Database(error) => refused(what, error, violated, conflicts),
            Self::Refused(error) => error,
        }
    }

    /// As [`is_over`].
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Database(error) if is_over(error))
    }
}

/// Whether the connection is gone, so that a read may be repeated on another one.
pub(crate) fn is_lost(error: &Diesel) -> bool {
    match error {
        Diesel::DatabaseError(UnableToSendCommand, _) => true,
        // A plan outlives a migration only on the connection that has made it.
        Diesel::DatabaseError(Unknown, info) => {
            let ends = ["terminating connection due to", "cached plan must not change result type"];
            ends.iter().any(|end| info.message().starts_with(end))
        }
        _ => false,
    }
}

/// Whether a connection is of no use for further writes: an answer may still come, or the server has become a standby.
pub(crate) fn is_over(error: &Diesel) -> bool {
    matches!(error, Diesel::DatabaseError(ClosedConnection | ReadOnlyTransaction, _)) || is_lost(error)
}

/// There is no connection to be had, for this reason.
pub(crate) fn unreachable(reason: String) -> Diesel {
    Diesel::DatabaseError(ClosedConnection, Box::new(reason))
}

/// Everybody else was first.
pub(crate) fn exhausted() -> Diesel {
    unreachable("all connections of the pool were in use".to_owned())
}

/// The server has a statement and says nothing, not even that its own time-out has passed.
pub(crate) fn no_answer() -> Diesel {
    unreachable("no answer to a statement in time".to_owned())
}

/// `Database::close` has been called.
pub(crate) fn closed() -> Diesel {
    unreachable("the connections are closed".to_owned())
}

fn is_temporary(error: &Diesel) -> bool {
    match error {
        Diesel::DatabaseError(
            UnableToSendCommand | ClosedConnection | SerializationFailure | ReadOnlyTransaction,
            _,
        ) => true,
        Diesel::DatabaseError(_, info) => {
            let said = info.message();
            TEMPORARY.iter().any(|start| said.starts_with(start)) || said.ends_with(DISK_FULL)
        }
        Diesel::BrokenTransactionManager => true,
        _ => false,
    }
}

fn is_unmigrated(error: &Diesel) -> bool {
    let Diesel::DatabaseError(Unknown, info) = error else { return false };
    let said = info.message();
    said.starts_with("no such table: ")
        || (said.starts_with("relation \"") && said.ends_with("\" does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::result::DatabaseErrorKind;

    fn said(kind: DatabaseErrorKind, message: &str) -> Diesel {
        Diesel::DatabaseError(kind, Box::new(message.to_owned()))
    }

    fn taken(message: &str) -> Error {
        let email = Conflict { constraint: "t_a_key", field: "email", code: "taken", message: "is taken" };
        refused("insert", said(UniqueViolation, message), crate::sqlite::violated, &[email])
    }

    #[test]
    fn a_constraint_that_is_named_is_a_conflict_and_any_other_a_defect() {
        assert!(matches!(taken("UNIQUE constraint failed: t.a"), Error::Conflict { field: "email", .. }));
        assert!(matches!(taken("UNIQUE constraint failed: t.b"), Error::Internal { .. }));
    }

    #[test]
    fn what_may_be_well_again_later_is_unavailable() {
        for (kind, message) in [
            (UnableToSendCommand, "connection closed"),
            (ReadOnlyTransaction, "cannot execute INSERT in a read-only transaction"),
            (Unknown, "deadlock detected"),
            (ClosedConnection, "the database system is starting up"),
            (Unknown, "database or disk is full"),
            (Unknown, "could not extend file \"base/5/16384\": File too large"),
            (Unknown, "could not write to file \"base/pgsql_tmp/1\": No space left on device"),
        ] {
            let error = failed("test", said(kind, message));
            assert!(matches!(error, Error::Unavailable { .. }), "{message}");
        }
        assert!(matches!(failed("test", said(Unknown, "syntax error")), Error::Internal { .. }));
    }

    #[test]
    fn a_table_that_is_missing_is_unavailable_and_says_what_to_run() {
        for message in ["relation \"persons\" does not exist", "no such table: persons"] {
            let Error::Unavailable { source, .. } = failed("test", said(Unknown, message)) else {
                panic!("{message}");
            };
            assert!(source.to_string().contains("`plinth db upgrade`"), "{source}");
            assert_eq!(source.source().map(ToString::to_string).as_deref(), Some(message));
        }
        let column = said(Unknown, "column \"a\" of relation \"persons\" does not exist");
        assert!(matches!(failed("test", column), Error::Internal { .. }));
    }
}
