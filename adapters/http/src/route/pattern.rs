//! The pattern of a path, such as `/v1/persons/{id}` or `/doc/{*rest}`.

use percent_encoding::percent_decode_str;

/// See the module.
pub(super) struct Pattern {
    segments: Vec<Segment>,
}

enum Segment {
    Literal(String),
    /// `{name}`: one segment, not empty.
    One(String),
    /// `{*name}`, last: whatever is left, with its slashes.
    Rest(String),
}

impl Pattern {
    pub(super) fn new(path: &str) -> Self {
        let segment = |s: &str| match s.strip_prefix('{').and_then(|s| s.strip_suffix('}')) {
            None => Segment::Literal(s.to_owned()),
            Some(name) => match name.strip_prefix('*') {
                None => Segment::One(name.to_owned()),
                Some(name) => Segment::Rest(name.to_owned()),
            },
        };
        Self { segments: path.trim_start_matches('/').split('/').map(segment).collect() }
    }

    /// The literal segments that it starts with, at most two: routes are grouped by them.
    pub(super) fn prefix(&self) -> Vec<String> {
        let literal = |segment: &Segment| match segment {
            Segment::Literal(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        self.segments.iter().map_while(literal).take(2).collect()
    }

    /// Sorts `/v1/persons/imports` before `/v1/persons/{id}`: what says more of a path is tried first.
    pub(super) fn openness(&self) -> Vec<u8> {
        let openness = |segment: &Segment| match segment {
            Segment::Literal(_) => 0,
            Segment::One(_) => 1,
            Segment::Rest(_) => 2,
        };
        self.segments.iter().map(openness).collect()
    }

    /// The place of the parameter `name` among all parameters.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        let names = self.segments.iter().filter_map(|segment| match segment {
            Segment::Literal(_) => None,
            Segment::One(name) | Segment::Rest(name) => Some(name),
        });
        names.into_iter().position(|known| known == name)
    }

    /// The values of the parameters, decoded, if `path` is of this pattern. Literal segments are compared as sent.
    pub(super) fn matches(&self, path: &str) -> Option<Vec<String>> {
        let decoded = |raw: &str| percent_decode_str(raw).decode_utf8_lossy().into_owned();
        let mut rest = Some(path.strip_prefix('/')?);
        let mut params = Vec::new();
        for segment in &self.segments {
            let left = rest?;
            if let Segment::Rest(_) = segment {
                params.push(decoded(left));
                return Some(params);
            }
            let (first, after) =
                left.split_once('/').map_or((left, None), |(first, after)| (first, Some(after)));
            match segment {
                Segment::Literal(text) if text == first => {}
                Segment::One(_) if !first.is_empty() => params.push(decoded(first)),
                _ => return None,
            }
            rest = after;
        }
        rest.is_none().then_some(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(pattern: &str, path: &str) -> Option<Vec<String>> {
        Pattern::new(pattern).matches(path)
    }

    #[test]
    fn a_path_matches_as_a_whole_or_not_at_all() {
        assert_eq!(matched("/v1/persons", "/v1/persons"), Some(vec![]));
        for other in
            ["/v1", "/v1/persons/", "/v1/persons/1", "/v1//persons", "//v1/persons", "v1/persons", "", "/"]
        {
            assert_eq!(matched("/v1/persons", other), None, "{other:?}");
        }
        assert_eq!(matched("/", "/"), Some(vec![]));
    }

    #[test]
    fn parameters_are_decoded_and_not_empty() {
        let pattern = Pattern::new("/v1/persons/{id}/x/{name}");
        assert_eq!(pattern.matches("/v1/persons/a%20b/x/%2F"), Some(vec!["a b".to_owned(), "/".to_owned()]));
        assert_eq!(pattern.matches("/v1/persons//x/1"), None);
        assert_eq!(
            (pattern.position("id"), pattern.position("name"), pattern.position("x")),
            (Some(0), Some(1), None)
        );
    }

    #[test]
    fn a_rest_takes_its_slashes_and_may_be_empty() {
        assert_eq!(matched("/doc/{*rest}", "/doc/a/b.css"), Some(vec!["a/b.css".to_owned()]));
        assert_eq!(matched("/doc/{*rest}", "/doc/"), Some(vec![String::new()]));
        assert_eq!(matched("/doc/{*rest}", "/doc"), None);
    }

    #[test]
    fn what_is_literal_comes_before_what_is_open() {
        let mut patterns = ["/doc/{*rest}", "/doc/{page}/x", "/doc/{page}", "/doc/files", "/doc"];
        patterns.sort_by_key(|pattern| Pattern::new(pattern).openness());
        assert_eq!(patterns, ["/doc", "/doc/files", "/doc/{page}", "/doc/{page}/x", "/doc/{*rest}"]);
    }

    #[test]
    fn the_prefix_is_literal_and_short() {
        assert_eq!(Pattern::new("/v1/persons/{id}").prefix(), ["v1", "persons"]);
        assert_eq!(Pattern::new("/doc/{*rest}").prefix(), ["doc"]);
        assert!(Pattern::new("/").prefix().is_empty());
    }
}
