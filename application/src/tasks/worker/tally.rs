//! Ends of runs by queue and minute, carried to the ledger by each renewal: from these figures come the charts.

use super::core::locked;
use crate::Minute;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::QueueName;
use std::{collections::BTreeMap, sync::Mutex, time::Duration};

/// What became of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Succeeded,
    Retried,
    Failed,
    Cancelled,
    Released,
}

impl Outcome {
    /// As metrics and log lines say it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Retried => "retried",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Released => "released",
        }
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Tally(Mutex<BTreeMap<(QueueName, DateTime<Utc>), Minute>>);

impl Tally {
    /// One run has ended at `now`. One that is to be run again as if it had not been is no run, nor is one that somebody
    /// did not want.
    pub(super) fn count(
        &self,
        queue: &QueueName,
        now: DateTime<Utc>,
        outcome: Outcome,
        waited: Duration,
        ran: Duration,
    ) {
        let mut minute = empty(queue, now);
        match outcome {
            Outcome::Succeeded => minute.succeeded = 1,
            Outcome::Failed => minute.failed = 1,
            Outcome::Retried => minute.retried = 1,
            Outcome::Cancelled | Outcome::Released => return,
        }
        minute.waited_us = micros(waited);
        minute.ran_us = micros(ran);
        self.add(minute);
    }

    /// A task has failed at `now` without a run of this worker.
    pub(super) fn count_lost(&self, queue: &QueueName, now: DateTime<Utc>) {
        self.add(Minute { failed: 1, ..empty(queue, now) });
    }

    /// All figures; the tally is empty afterwards.
    pub(super) fn take(&self) -> Vec<Minute> {
        std::mem::take(&mut *locked(&self.0)).into_values().collect()
    }

    /// Figures that could not be carried away.
    pub(super) fn give_back(&self, minutes: Vec<Minute>) {
        minutes.into_iter().for_each(|minute| self.add(minute));
    }

    fn add(&self, minute: Minute) {
        let mut minutes = locked(&self.0);
        let sum = minutes
            .entry((minute.queue.clone(), minute.minute))
            .or_insert_with(|| empty(&minute.queue, minute.minute));
        sum.succeeded += minute.succeeded;
        sum.failed += minute.failed;
        sum.retried += minute.retried;
        sum.waited_us += minute.waited_us;
        sum.ran_us += minute.ran_us;
    }
}

fn empty(queue: &QueueName, at: DateTime<Utc>) -> Minute {
    let minute = at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at);
    let queue = queue.clone();
    Minute { queue, minute, succeeded: 0, failed: 0, retried: 0, waited_us: 0, ran_us: 0 }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{tasks::testing::queue, testing::at};

    #[test]
    fn runs_are_counted_by_queue_and_minute() {
        let (tally, second) = (Tally::default(), Duration::from_secs(1));
        tally.count(&queue("a"), at(59), Outcome::Succeeded, second, second * 2);
        tally.count(&queue("a"), at(1), Outcome::Failed, second, second);
        tally.count(&queue("a"), at(60), Outcome::Retried, second, second);
        tally.count_lost(&queue("b"), at(61));
        let taken = tally.take();
        tally.give_back(taken.clone());
        assert_eq!(tally.take(), taken);
        let figures: Vec<_> = taken
            .iter()
            .map(|m| (m.queue.as_str(), m.minute, m.succeeded, m.failed, m.retried, m.waited_us, m.ran_us))
            .collect();
        assert_eq!(
            figures,
            [
                ("a", at(0), 1, 1, 0, 2_000_000, 3_000_000),
                ("a", at(60), 0, 0, 1, 1_000_000, 1_000_000),
                ("b", at(60), 0, 1, 0, 0, 0),
            ]
        );
    }

    #[test]
    fn what_is_given_back_or_cancelled_counts_for_nothing() {
        let (tally, second) = (Tally::default(), Duration::from_secs(1));
        for outcome in [Outcome::Released, Outcome::Cancelled] {
            tally.count(&queue("a"), at(1), outcome, second, second);
        }
        assert_eq!(tally.take(), []);
    }
}
