//! When to try again.

use std::time::Duration;

/// Exponential backoff with full jitter: the n-th retry comes after a random part of `base * 2^(n-1)`, at most `cap`, so
/// that those who failed together do not come back together (Amazon Builders' Library, "Timeouts, retries, and backoff
/// with jitter").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The longest delay of the first retry.
    pub base: Duration,
    /// The longest delay of all.
    pub cap: Duration,
}

impl RetryPolicy {
    /// 2 s, doubling up to 10 min.
    pub const DEFAULT: Self = Self { base: Duration::from_secs(2), cap: Duration::from_secs(600) };

    /// The longest delay after the run number `attempt` (from 1).
    pub fn longest(&self, attempt: u32) -> Duration {
        let doubled = 2u32.checked_pow(attempt.saturating_sub(1)).and_then(|n| self.base.checked_mul(n));
        doubled.unwrap_or(self.cap).min(self.cap)
    }

    /// The delay after the run number `attempt`; `chance` is 0 to 1.
    pub fn delay(&self, attempt: u32, chance: f64) -> Duration {
        self.longest(attempt).mul_f64(chance.clamp(0.0, 1.0))
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::DEFAULT
    }
}
