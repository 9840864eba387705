//! Whether the ledger answers: told to the log when it stops and when it starts again, and to who must not draw
//! conclusions from silence.

use super::core::locked;
use crate::{Error, chain};
use slog::Logger;
use std::{sync::Mutex, time::Duration};
use tokio::time::Instant;

/// While it lasts, an outage is told of once in so long.
const SAID: Duration = Duration::from_secs(10);

/// See the module.
pub(in crate::tasks) struct Reach {
    log: Logger,
    outage: Mutex<Outage>,
}

#[derive(Default)]
struct Outage {
    /// When it could last not be reached.
    failed: Option<Instant>,
    /// When the log was last told, in this outage.
    said: Option<Instant>,
}

impl Reach {
    pub(in crate::tasks) fn new(log: Logger) -> Self {
        Self { log, outage: Mutex::default() }
    }

    /// `doing` has failed on the connections that nothing else can use up: nobody may be able to renew a lease now.
    pub(super) fn lost(&self, doing: &'static str, error: &Error) {
        if matches!(error, Error::Unavailable { .. }) {
            locked(&self.outage).failed = Some(Instant::now());
        }
        self.failed(doing, error);
    }

    /// `doing` has failed.
    pub(in crate::tasks) fn failed(&self, doing: &'static str, error: &Error) {
        let now = Instant::now();
        let mut outage = locked(&self.outage);
        if outage.said.is_none_or(|said| now - said >= SAID) {
            outage.said = Some(now);
            drop(outage);
            slog::warn!(self.log, "cannot {doing}"; "error" => chain(error));
        }
    }

    /// Something has succeeded.
    pub(in crate::tasks) fn succeeded(&self) {
        if locked(&self.outage).said.take().is_some() {
            slog::info!(self.log, "the ledger answers again");
        }
    }

    /// Whether it could not be reached within this time.
    pub(super) fn was_away_within(&self, time: Duration) -> bool {
        locked(&self.outage).failed.is_some_and(|failed| failed.elapsed() < time)
    }
}
