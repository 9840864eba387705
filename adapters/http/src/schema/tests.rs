//! The patterns say what the domain does.

use super::*;
use regex::Regex;

#[test]
fn a_name_matches_its_pattern_exactly_if_the_domain_takes_it() {
    let pattern = Regex::new(LINE).unwrap();
    let spaces = "\t\n\u{b}\u{c}\r \u{85}\u{a0}\u{1680}\u{2000}\u{2005}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";
    let mut names: Vec<String> =
        ["", "a", "Ada Lovelace", "a\tb", "é", "\u{200b}", "a\u{85}b", "a\u{a0}b", "\u{feff}"]
            .map(str::to_owned)
            .into();
    names.extend([spaces.to_owned(), format!("{spaces}a{spaces}"), format!("a{spaces}b")]);
    names.extend((0..=0x3001).filter_map(char::from_u32).map(String::from));
    for name in names {
        assert_eq!(pattern.is_match(&name), domain::PersonName::parse(&name).is_ok(), "{name:?}");
    }
}

#[test]
fn an_email_address_matches_its_pattern_exactly_if_the_domain_takes_it() {
    let pattern = Regex::new(EMAIL).unwrap();
    let longest = format!("{}@{}.com", "a".repeat(64), "b".repeat(63));
    let beyond = format!("a@{}.com", "b".repeat(64));
    for email in [
        "ada@example.com",
        "a@b",
        "a.b+c@x.y.z",
        "!#$%&'*+/=?^_`{|}~-@x--y.z9",
        &longest,
        &beyond,
        "",
        "a",
        "@b",
        "a@",
        ".a@b",
        "a.@b",
        "a..b@c",
        "a@-b",
        "a@b-",
        "a@b..c",
        "a@.b",
        "a@b.",
        "a b@c",
        "a@b c",
        "a@b@c",
        "\"a\"@b",
        "a@[::1]",
        "ä@b",
        "a@ä",
        "a@b_c",
    ] {
        assert_eq!(pattern.is_match(email), domain::EmailAddress::parse(email).is_ok(), "{email:?}");
    }
}
