//! Entity tags and the conditions on them (RFC 9110, sections 8.8.3 and 13.1).

use domain::Version;
use http::{HeaderMap, header};

/// The strong tag of a version: the version number in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntityTag(pub(crate) Version);

/// What `If-Match` demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Nothing; the header is missing.
    Absent,
    /// That the resource exists.
    Any,
    /// That its version is one of these. Weak tags never match (RFC 9110, section 13.1.1), nor do those we never made.
    OneOf(Vec<Version>),
}

impl EntityTag {
    /// As it stands in a header.
    pub(crate) fn text(self) -> String {
        format!("\"{}\"", self.0.number())
    }
}

/// Reads `If-Match`, all lines of it. A malformed list demands what no version fulfils.
pub(crate) fn if_match(headers: &HeaderMap) -> IfMatch {
    let lines: Vec<_> = headers.get_all(header::IF_MATCH).iter().collect();
    match lines.as_slice() {
        [] => IfMatch::Absent,
        [only] if only.as_bytes().trim_ascii() == b"*" => IfMatch::Any,
        lines => {
            let lists: Option<Vec<_>> = lines.iter().map(|line| tags(line.to_str().ok()?)).collect();
            let tags = lists.unwrap_or_default().into_iter().flatten();
            IfMatch::OneOf(tags.filter(|(weak, _)| !weak).filter_map(|(_, tag)| version(tag)).collect())
        }
    }
}

/// Whether `If-None-Match` names `tag`: the client has this version already. Compares weakly, as it must (RFC 9110,
/// section 13.1.2).
pub(crate) fn none_match(headers: &HeaderMap, EntityTag(known): EntityTag) -> bool {
    let lines = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    let names = |line| tags(line).unwrap_or_default().iter().any(|(_, tag)| version(tag) == Some(known));
    lines.into_iter().any(|line| line.trim() == "*" || names(line))
}

/// The tags of a list with whether each is weak; none if anything in it is malformed.
fn tags(line: &str) -> Option<Vec<(bool, &str)>> {
    let mut tags = Vec::new();
    let mut rest = line.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let weak = rest.starts_with("W/");
        let (tag, after) = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        tags.push((weak, tag));
        rest = after.trim_start_matches([' ', '\t']);
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start_matches([' ', '\t', ',']);
        }
    }
    Some(tags)
}

/// The version that `tag` was made of.
fn version(tag: &str) -> Option<Version> {
    let number = tag.parse::<i64>().ok().filter(|number| number.to_string() == tag)?;
    Version::new(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(name: http::HeaderName, lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), HeaderValue::from_static(line))).collect()
    }

    fn versions(lines: &[&'static str]) -> Vec<i64> {
        match if_match(&headers(header::IF_MATCH, lines)) {
            IfMatch::OneOf(versions) => versions.iter().map(|v| v.number()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn if_match_is_absent_any_or_a_list() {
        assert_eq!(if_match(&HeaderMap::new()), IfMatch::Absent);
        assert_eq!(if_match(&headers(header::IF_MATCH, &[" * "])), IfMatch::Any);
        assert_eq!(versions(&["\"1\""]), [1]);
        assert_eq!(versions(&["\"1\", \"x,y\" ,\"3\"", "\"4\""]), [1, 3, 4]);
    }

    #[test]
    fn weak_and_malformed_tags_never_match_a_write() {
        for line in ["W/\"1\"", "1", "\"1", "", "\"01\"", "\"+1\"", "\"0\"", "\"-1\"", "\"1.0\"", "*, \"1\""]
        {
            let line: &'static str = line;
            assert_eq!(versions(&[line]), Vec::<i64>::new(), "{line}");
        }
    }

    #[test]
    fn a_list_with_anything_malformed_in_it_matches_no_write() {
        for line in ["\"1\" \"99\"", "\"1\";x", "\"1\" junk", "\"1\",*", "\"1\"\"2\"", "\"1\", 2"] {
            assert_eq!(versions(&[line]), Vec::<i64>::new(), "{line}");
            assert_eq!(versions(&["\"3\"", line]), Vec::<i64>::new(), "{line} on a second line");
        }
        assert_eq!(
            versions(&[" ,\"1\" , ,\"2\"\t,"]),
            [1, 2],
            "empty items are no fault (RFC 9110, section 5.6.1)"
        );
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let tag = EntityTag(Version::FIRST.next());
        let known = |line| none_match(&headers(header::IF_NONE_MATCH, &[line]), tag);
        for line in ["\"2\"", "W/\"2\"", "\"1\", W/\"2\"", "*"] {
            assert!(known(line), "{line}");
        }
        for line in ["\"1\"", "2", "\"2", ""] {
            assert!(!known(line), "{line}");
        }
    }
}
