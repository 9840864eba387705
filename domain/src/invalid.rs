//! What is wrong with an input: one [`Violation`] per value, one [`FieldError`] per named field, all of them together
//! as [`Invalid`].

use std::fmt;

/// A rule that a value breaks. It knows no field name: the same age is `age` in a body and `min_age` in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Stable and machine-readable, such as `too_long`.
    pub code: &'static str,
    /// One sentence for a person, saying what would be right.
    pub message: String,
}

impl Violation {
    /// `code` in snake case, `message` starting in lower case and without a full stop.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A violation and the field that it was found in, by the name that the sender used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The sender's name of the field, such as `full_name` or `items[2].age`.
    pub field: String,
    /// What is wrong with it.
    pub violation: Violation,
}

/// Every field error of one input, so that a sender can fix all of them at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Invalid {
    errors: Vec<FieldError>,
}

impl Invalid {
    /// One field error.
    pub fn field(field: impl Into<String>, violation: Violation) -> Self {
        Self { errors: vec![FieldError { field: field.into(), violation }] }
    }

    /// Keeps the violation under `field` and answers `None`, or answers the value.
    pub fn check<T>(&mut self, field: &str, parsed: Result<T, Violation>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(violation) => {
                self.errors.push(FieldError { field: field.to_owned(), violation });
                None
            }
        }
    }

    /// The field errors, in the order in which they were found.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, FieldError { field, violation }) in self.errors.iter().enumerate() {
            write!(f, "{}{field}: {}", if i == 0 { "" } else { "; " }, violation.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_errors_are_kept_with_their_fields() {
        let mut invalid = Invalid::default();
        assert_eq!(invalid.check("name", Ok(1)), Some(1));
        assert_eq!(invalid.check::<u8>("age", Err(Violation::new("too_large", "must be at most 150"))), None);
        assert_eq!(
            invalid.check::<u8>("email", Err(Violation::new("email", "must be an e-mail address"))),
            None
        );
        assert_eq!(invalid.to_string(), "age: must be at most 150; email: must be an e-mail address");
    }
}
