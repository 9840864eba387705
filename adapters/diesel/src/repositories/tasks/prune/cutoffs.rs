//! Until when what has ended is kept.

use super::Row;
use crate::types::{At, Id};
use application::Expiry;
use chrono::{DateTime, Utc};
use domain::TaskState;
use uuid::Uuid;

/// What ended before these instants may go.
pub(super) struct Cutoffs(Vec<(TaskState, DateTime<Utc>)>);

impl From<&Expiry> for Cutoffs {
    fn from(expired: &Expiry) -> Self {
        let terminal = |(state, _): &&(TaskState, DateTime<Utc>)| state.is_terminal();
        Self(expired.before.iter().filter(terminal).copied().collect())
    }
}

impl Cutoffs {
    /// The epoch for a state that stays for ever.
    pub(super) fn of(&self, state: TaskState) -> At {
        let known = self.0.iter().find(|(known, _)| *known == state);
        known.map_or(DateTime::UNIX_EPOCH, |(_, before)| *before).into()
    }

    /// Nothing goes that is younger than this.
    pub(super) fn last(&self) -> DateTime<Utc> {
        self.0.iter().map(|(_, before)| *before).max().unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// A UUIDv7 begins with the milliseconds of its time (RFC 9562, section 5.7): no task that may go has an id beyond this.
    pub(super) fn end(&self) -> Id {
        let milliseconds = u128::try_from(self.last().timestamp_millis()).unwrap_or(0);
        Id(Uuid::from_u128((milliseconds + 1) << 80))
    }

    /// Whether tasks that belong together may go: by the last end and the longest retention among them.
    pub(super) fn have_all_passed(&self, rows: &[Row]) -> bool {
        let ends = rows.iter().map(|row| row.finished_at.map(DateTime::from));
        let kept = rows.iter().map(|row| {
            TaskState::parse(&row.state).map_or(DateTime::UNIX_EPOCH, |state| self.of(state).into())
        });
        let all_ended = rows.iter().all(|row| row.finished_at.is_some());
        all_ended && ends.flatten().max() < kept.min()
    }
}
