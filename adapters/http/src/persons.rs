//! What both versions of the API say of persons in the same way: values, ids, lists, conditions on writes.

mod listing;

pub(crate) use listing::Listing;

use crate::{
    extract::{EntityTag, Field, IfMatch, Whole, if_match},
    problem::{ApiError, Dialect, Kind},
    route::Tag,
    schema,
};
use application::{Context, PersonController, PersonPatch};
use domain::{Age, EmailAddress, Invalid, Person, PersonDetails, PersonId, PersonName, Version, Violation};
use http::HeaderMap;
use utoipa::{
    IntoParams,
    openapi::path::{Parameter, ParameterIn},
};

/// What the documents say of persons.
pub(crate) const TAG: Tag =
    Tag { name: "persons", description: "Somebody with a name, an e-mail address and an age." };

/// Whose id is in a path.
pub(crate) struct PersonPath;

impl IntoParams for PersonPath {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![schema::id("The person's id.")]
    }
}

/// What a body says of a person. Its name may be another field in the bodies of a version.
#[derive(Debug)]
pub(crate) struct PersonInput {
    pub(crate) name: Field<String>,
    pub(crate) email: Field<String>,
    pub(crate) age: Field<Whole>,
}

impl PersonInput {
    /// Everything; `name_field` is the field of the name.
    pub(crate) fn details(self, name_field: &str) -> Result<PersonDetails, ApiError> {
        let mut invalid = Invalid::default();
        let name = self.name.required(name_field, &mut invalid, |raw| parse_name(&raw));
        let email = self.email.required("email", &mut invalid, |raw| parse_email(&raw));
        let age = self.age.required("age", &mut invalid, |Whole(years)| Age::new(years));
        match (name, email, age) {
            (Some(name), Some(email), Some(age)) => Ok(PersonDetails { name, email, age }),
            _ => Err(ApiError::invalid(&invalid)),
        }
    }

    /// What is to change, by RFC 7396. No member can be removed.
    pub(crate) fn patch(self, name_field: &str) -> Result<PersonPatch, ApiError> {
        let mut invalid = Invalid::default();
        let patch = PersonPatch {
            name: self.name.patch(name_field, &mut invalid, |raw| parse_name(&raw)),
            email: self.email.patch("email", &mut invalid, |raw| parse_email(&raw)),
            age: self.age.patch("age", &mut invalid, |Whole(years)| Age::new(years)),
        };
        if invalid.is_empty() { Ok(patch) } else { Err(ApiError::invalid(&invalid)) }
    }
}

/// `raw` parsed, unless it is longer than `max` characters as sent. The domain measures what remains after trimming; the
/// schema, and with it the client, cannot.
fn within<T>(
    raw: &str,
    max: usize,
    parse: impl FnOnce(&str) -> Result<T, Violation>,
) -> Result<T, Violation> {
    if raw.chars().count() > max {
        return Err(Violation::new("too_long", format!("must have at most {max} characters")));
    }
    parse(raw)
}

/// A name as it was sent.
fn parse_name(raw: &str) -> Result<PersonName, Violation> {
    within(raw, PersonName::MAX_LENGTH, PersonName::parse)
}

/// An e-mail address as it was sent.
fn parse_email(raw: &str) -> Result<EmailAddress, Violation> {
    within(raw, EmailAddress::MAX_LENGTH, EmailAddress::parse)
}

/// The version that a write expects, as `If-Match` demands it: 428 if it demands nothing, 412 if nothing can fulfil it,
/// and 404 before either.
pub(crate) async fn expected(
    persons: &PersonController,
    ctx: &Context,
    id: PersonId,
    headers: &HeaderMap,
    dialect: &Dialect,
) -> Result<Option<Version>, ApiError> {
    let demanded = match if_match(headers) {
        IfMatch::Any => return Ok(None),
        IfMatch::OneOf(versions) => Some(versions),
        IfMatch::Absent => None,
    };
    if let Some([only]) = demanded.as_deref() {
        return Ok(Some(*only)); // the write itself compares
    }
    let person = persons.get(ctx, id).await.map_err(|error| ApiError::from_application(error, dialect))?;
    match demanded {
        None => Err(ApiError::new(
            Kind::PreconditionRequired,
            "send the ETag of the person as you have seen it in the header If-Match",
        )),
        Some(versions) if versions.contains(&person.version()) => Ok(Some(person.version())),
        Some(_) => Err(ApiError::new(
            Kind::PreconditionFailed,
            format!("If-Match names no current version; the person has the ETag {}", tag(&person).text()),
        )),
    }
}

/// The entity tag of a person.
pub(crate) fn tag(person: &Person) -> EntityTag {
    EntityTag(person.version())
}
