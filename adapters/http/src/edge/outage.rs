//! In an outage every request fails, and a line for each would bury the rest of the log: one in a second passes.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// See the module.
pub(crate) struct Outage {
    started: Instant,
    /// When the next line may pass, in milliseconds since `started`.
    next: AtomicU64,
    suppressed: AtomicU64,
}

const PAUSE_MS: u64 = 1000;

impl Outage {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), next: AtomicU64::new(0), suppressed: AtomicU64::new(0) }
    }

    /// How many lines were left out since the last one that passed, if this one may pass.
    pub(crate) fn pass(&self) -> Option<u64> {
        self.pass_at(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    fn pass_at(&self, now: u64) -> Option<u64> {
        let next = self.next.load(Relaxed);
        let is_first =
            || self.next.compare_exchange(next, now.saturating_add(PAUSE_MS), Relaxed, Relaxed).is_ok();
        if now >= next && is_first() {
            return Some(self.suppressed.swap(0, Relaxed));
        }
        self.suppressed.fetch_add(1, Relaxed);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_a_second_passes_and_tells_how_many_did_not() {
        let outage = Outage::new();
        let passed = [5, 6, 1004, 1005, 1006, 9000].map(|now| outage.pass_at(now));
        assert_eq!(passed, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
