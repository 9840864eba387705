//! A session: one life of a worker, leased, and trusted a little less long than that.
//!
//! Who keeps it alive is in `keeper.rs`.

use super::core::locked;
use crate::faults::mutant;
use domain::SessionId;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// As long as the mutant trusts.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// See the module. One that is lost stays lost: nothing sets `lost` back, and nothing extends a session past it.
pub(super) struct Session {
    pub(super) id: SessionId,
    trusted_until: Mutex<Instant>,
    lost: AtomicBool,
    over: CancellationToken,
}

impl Session {
    pub(super) fn new(id: SessionId, trusted_until: Instant) -> Self {
        let over = CancellationToken::new();
        Self { id, trusted_until: Mutex::new(trusted_until), lost: AtomicBool::new(false), over }
    }

    /// Whether anything may be started and finished under it: nobody else can have taken its tasks yet. The clock is the
    /// local one that never jumps; it was read before the ledger was asked, so that it cannot be ahead.
    pub(super) fn is_trusted(&self) -> bool {
        !self.lost.load(Ordering::Acquire) && Instant::now() < self.trusted_until()
    }

    /// When trust ends, unless it is extended.
    pub(super) fn trusted_until(&self) -> Instant {
        if mutant("no_session_check") { Instant::now() + FOR_EVER } else { *locked(&self.trusted_until) }
    }

    /// Trusts it up to `until`, if it is trusted still.
    pub(super) fn extend(&self, until: Instant) {
        if self.is_trusted() {
            *locked(&self.trusted_until) = until;
        }
    }

    /// It is another's by now, or nobody's. Whatever runs under it stops, and what that answers is dropped.
    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::Release);
        self.over.cancel();
    }

    /// Whatever runs under it stops, to be given back.
    pub(super) fn halt(&self) {
        self.over.cancel();
    }

    /// Ends once what runs has to stop at its next await.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(seconds: u64) -> Session {
        Session::new(SessionId(uuid::Uuid::nil()), Instant::now() + Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn trust_ends_by_the_local_clock_and_never_comes_back() {
        let session = session(50);
        tokio::time::advance(Duration::from_secs(49)).await;
        assert!(session.is_trusted());
        session.extend(Instant::now() + Duration::from_secs(2));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!session.is_trusted());
        session.extend(Instant::now() + Duration::from_secs(50));
        assert!(!session.is_trusted(), "an answer that came too late does not revive it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_session_stops_what_runs() {
        let session = session(50);
        session.lose();
        session.over().await;
        assert!(!session.is_trusted());
    }

    #[tokio::test(start_paused = true)]
    async fn a_halted_session_stops_what_runs_and_is_still_trusted() {
        let session = session(50);
        session.halt();
        session.over().await;
        assert!(session.is_trusted());
    }
}
