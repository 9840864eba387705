//! What a use case may fail with. A variant exists only if somebody acts differently on it; none of them knows HTTP,
//! and `Display` tells this layer alone: the cause is the source, and is logged once, at the boundary.

use domain::Violation;

/// The cause of a failure, whatever the adapter's technology calls it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// Such as `person`.
        kind: &'static str,
        /// As it was asked for.
        id: String,
    },
    /// The input is valid, but what is stored stands in its way.
    #[error("{field}: {}", violation.message)]
    Conflict {
        /// The field of the resource that collides, by its name in the domain.
        field: &'static str,
        /// Why.
        violation: Violation,
    },
    /// Somebody else has written since the caller read. Reading again and repeating can help.
    #[error("the {kind} was changed meanwhile")]
    Stale {
        /// Such as `person`.
        kind: &'static str,
    },
    /// More is asked for than can be taken now.
    #[error("{what}")]
    TooMany {
        /// Such as `the queue mail is full`.
        what: String,
        /// When to try again.
        retry_after: std::time::Duration,
    },
    /// A dependency is down or overloaded. Trying again later can help.
    #[error("{dependency} is not available")]
    Unavailable {
        /// Such as `the database`.
        dependency: &'static str,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// A defect, ours or a dependency's. Nothing a caller can do.
    #[error("{what}")]
    Internal {
        /// What was being done.
        what: &'static str,
        /// What went wrong.
        #[source]
        source: BoxError,
    },
}

impl Error {
    /// There is no `kind` with this id.
    pub fn not_found(kind: &'static str, id: impl ToString) -> Self {
        Self::NotFound { kind, id: id.to_string() }
    }

    /// What is stored forbids this value of `field`.
    pub fn conflict(field: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self::Conflict { field, violation: Violation::new(code, message) }
    }

    /// `dependency` cannot be had now.
    pub fn unavailable(dependency: &'static str, source: impl Into<BoxError>) -> Self {
        Self::Unavailable { dependency, source: source.into() }
    }

    /// `what` failed for a reason that nobody outside can fix.
    pub fn internal(what: &'static str, source: impl Into<BoxError>) -> Self {
        Self::Internal { what, source: source.into() }
    }
}

/// An error and all its causes, for a log.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
