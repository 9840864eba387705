//! What happened in the last hour, minute by minute.

use application::Minute;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use domain::QueueName;

/// How many minutes are shown.
pub(super) const MINUTES: usize = 60;

/// The last minutes, oldest first; the last one is not over yet.
pub(super) struct Hour {
    /// Of the first minute.
    begin: DateTime<Utc>,
    minutes: Vec<Tally>,
}

/// Ends of runs, counted. See [`Minute`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) succeeded: u64,
    pub(super) failed: u64,
    pub(super) retried: u64,
    waited_us: u64,
    ran_us: u64,
}

impl Hour {
    /// Since when figures are needed.
    pub(super) fn begin(now: DateTime<Utc>) -> DateTime<Utc> {
        let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        minute - TimeDelta::minutes(MINUTES as i64 - 1)
    }

    /// Of `queue`, or of all queues together.
    pub(super) fn new(figures: &[Minute], queue: Option<&QueueName>, now: DateTime<Utc>) -> Self {
        let begin = Self::begin(now);
        let mut minutes = vec![Tally::default(); MINUTES];
        for figure in figures.iter().filter(|figure| queue.is_none_or(|queue| *queue == figure.queue)) {
            let place = usize::try_from((figure.minute - begin).num_minutes()).ok();
            // Another host's clock may be ahead by a minute; what is older than an hour is on its way out.
            let Some(tally) = place.and_then(|place| minutes.get_mut(place)) else { continue };
            tally.add(&Tally::from(figure));
        }
        Self { begin, minutes }
    }

    /// All minutes with their beginnings.
    pub(super) fn minutes(&self) -> impl Iterator<Item = (DateTime<Utc>, &Tally)> {
        (0..).map(|n| self.begin + TimeDelta::minutes(n)).zip(&self.minutes)
    }

    /// All minutes together.
    pub(super) fn sum(&self) -> Tally {
        let mut sum = Tally::default();
        self.minutes.iter().for_each(|tally| sum.add(tally));
        sum
    }
}

impl Tally {
    /// How many runs ended, each in one of three ways.
    pub(super) fn runs(&self) -> u64 {
        self.succeeded + self.failed + self.retried
    }

    /// How long a run waited for a worker, in microseconds; none without runs.
    pub(super) fn mean_wait(&self) -> Option<f64> {
        (self.runs() > 0).then(|| self.waited_us as f64 / self.runs() as f64)
    }

    /// How long a run took, in microseconds; none without runs.
    pub(super) fn mean_run(&self) -> Option<f64> {
        (self.runs() > 0).then(|| self.ran_us as f64 / self.runs() as f64)
    }

    fn add(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.retried += other.retried;
        self.waited_us += other.waited_us;
        self.ran_us += other.ran_us;
    }
}

impl From<&Minute> for Tally {
    fn from(minute: &Minute) -> Self {
        let Minute { succeeded, failed, retried, waited_us, ran_us, .. } = *minute;
        Self { succeeded, failed, retried, waited_us, ran_us }
    }
}
