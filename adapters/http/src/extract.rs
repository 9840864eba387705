//! From bytes to values: bodies, query strings, headers. Whatever is wrong is told with the name of the field.

pub(crate) mod body;
mod etag;
mod field;
mod id;
mod json;
mod query;
mod shorten;
mod upload;

pub(crate) use etag::{EntityTag, IfMatch, if_match, none_match};
pub(crate) use field::{Field, Whole};
pub(crate) use id::id;
pub(crate) use json::json;
pub(crate) use query::{query, whole};
pub(crate) use upload::{Uploaded, upload};

#[cfg(test)]
mod tests;
