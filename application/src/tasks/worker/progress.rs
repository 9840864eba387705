//! How far a run says it is, carried to the ledger: at most twice a second, and then what was said last.

use super::{core::Core, slots::Entry};
use domain::Progress;
use std::{convert::Infallible, time::Duration};
use tokio::time::Instant;

/// From one write to the next.
const INTERVAL: Duration = Duration::from_millis(500);

/// Goes on until it is dropped.
pub(super) async fn carry(core: &Core, entry: &Entry) -> Infallible {
    let mut said = entry.run.progress.subscribe();
    // The handler has been polled before this is, and may have spoken already.
    if said.borrow().is_some() {
        said.mark_changed();
    }
    loop {
        // The sender is in the entry, so that there always is one.
        let _ = said.changed().await;
        let written = Instant::now();
        let progress = said.borrow_and_update().clone();
        if let Some(progress) = progress.filter(|_| entry.session.is_trusted()) {
            write(core, entry, progress).await;
        }
        tokio::time::sleep_until(written + INTERVAL).await;
    }
}

/// As a task of its own, for a write that has begun is not to be dropped half-way when the run ends.
async fn write(core: &Core, entry: &Entry, progress: Progress) {
    let (ledger, claim) = (core.ledger.clone(), entry.claimed.claim);
    let written = tokio::spawn(async move { ledger.progress(claim, &progress).await });
    match written.await {
        Ok(Ok(Some(true))) => entry.cancel(),
        // Whether the claim holds is found out at the end: the handler may have settled the task and go on.
        Ok(Ok(Some(false) | None)) | Err(_) => {}
        Ok(Err(error)) => core.reach.failed("write the progress of a task", &error),
    }
}
