//! Imports of persons in version 2.

use super::{
    error,
    tasks::{TaskBody, accepted, example},
};
use crate::{
    imports::{self, ImportForm},
    persons::TAG,
    problem::{ApiError, Kind},
    route::{Declared, Request, Response, route},
};
use application::ImportController;
use std::sync::Arc;

type Imports = Arc<ImportController>;

/// The routes.
pub(super) fn declared() -> Vec<Declared<Imports>> {
    vec![route!(import).upload().fails(&[Kind::TooManyRequests])]
}

/// Import persons
///
/// Out of a CSV file with the columns `name`, `email` and `age`. The answer is the task that reports on it in the end; its
/// chain shows how far the import is.
#[utoipa::path(
    post, path = "/v2/persons/imports",
    request_body(
        content = ImportForm, content_type = "multipart/form-data",
        example = json!({"file": "name,email,age\nAda Lovelace,ada@example.com,36\n"})
    ),
    responses((status = 202, description = "The import is scheduled.",
        headers(
            ("Location" = String, description = "The URL of the task."),
            ("ETag" = String, description = "Names this version of the task."),
        ),
        body = TaskBody, example = json!(example("queued"))))
)]
async fn import(imports: Imports, request: Request) -> Result<Response, ApiError> {
    let story = imports::import(&imports, &request, error).await?;
    Ok(accepted(&request, &story))
}
