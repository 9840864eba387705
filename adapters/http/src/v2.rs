//! Version 2 of the API: the same use cases in other words, and with conditions on writes.

mod persons;

use crate::{
    Services,
    problem::{ApiError, Dialect, Kind},
    route::{Declared, Facts, Route},
};

/// The routes.
pub(crate) fn routes(services: &Services) -> Vec<Route> {
    persons::declared().into_iter().map(|route| route.with(services.persons.clone())).collect()
}

/// The same without their state.
pub(crate) fn declared() -> Vec<Facts> {
    persons::declared().into_iter().map(Declared::into_facts).collect()
}

/// A client names the version that it has seen, so a lost race is a failed precondition.
const DIALECT: Dialect = Dialect { field: field_name, stale: Kind::PreconditionFailed };

fn field_name(of_the_domain: &'static str) -> &'static str {
    match of_the_domain {
        "name" => "full_name",
        same => same,
    }
}

fn error(error: application::Error) -> ApiError {
    ApiError::from_application(error, &DIALECT)
}
