//! How long to leave a server alone that does not work.

use std::time::Duration;

/// Twice as long after each failure, up to a limit.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    first: Duration,
    limit: Duration,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(first: Duration, limit: Duration) -> Self {
        Self { first, limit, failures: 0 }
    }

    /// After a failure: the time until the next attempt.
    pub(super) fn failed(&mut self) -> Duration {
        let doubled = 2_u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.first.saturating_mul(doubled).min(self.limit)
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_limit_and_begins_anew_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(10));
        let pauses: Vec<u64> = (0..40).map(|_| backoff.failed().as_secs()).collect();
        assert_eq!(pauses[..6], [1, 2, 4, 8, 10, 10]);
        assert_eq!(pauses[39], 10);
        backoff.succeeded();
        assert_eq!(backoff.failed().as_secs(), 1);
    }
}
