//! Version 1 of the API.

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

/// Fields are called as in the domain. A client names no versions, so a lost race is a conflict.
const DIALECT: Dialect = Dialect { field: |field| field, stale: Kind::Conflict };

fn error(error: application::Error) -> ApiError {
    ApiError::from_application(error, &DIALECT)
}
