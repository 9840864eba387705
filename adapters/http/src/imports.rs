//! What both versions of the API say of imports in the same way: the form with the file.

use crate::{
    extract::{Uploaded, upload},
    problem::ApiError,
    route::Request,
};
use application::{Error, ImportController};
use domain::TaskStory;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat,
        schema::{AdditionalProperties, Type},
    },
};

/// Schedules the import of the file in the body; the story of the task that reports on it.
pub(crate) async fn import(
    imports: &ImportController,
    request: &Request,
    error: fn(Error) -> ApiError,
) -> Result<TaskStory, ApiError> {
    let Uploaded { name, chunks } = upload(request).await?;
    imports.import_persons(&request.context(), name, chunks).await.map_err(error)
}

/// The form of an import.
pub(crate) struct ImportForm;

impl PartialSchema for ImportForm {
    fn schema() -> RefOr<Schema> {
        let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
        let file = ObjectBuilder::new().schema_type(Type::String).format(Some(binary)).min_length(Some(1));
        let file = file.description(Some("CSV, in UTF-8, with the names of the columns in its first line."));
        ObjectBuilder::new()
            .property("file", file)
            .required("file")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
            .into()
    }
}

impl ToSchema for ImportForm {}
