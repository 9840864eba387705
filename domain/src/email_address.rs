//! E-mail addresses: kept as typed, compared without regard to case.

use crate::{Violation, text};

/// A valid address: words joined by single dots, `@`, and a host name, all ASCII (RFC 5321, section 4.1.2, without its
/// quoted strings and address literals, which nobody has); at most 64 characters before the `@` and 254 in all (section
/// 4.5.3.1, with erratum 1690). International host names are written in their ASCII form, as browsers send them.
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
        if !is_valid(&typed) {
            return Err(Violation::new("email", "must be an e-mail address such as ada@example.com"));
        }
        let key = typed.to_ascii_lowercase();
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

/// By hand, since every row that is read passes here and validator's two regular expressions cost forty times as much.
fn is_valid(address: &str) -> bool {
    let Some((local, host)) = address.split_once('@') else { return false };
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b))
    };
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    local.len() <= 64 && local.split('.').all(is_atom) && host.split('.').all(is_label)
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
    fn what_mail_servers_accept_is_accepted() {
        for raw in ["a@b", "ada.l+x@sub.example.com", "!#$%&'*+/=?^_`{|}~-@x--y.z9", "x.y@1.2"] {
            assert_eq!(EmailAddress::parse(raw).unwrap().as_str(), raw);
        }
        let longest_parts = format!("{}@{}.com", "a".repeat(64), "b".repeat(63));
        assert!(EmailAddress::parse(&longest_parts).is_ok());
    }

    #[test]
    fn what_is_not_an_address_is_refused_with_a_code() {
        let long = format!("{}@{}.{}.{}.com", "a".repeat(64), "b".repeat(63), "c".repeat(63), "d".repeat(63));
        for (raw, code) in [
            ("", "too_short"),
            ("ada", "email"),
            ("ada@", "email"),
            ("@example.com", "email"),
            ("a b@example.com", "email"),
            (".ada@example.com", "email"),
            ("ada.@example.com", "email"),
            ("a..da@example.com", "email"),
            ("ada@-example.com", "email"),
            ("ada@example-.com", "email"),
            ("ada@example..com", "email"),
            ("ada@b@example.com", "email"),
            ("ada@exämple.com", "email"),
            ("ädä@example.com", "email"),
            ("ada\0@example.com", "control_character"),
            (long.as_str(), "too_long"),
        ] {
            assert_eq!(EmailAddress::parse(raw).unwrap_err().code, code, "{raw:?}");
        }
    }
}
