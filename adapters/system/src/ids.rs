//! UUIDv7 ids that sort in the order in which they were made.

use application::Ids;
use chrono::{DateTime, Utc};
use std::sync::Mutex;
use uuid::{ContextV7, Timestamp, Uuid};

/// Milliseconds, then a 42-bit counter, then chance (RFC 9562, section 6.2, method 1). One per process: two of them
/// count apart. An instant before 1970 or before the previous one is taken for the previous one, so that a clock that
/// was set back makes no id that sorts in front of those already given out.
pub struct SystemIds {
    context: Mutex<ContextV7>,
}

impl Default for SystemIds {
    fn default() -> Self {
        Self { context: Mutex::new(ContextV7::new()) }
    }
}

impl Ids for SystemIds {
    fn next(&self, now: DateTime<Utc>) -> Uuid {
        let seconds = u64::try_from(now.timestamp()).unwrap_or(0);
        Uuid::new_v7(Timestamp::from_unix(&self.context, seconds, now.timestamp_subsec_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn ids_sort_in_the_order_in_which_they_were_made() {
        let ids = SystemIds::default();
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let made: Vec<Uuid> = (0..10_000).map(|i| ids.next(now + TimeDelta::microseconds(i))).collect();
        assert!(made.is_sorted_by(|a, b| a < b));
        assert!(made.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn an_id_starts_with_the_instant_it_was_made_at() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_700_000_000_123);
        let (seconds, nanos) = SystemIds::default().next(now).get_timestamp().unwrap().to_unix();
        assert_eq!((seconds, nanos / 1_000_000), (1_700_000_000, 123));
    }

    #[test]
    fn a_clock_set_back_makes_no_earlier_id() {
        let ids = SystemIds::default();
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let first = ids.next(now);
        assert!(ids.next(now - TimeDelta::seconds(5)) > first);
    }
}
