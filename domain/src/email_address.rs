//! E-mail addresses: kept as typed, compared without regard to case.

use crate::{Violation, text};
use validator::ValidateEmail;

/// A valid address by the HTML standard's rule (WHATWG HTML, section "Valid email address"), at most 254 characters
/// (RFC 5321, section 4.5.3.1, as corrected by erratum 1690).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailAddress {
    typed: String,
    key: String,
}

impl EmailAddress {
    /// In characters.
    pub const MAX_LENGTH: usize = 254;

    /// Surrounding white space is dropped.
    pub fn parse(raw: &str) -> Result<Self, Violation> {
        let typed = text::single_line(raw, Self::MAX_LENGTH)?;
        if !typed.validate_email() {
            return Err(Violation::new("email", "must be an e-mail address such as ada@example.com"));
        }
        let key = typed.to_lowercase();
        Ok(Self { typed, key })
    }

    /// As its owner typed it.
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Lower-cased: two addresses are the same if their keys are. Strictly, the part before the `@` may be case
    /// sensitive (RFC 5321, section 2.4); no mail provider of note makes use of that, and people mistype it.
    pub fn key(&self) -> &str {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_ignores_case_and_the_address_keeps_it() {
        let email = EmailAddress::parse(" Ada@Example.COM ").unwrap();
        assert_eq!(email.as_str(), "Ada@Example.COM");
        assert_eq!(email.key(), "ada@example.com");
    }

    #[test]
    fn what_is_not_an_address_is_refused_with_a_code() {
        let long = format!("{}@{}.{}.{}.com", "a".repeat(64), "b".repeat(63), "c".repeat(63), "d".repeat(63));
        for (raw, code) in [
            ("", "too_short"),
            ("ada", "email"),
            ("ada@", "email"),
            ("a b@example.com", "email"),
            ("ada\0@example.com", "control_character"),
            (long.as_str(), "too_long"),
        ] {
            assert_eq!(EmailAddress::parse(raw).unwrap_err().code, code, "{raw:?}");
        }
    }
}
