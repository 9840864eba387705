//! Routes as warp filters: one boxed filter for each pattern of paths, grouped under its first segments, so that warp
//! tries few of them for a request. They never reject in the end: what matches no pattern is answered 404 here.

use super::{Gate, Response, Route, resource::Resource};
use crate::{
    call::Call,
    extract::body,
    problem::{ApiError, Kind},
};
use std::{collections::VecDeque, future::ready, sync::Arc};
use warp::{Filter, Rejection, filters::BoxedFilter, path::FullPath};

type Filters = BoxedFilter<(Response,)>;

/// All `routes` in one filter. It wants a [`Call`] among the extensions of the request.
pub(crate) fn filter(routes: Vec<Route>, gate: &Arc<Gate>) -> Filters {
    let mut groups: VecDeque<(Vec<String>, Vec<Arc<Resource>>)> = VecDeque::new();
    for (path, routes) in by_path(routes) {
        let resource = Arc::new(Resource::new(&path, routes, gate.clone()));
        let prefix = resource.pattern.prefix();
        match groups.iter_mut().find(|(known, _)| *known == prefix) {
            Some((_, resources)) => resources.push(resource),
            None => groups.push_back((prefix, vec![resource])),
        }
    }
    let groups = groups.into_iter().map(|(prefix, mut resources)| {
        resources.sort_by_key(|resource| resource.pattern.openness());
        under(&prefix, either(resources.into_iter().map(resource_filter).collect()))
    });
    either(groups.chain([not_found()]).collect())
}

fn by_path(routes: Vec<Route>) -> Vec<(String, Vec<Route>)> {
    let mut paths: Vec<(String, Vec<Route>)> = Vec::new();
    for route in routes {
        match paths.iter_mut().find(|(path, _)| *path == route.facts.path) {
            Some((_, routes)) => routes.push(route),
            None => paths.push((route.facts.path.clone(), vec![route])),
        }
    }
    paths
}

/// Everything on one path. A method that it does not know is answered here too, so nothing rejects but the path.
fn resource_filter(resource: Arc<Resource>) -> Filters {
    let matching = resource.clone();
    warp::path::full()
        .and_then(move |path: FullPath| {
            ready(matching.pattern.matches(path.as_str()).ok_or_else(warp::reject::not_found))
        })
        .and(warp::ext::get::<Arc<Call>>())
        .and(warp::body::stream())
        .then(move |params, call, body| resource.clone().answer(params, call, body::chunks(body)))
        .boxed()
}

fn under(prefix: &[String], filter: Filters) -> Filters {
    match prefix {
        [] => filter,
        [only] => warp::path(only.clone()).and(filter).boxed(),
        [first, second, ..] => warp::path(first.clone()).and(warp::path(second.clone())).and(filter).boxed(),
    }
}

/// The first that matches. Nested to the right, so that an early one costs no more than it would alone.
fn either(filters: Vec<Filters>) -> Filters {
    let never = warp::any().and_then(|| ready(Err::<Response, Rejection>(warp::reject::not_found()))).boxed();
    let nested = filters.into_iter().rev().reduce(|later, earlier| earlier.or(later).unify().boxed());
    nested.unwrap_or(never)
}

fn not_found() -> Filters {
    warp::ext::get::<Arc<Call>>()
        .map(|call: Arc<Call>| {
            ApiError::new(Kind::NotFound, "there is nothing at this path").into_response(&call)
        })
        .boxed()
}
