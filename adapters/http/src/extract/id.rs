//! The path parameter `id`.

use crate::{problem::ApiError, route::Request, schema::EXAMPLE_ID};
use domain::{Invalid, Violation};
use uuid::Uuid;

/// See the module: 400 unless a UUID with hyphens, as we write them.
pub(crate) fn id(request: &Request) -> Result<Uuid, ApiError> {
    let raw = request.param("id");
    let id = Uuid::try_parse(raw).ok().filter(|_| raw.len() == uuid::fmt::Hyphenated::LENGTH);
    id.ok_or_else(|| {
        let violation = Violation::new("uuid", format!("must be a UUID such as {EXAMPLE_ID}"));
        ApiError::malformed(&Invalid::field("id", violation))
    })
}
