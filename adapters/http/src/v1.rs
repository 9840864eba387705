//! Version 1 of the API.

mod imports;
mod persons;
mod tasks;

pub(crate) use tasks::{story_as_json, task_as_json};

use crate::{
    Services,
    problem::{ApiError, Dialect, Kind},
    route::{Declared, Facts, Route},
    tasks::Tasks,
};

/// The routes.
pub(crate) fn routes(services: &Services) -> Vec<Route> {
    let persons = persons::declared().into_iter().map(|route| route.with(services.persons.clone()));
    let imports = imports::declared().into_iter().map(|route| route.with(services.imports.clone()));
    let tasks = tasks::declared().into_iter().map(|route| route.with(Tasks::from(services)));
    persons.chain(imports).chain(tasks).collect()
}

/// The same without their state.
pub(crate) fn declared() -> Vec<Facts> {
    let persons = persons::declared().into_iter().map(Declared::into_facts);
    let imports = imports::declared().into_iter().map(Declared::into_facts);
    let tasks = tasks::declared().into_iter().map(Declared::into_facts);
    persons.chain(imports).chain(tasks).collect()
}

/// Fields are called as in the domain. A client names no versions, so a lost race is a conflict.
const DIALECT: Dialect = Dialect { field: |field| field, stale: Kind::Conflict };

fn error(error: application::Error) -> ApiError {
    ApiError::from_application(error, &DIALECT)
}
