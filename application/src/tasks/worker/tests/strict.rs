//! A mocked ledger that forgives nothing: a mock that is asked what it does not expect panics, and most of what asks it are
//! tasks of the runtime, whose panics nobody sees. It can also take its time, which a mock cannot.

use super::*;
use crate::{Claim, Claiming, NewSession, Renewal};
use domain::Progress;
use std::{panic::AssertUnwindSafe, sync::Mutex};

pub(super) struct Strict {
    ledger: MockTaskLedger,
    /// Before the first claim is answered.
    delay: Mutex<Duration>,
    unexpected: Mutex<u32>,
}

impl Strict {
    pub(super) fn new(ledger: MockTaskLedger, delay: Duration) -> Self {
        Self { ledger, delay: Mutex::new(delay), unexpected: Mutex::new(0) }
    }

    async fn ask<T>(&self, answer: impl Future<Output = T>) -> T {
        match AssertUnwindSafe(answer).catch_unwind().await {
            Ok(answer) => answer,
            Err(panic) => {
                *locked(&self.unexpected) += 1;
                std::panic::resume_unwind(panic)
            }
        }
    }
}

impl Drop for Strict {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(
                *locked(&self.unexpected),
                0,
                "the ledger was asked what it did not expect: see above"
            );
        }
    }
}

#[async_trait]
impl TaskLedger for Strict {
    async fn open(&self, session: &NewSession) -> Result<(), Error> {
        self.ask(self.ledger.open(session)).await
    }
    async fn renew(&self, renewal: &Renewal) -> Result<Renewed, Error> {
        self.ask(self.ledger.renew(renewal)).await
    }
    async fn close(&self, id: SessionId, now: DateTime<Utc>) -> Result<(), Error> {
        self.ask(self.ledger.close(id, now)).await
    }
    async fn claim(&self, claiming: &Claiming) -> Result<Vec<Claimed>, Error> {
        let claimed = self.ask(self.ledger.claim(claiming)).await;
        let delay = std::mem::take(&mut *locked(&self.delay));
        tokio::time::sleep(delay).await;
        claimed
    }
    async fn has_suspect(&self, queues: &[QueueName], now: DateTime<Utc>) -> Result<bool, Error> {
        self.ask(self.ledger.has_suspect(queues, now)).await
    }
    async fn claim_suspect(&self, claiming: &Claiming) -> Result<Option<Claimed>, Error> {
        self.ask(self.ledger.claim_suspect(claiming)).await
    }
    async fn go_quiet(
        &self,
        session: SessionId,
        queues: &[QueueName],
        now: DateTime<Utc>,
    ) -> Result<bool, Error> {
        self.ask(self.ledger.go_quiet(session, queues, now)).await
    }
    async fn end_quiet(&self, session: SessionId) -> Result<(), Error> {
        self.ask(self.ledger.end_quiet(session)).await
    }
    async fn held(&self, session: SessionId) -> Result<Vec<Claim>, Error> {
        self.ask(self.ledger.held(session)).await
    }
    async fn finish(&self, finished: &[Finished], now: DateTime<Utc>) -> Result<Vec<bool>, Error> {
        self.ask(self.ledger.finish(finished, now)).await
    }
    async fn settle(&self, settlement: &Settlement) -> Result<Settled, Error> {
        self.ask(self.ledger.settle(settlement)).await
    }
    async fn progress(&self, claim: Claim, said: &Progress) -> Result<Option<bool>, Error> {
        self.ask(self.ledger.progress(claim, said)).await
    }
    async fn reclaim(&self, now: DateTime<Utc>, lease: Duration, limit: u32) -> Result<Reclaimed, Error> {
        self.ask(self.ledger.reclaim(now, lease, limit)).await
    }
}
