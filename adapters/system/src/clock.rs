//! The clock of this host.

use application::{Clock, faults};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// UTC, to the microsecond.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> DateTime<Utc> {
        (Utc::now() + pretended_error()).trunc_subsecs(6)
    }
}

/// By how much the fault tests let this host's clock be wrong.
fn pretended_error() -> TimeDelta {
    let seconds = faults::value("host_clock_offset_seconds").and_then(|seconds| seconds.parse().ok());
    seconds.and_then(TimeDelta::try_seconds).unwrap_or_default()
}
