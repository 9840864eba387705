//! A word about what was just done, shown once on the page that comes after it.

use super::cookies;
use crate::call::Call;
use http::HeaderMap;

const COOKIE: &str = "plinth_done";

/// How long the next page may take, in seconds.
const AGE: u32 = 20;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flash {
    Cancelled,
    AskedToEnd,
    Retried,
    Scheduled,
}

impl Flash {
    const ALL: [Self; 4] = [Self::Cancelled, Self::AskedToEnd, Self::Retried, Self::Scheduled];

    /// For a person.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Cancelled => "The task is cancelled.",
            Self::AskedToEnd => "The task runs, and its worker is asked to end it.",
            Self::Retried => "The task is queued again, with a new budget of attempts.",
            Self::Scheduled => "The task of the schedule is queued.",
        }
    }

    /// For the next page of the browser.
    pub(super) fn leave(self, call: &Call, headers: &mut HeaderMap) {
        cookies::set(call, headers, COOKIE, self.word(), Some(AGE));
    }

    /// What the last page has left, which is then forgotten.
    pub(super) fn take(call: &Call, headers: &mut HeaderMap) -> Option<Self> {
        let word = cookies::get(call, COOKIE)?;
        cookies::set(call, headers, COOKIE, "", Some(0));
        Self::ALL.into_iter().find(|flash| flash.word() == word)
    }

    fn word(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::AskedToEnd => "asked",
            Self::Retried => "retried",
            Self::Scheduled => "scheduled",
        }
    }
}
