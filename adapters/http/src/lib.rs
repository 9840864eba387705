//! REST over warp: the versions of the API, their documentation, health and metrics, behind one edge.
//!
//! [`public`] and [`monitor`] compose everything that a listener serves; [`Server`] serves it. A resource is one file in
//! each version, such as `v1/persons.rs`: bodies, handlers and the list of its routes.

mod call;
mod config;
mod cursor;
mod describe;
mod doc;
mod edge;
mod events;
mod extract;
mod file;
mod health;
mod imports;
mod list;
mod mon;
mod pages;
mod persons;
mod problem;
mod reply;
mod route;
mod schema;
mod seats;
mod server;
mod tasks;
mod v1;
mod v2;

pub use config::{HttpConfig, Limits, MonitorConfig, Timeouts};
pub use doc::guide;
pub use edge::{App, Body};
pub use server::Server;

use application::{
    BeatController, Clock, HealthController, Ids, ImportController, PersonController, TaskController,
    TaskStatistics, TaskWatch,
};
use doc::Doc;
use edge::Edge;
use futures_util::future::BoxFuture;
use route::{Facts, Route, document};
use std::sync::Arc;

/// Everything that routes need.
pub struct Services {
    /// Persons.
    pub persons: Arc<PersonController>,
    /// Background tasks.
    pub tasks: Arc<TaskController>,
    /// Uploads of persons.
    pub imports: Arc<ImportController>,
    /// Tasks as they change.
    pub watch: Arc<TaskWatch>,
    /// Queues and processes, for the internal listener.
    pub statistics: Arc<dyn TaskStatistics>,
    /// Schedules, for the internal listener.
    pub beat: Arc<BeatController>,
    /// If tasks are run by the request that has caused them.
    pub eager: Option<Eager>,
    /// `/health` and single checks.
    pub health: Arc<HealthController>,
    /// Request ids.
    pub ids: Arc<dyn Ids>,
    /// The time in request ids.
    pub clock: Arc<dyn Clock>,
    /// The text of `/metrics`.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// Where access lines and failures go.
    pub log: slog::Logger,
    /// Known to this process alone: the pages of the internal listener sign their forms with it.
    pub secret: Arc<str>,
    /// What runs.
    pub build: Build,
}

/// Runs all tasks that are due. Awaited when a request that may have caused some has succeeded, before its answer is sent.
pub type Eager = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// What runs, for `/health`.
#[derive(Debug, Clone, Copy)]
pub struct Build {
    /// Of the product.
    pub name: &'static str,
    /// By SemVer.
    pub version: &'static str,
    /// Of the sources.
    pub revision: &'static str,
}

/// One line of `plinth routes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteInfo {
    /// Such as `GET`.
    pub method: String,
    /// Its pattern, such as `/v1/persons/{id}`.
    pub path: String,
    /// Its name in the OpenAPI document, if it is in one.
    pub operation_id: Option<String>,
    /// Whether it is to go.
    pub deprecated: bool,
    /// The version of the API, if it belongs to one.
    pub version: Option<&'static str>,
}

/// One version of the API.
struct ApiVersion {
    name: &'static str,
    routes: fn(&Services) -> Vec<Route>,
    /// The same without their state.
    declared: fn() -> Vec<Facts>,
}

/// The versions of the API, oldest first. A further one is a module and a line.
const VERSIONS: [ApiVersion; 2] = [
    ApiVersion { name: "v1", routes: v1::routes, declared: v1::declared },
    ApiVersion { name: "v2", routes: v2::routes, declared: v2::declared },
];

impl ApiVersion {
    fn document(&self, root_path: &str) -> utoipa::openapi::OpenApi {
        document(self.name, root_path, (self.declared)())
    }
}

/// What the public listener serves: the API, its documentation, liveness and health.
pub fn public(config: &HttpConfig, services: &Services) -> App {
    let mut routes = health::routes(services);
    routes.extend(VERSIONS.iter().flat_map(|version| (version.routes)(services)));
    routes.extend(doc_routes(&config.root_path));
    app(config, services, routes)
}

/// What the internal listener serves: liveness, health, single checks, metrics and the pages about tasks.
pub fn monitor(config: &HttpConfig, services: &Services) -> App {
    let mut routes = health::routes(services);
    routes.extend(mon::routes(services));
    routes.extend(pages::routes(services));
    app(config, services, routes)
}

/// The names of the versions of the API, oldest first.
pub fn versions() -> impl Iterator<Item = &'static str> {
    VERSIONS.iter().map(|version| version.name)
}

/// The OpenAPI document of a version, such as `v1`.
pub fn openapi(version: &str) -> Option<utoipa::openapi::OpenApi> {
    VERSIONS.iter().find(|known| known.name == version).map(|known| known.document(""))
}

/// A task as version 1 has it in a list.
pub fn task_as_json(task: &domain::Task) -> String {
    v1::task_as_json(task)
}

/// A task as version 1 tells of it, with all that belongs to it.
pub fn story_as_json(story: &domain::TaskStory) -> String {
    v1::story_as_json(story)
}

/// Every route of the public listener.
pub fn routes() -> Vec<RouteInfo> {
    let pages = doc_routes("").into_iter().map(Route::into_facts);
    let others = health::declared().into_iter().chain(pages).map(|facts| (None, facts));
    let of_version = |version: &ApiVersion| {
        let name = version.name;
        (version.declared)().into_iter().map(move |facts| (Some(name), facts))
    };
    let versions = VERSIONS.iter().flat_map(of_version);
    versions.chain(others).map(|(version, facts)| info(version, facts)).collect()
}

fn app(config: &HttpConfig, services: &Services, routes: Vec<Route>) -> App {
    describe::metrics();
    let Services { ids, clock, log, eager, .. } = services;
    let edge = Edge::new(config, ids.clone(), clock.clone(), log.clone());
    App::new(edge.with_eager(eager.clone()), routes)
}

fn doc_routes(root_path: &str) -> Vec<Route> {
    let json = |version: &ApiVersion| version.document(root_path).to_json().unwrap_or_default();
    let documents = VERSIONS.iter().map(|version| (version.name, json(version))).collect();
    doc::routes(Arc::new(Doc::new(root_path, documents)))
}

fn info(version: Option<&'static str>, facts: Facts) -> RouteInfo {
    RouteInfo {
        method: facts.method.to_string(),
        operation_id: facts.operation.and_then(|operation| operation.operation_id),
        deprecated: facts.deprecation.is_some(),
        path: facts.path,
        version,
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
