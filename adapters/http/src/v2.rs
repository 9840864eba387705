//! Version 2 of the API: the same use cases in other words, and with conditions on writes.

mod imports;
mod persons;
mod tasks;

use crate::{
    Services,
    problem::{ApiError, Dialect, Kind},
    route::{Declared, Facts, Route},
    tasks::Tasks,
};
use serde::Serialize;
use utoipa::ToSchema;

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

/// A client names the version that it has seen, so a lost race is a failed precondition.
const DIALECT: Dialect = Dialect { field: field_name, stale: Kind::PreconditionFailed };

fn field_name(of_the_domain: &'static str) -> &'static str {
    match of_the_domain {
        "name" => "full_name",
        "state" => "status",
        same => same,
    }
}

/// Where the page stands in the list.
#[derive(Serialize, ToSchema)]
#[schema(as = Page)]
struct PageBody {
    /// How many items a page has at most.
    #[schema(minimum = 1, maximum = 100)]
    limit: u8,
    /// The URL of the page that follows; null on the last.
    #[schema(required = true, format = "uri-reference")]
    next: Option<String>,
    /// The URL of the page that precedes; null on the first.
    #[schema(required = true, format = "uri-reference")]
    prev: Option<String>,
}

fn error(error: application::Error) -> ApiError {
    ApiError::from_application(error, &DIALECT)
}
