//! The heart: what a person is, what may be said of one, and nothing else.
//!
//! No I/O, no clock, no chance, no serde. Time and ids come in as arguments, wire formats live in the adapters.
//! Every value type is parsed once, at the edge, and cannot be wrong afterwards.

mod email_address;
mod invalid;
mod page;
mod person;
mod text;
mod version;

pub use email_address::EmailAddress;
pub use invalid::{FieldError, Invalid, Violation};
pub use page::{Cursor, Direction, Limit, Page};
pub use person::{
    Age, NamePrefix, Person, PersonDetails, PersonFilter, PersonId, PersonName, PersonOrder, PersonPosition,
    PersonQuery, PersonSort, TooOld,
};
pub use version::Version;
