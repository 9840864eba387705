//! The documentation below `/doc/`: the pages of `docs/`, rendered by the build script, and Swagger UI for each version
//! of the API with its OpenAPI document.
//!
//! Every file is in the binary. Links between pages are relative, so they hold under every root path.

mod export;
mod site;
mod swagger;

pub use export::guide;

use crate::{
    file::File,
    problem::{ApiError, Kind},
    route::{Request, Response, Route},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::{collections::HashMap, sync::Arc};

/// All files, by their path below `/doc/`.
pub(crate) struct Doc {
    root_path: String,
    files: HashMap<String, File>,
    /// The OpenAPI document of the newest version.
    newest: String,
    not_found: File,
}

/// The routes of the documentation.
pub(crate) fn routes(doc: Arc<Doc>) -> Vec<Route> {
    vec![
        Route::page("/", doc.clone(), start),
        Route::page("/doc", doc.clone(), start),
        Route::page("/doc/{*rest}", doc.clone(), file),
        Route::page("/docs", doc.clone(), start),
        Route::page("/docs/{*rest}", doc.clone(), start),
        Route::page("/openapi.json", doc, newest),
    ]
}

async fn start(doc: Arc<Doc>, _: Request) -> Result<Response, ApiError> {
    Ok(doc.moved(""))
}

async fn file(doc: Arc<Doc>, request: Request) -> Result<Response, ApiError> {
    doc.answer(request.param("rest"), request.headers())
}

async fn newest(doc: Arc<Doc>, request: Request) -> Result<Response, ApiError> {
    doc.answer(&doc.newest, request.headers())
}

impl Doc {
    /// `root_path` stands in front of every path that is seen from outside. `documents` are the versions of the API,
    /// oldest first, such as `v1`, each with its OpenAPI document as JSON.
    pub(crate) fn new(root_path: &str, documents: Vec<(&'static str, String)>) -> Self {
        let mut files = HashMap::new();
        for (path, tag, html) in site::PAGES {
            files.insert((*path).to_owned(), File::page(tag, *html));
        }
        for (path, text) in site::ASSETS {
            files.insert((*path).to_owned(), File::asset(path, *text));
        }
        let (assets, template) = swagger::load();
        files.extend(assets);
        let versions: Vec<&str> = documents.iter().map(|(version, _)| *version).collect();
        for (version, json) in documents {
            let other = versions.iter().find(|other| **other != version).unwrap_or(&version);
            files.insert(format!("{version}/"), swagger::page(&template, version, other));
            files.insert(format!("{version}/openapi.json"), File::document(json));
        }
        let newest = format!("{}/openapi.json", versions.last().copied().unwrap_or_default());
        let home = format!("{root_path}/doc/");
        let not_found = site::NOT_FOUND.replace("{{home}}", &home).replace("{{up}}", &home);
        Self { root_path: root_path.to_owned(), files, newest, not_found: File::page("", not_found) }
    }

    /// What is at `path` below `/doc/`.
    fn answer(&self, path: &str, request: &HeaderMap) -> Result<Response, ApiError> {
        if let Some(file) = self.files.get(path) {
            return Ok(file.answer(StatusCode::OK, request));
        }
        // One slash too many or too few at the end; relative links need the right number.
        let other = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
        if self.files.contains_key(&other) {
            return Ok(self.moved(&other));
        }
        if !wants_html(request) {
            return Err(ApiError::new(Kind::NotFound, "there is no page at this URL"));
        }
        let mut response = self.not_found.answer(StatusCode::NOT_FOUND, request);
        response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
        Ok(response)
    }

    /// Leads to `path` below `/doc/`. Not for ever: the root path may change, and something else may come to be at `/`.
    fn moved(&self, path: &str) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
        if let Ok(location) = HeaderValue::try_from(format!("{}/doc/{path}", self.root_path)) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// Browsers name HTML; programs ask for anything, or for JSON.
fn wants_html(request: &HeaderMap) -> bool {
    let accepted = request.get_all(header::ACCEPT).iter();
    accepted.filter_map(|value| value.to_str().ok()).any(|value| value.contains("text/html"))
}

#[cfg(test)]
mod tests;
