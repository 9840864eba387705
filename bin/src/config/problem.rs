//! What is wrong with a configuration: everything at once, each with where it stands and what would be right.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key or the variable.
    pub(super) subject: String,
    /// What would be right. Never the value of a secret.
    pub(super) message: String,
    /// Where the value came from, if that is not the subject itself.
    pub(super) origin: Option<String>,
}

/// All of them, each once.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Problems(pub(super) Vec<Problem>);

impl Problems {
    /// One after the other.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// One more.
    pub(super) fn add(&mut self, subject: impl Into<String>, message: impl Into<String>) {
        self.add_from(subject, message, "");
    }

    /// One more, about a value that came from `origin`. What is known already is not told again.
    pub(super) fn add_from(
        &mut self,
        subject: impl Into<String>,
        message: impl Into<String>,
        origin: impl Into<String>,
    ) {
        let origin = Some(origin.into()).filter(|origin| !origin.is_empty());
        let problem = Problem { subject: subject.into(), message: message.into(), origin };
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.message)?;
        self.origin.as_ref().map_or(Ok(()), |origin| write!(f, " ({origin})"))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "the configuration has {count} {}:", if count == 1 { "error" } else { "errors" })?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

/// The candidate that was most likely meant by `word`.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let most = (word.len() / 4).clamp(1, 3);
    let scored = candidates.into_iter().map(|candidate| (distance(word, candidate), candidate));
    scored.filter(|(distance, _)| *distance <= most).min().map(|(_, candidate)| candidate)
}

/// How many characters have to be inserted, removed, replaced or swapped with their neighbour (Levenshtein's distance
/// with transpositions).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    let at = |rows: &[Vec<usize>], i: usize, j: usize| {
        rows.get(i).and_then(|row| row.get(j)).copied().unwrap_or(usize::MAX / 2)
    };
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let replaced = at(&rows, i, j) + usize::from(from != to);
            let removed = at(&rows, i, j + 1) + 1;
            let inserted = row.last().copied().unwrap_or_default() + 1;
            let swapped = match (i.checked_sub(1), j.checked_sub(1)) {
                (Some(i), Some(j)) if a.get(i) == Some(to) && b.get(j) == Some(from) => at(&rows, i, j) + 1,
                _ => usize::MAX,
            };
            row.push(replaced.min(removed).min(inserted).min(swapped));
        }
        rows.push(row);
    }
    at(&rows, a.len(), b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_what_was_meant() {
        let keys = ["http.port", "http.host", "log.level"];
        assert_eq!(nearest("http.prot", keys), Some("http.port"));
        assert_eq!(nearest("log.levle", keys), Some("log.level"));
        assert_eq!(nearest("http.timeout", keys), None);
        assert_eq!(distance("", "abc"), 3);
    }
}
