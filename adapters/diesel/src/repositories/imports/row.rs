//! Rows of `person_import_rows`: what is to be written, and the two ways to read them.

use crate::{
    schema::person_import_rows,
    types::{At, Id},
};
use application::{RowError, StagedRow};
use diesel::prelude::*;
use domain::{Age, EmailAddress, Person, PersonDetails, PersonId, PersonName};
use uuid::Uuid;

/// What became of a row.
pub(super) struct Outcome;

impl Outcome {
    pub(super) const PENDING: &'static str = "pending";
    pub(super) const INSERTED: &'static str = "inserted";
    pub(super) const REFUSED: &'static str = "refused";
}

/// A row to be written.
#[derive(Insertable)]
#[diesel(table_name = person_import_rows, treat_none_as_default_value = false)]
pub(super) struct Row {
    import_id: Id,
    line: i32,
    outcome: &'static str,
    person_id: Option<Id>,
    name: Option<String>,
    email: Option<String>,
    age: Option<i32>,
    created_at: Option<At>,
    field: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl Row {
    /// How many go into one statement: eleven values each, of which SQLite takes 32,766.
    pub(super) const BATCH: usize = 1000;

    pub(super) fn new(import_id: Id, row: &StagedRow) -> Self {
        let number = |line: u32| i32::try_from(line).unwrap_or(i32::MAX);
        match row {
            StagedRow::Right { line, person } => Self {
                import_id,
                line: number(*line),
                outcome: Outcome::PENDING,
                person_id: Some(Id(person.id().0)),
                name: Some(person.details().name.as_str().to_owned()),
                email: Some(person.details().email.as_str().to_owned()),
                age: Some(i32::from(person.details().age.years())),
                created_at: Some(person.created_at().into()),
                field: None,
                code: None,
                message: None,
            },
            StagedRow::Wrong(error) => Self {
                import_id,
                line: number(error.line),
                outcome: Outcome::REFUSED,
                person_id: None,
                name: None,
                email: None,
                age: None,
                created_at: None,
                field: error.field.clone(),
                code: Some(error.code.clone()),
                message: Some(error.message.clone()),
            },
        }
    }
}

/// The person of a row that is right: a constraint sees to it that all of them are there.
#[derive(Queryable, Selectable)]
#[diesel(table_name = person_import_rows)]
pub(super) struct PersonColumns {
    line: i32,
    person_id: Option<Id>,
    name: Option<String>,
    email: Option<String>,
    age: Option<i32>,
    created_at: Option<At>,
}

impl TryFrom<PersonColumns> for Person {
    type Error = Inconsistent;

    fn try_from(row: PersonColumns) -> Result<Self, Inconsistent> {
        let id = row.person_id.unwrap_or(Id(Uuid::nil()));
        let wrong = Inconsistent { person: id.0, line: row.line };
        let details = || {
            Some(PersonDetails {
                name: PersonName::parse(&row.name?).ok()?,
                email: EmailAddress::parse(&row.email?).ok()?,
                age: Age::new(i64::from(row.age?)).ok()?,
            })
        };
        match (details(), row.created_at) {
            (Some(details), Some(created_at)) => Ok(Self::new(PersonId(id.0), details, created_at.into())),
            _ => Err(wrong),
        }
    }
}

/// The database holds what the domain does not allow.
#[derive(Debug, thiserror::Error)]
#[error("person_import_rows.line {line} of the person {person} breaks a rule")]
pub(super) struct Inconsistent {
    person: Uuid,
    line: i32,
}

/// What is wrong with a row.
#[derive(Queryable, Selectable)]
#[diesel(table_name = person_import_rows)]
pub(super) struct ErrorRow {
    line: i32,
    field: Option<String>,
    code: Option<String>,
    message: Option<String>,
}

impl From<ErrorRow> for RowError {
    fn from(row: ErrorRow) -> Self {
        Self {
            line: u32::try_from(row.line).unwrap_or_default(),
            field: row.field,
            code: row.code.unwrap_or_default(),
            message: row.message.unwrap_or_default(),
        }
    }
}
