//! Who supervises the handlers: one that does not yield cannot be dropped, but the task need not wait for it.

use super::{core::Core, ends, run::circumstances, slots::Entry};
use crate::tasks::metrics;
use std::sync::Arc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// Looks again and again until `closing`.
pub(super) async fn run(core: Arc<Core>, closing: CancellationToken) {
    while !closing.is_cancelled() {
        let entries = core.slots.entries();
        metrics::running(entries.len());
        for entry in entries {
            look(&core, &entry);
        }
        tokio::select! {
            () = closing.cancelled() => {}
            () = sleep(core.settings.poll) => {}
        }
    }
    metrics::running(core.slots.len());
}

/// Past its time, a handler can still see its token and end; past the grace after it, the task goes on without it. Its slot
/// stays taken until it ends, for so much of the process it does take.
fn look(core: &Arc<Core>, entry: &Arc<Entry>) {
    let now = Instant::now();
    if now < entry.deadline() {
        return;
    }
    entry.run.cancel.cancel();
    let overdue = now >= entry.deadline() + core.settings.overdue_grace;
    if overdue && entry.session.is_trusted() && entry.end() {
        entry.give_up();
        let (core, entry) = (core.clone(), entry.clone());
        tokio::spawn(async move {
            let settlement = circumstances(&core, &entry).overdue();
            ends::write_end(&core, &entry, settlement, None).await;
        });
    }
}
