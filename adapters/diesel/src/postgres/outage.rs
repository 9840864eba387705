//! In an outage each attempt to connect fails, and a line for each would bury the rest of the log: one in ten seconds passes,
//! and says how many did not.

use slog::Logger;
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const PAUSE: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    suppressed: u64,
}

impl Outage {
    /// Says that there is no connection for `whom`, and why.
    pub(super) fn tell(&self, log: &Logger, whom: &'static str, reason: &str) {
        if let Some(suppressed) = self.pass(Instant::now()) {
            slog::warn!(log, "no connection to the database"; "for" => whom, "reason" => reason,
                "suppressed" => suppressed);
        }
    }

    /// How many lines were left out since the last one that passed, if this one may pass.
    fn pass(&self, now: Instant) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if said.last.is_some_and(|last| now.saturating_duration_since(last) < PAUSE) {
            said.suppressed += 1;
            return None;
        }
        said.last = Some(now);
        Some(std::mem::take(&mut said.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_in_ten_seconds_passes_and_tells_how_many_did_not() {
        let (outage, start) = (Outage::default(), Instant::now());
        let passed = [0, 1, 9, 10, 11, 30].map(|seconds| outage.pass(start + Duration::from_secs(seconds)));
        assert_eq!(passed, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
