//! Who takes what dead sessions hold: any worker, every few seconds. Idempotent, and without memory.

use super::{core::Core, tally::Outcome};
use crate::{Lost, Reclaimed, tasks::metrics};
use domain::FaultCode;
use std::sync::Arc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How many tasks in one transaction.
const BATCH: u32 = 100;

/// Reclaims again and again until `closing`.
pub(super) async fn run(core: Arc<Core>, closing: CancellationToken) {
    while !closing.is_cancelled() {
        // While the ledger was away, sessions have expired whose workers live: they are given time to come back and to
        // give back what they held, without a crash.
        if !core.reach.was_away_within(2 * core.settings.renewal) {
            sweep(&core, &closing).await;
        }
        tokio::select! {
            () = closing.cancelled() => {}
            () = sleep(core.about(core.settings.reclaim)) => {}
        }
    }
}

/// Everything that can be reclaimed now, a batch at a time.
pub(super) async fn sweep(core: &Core, closing: &CancellationToken) {
    while !closing.is_cancelled() {
        match core.ledger.reclaim(core.clock.now(), core.settings.lease, BATCH).await {
            Ok(taken) => {
                tell(core, &taken);
                if number(&taken) < BATCH {
                    return;
                }
            }
            Err(error) => return core.reach.lost("reclaim tasks", &error),
        }
    }
}

fn tell(core: &Core, taken: &Reclaimed) {
    metrics::reclaimed(taken);
    for Lost { id, kind, queue } in &taken.failed {
        core.tally.count_lost(queue, core.clock.now());
        slog::error!(core.log, "task failed"; "task_id" => %id.0, "kind" => kind,
            "outcome" => Outcome::Failed.as_str(), "fault" => FaultCode::WorkerLost.as_str());
    }
    let Reclaimed { requeued, released, cancelled, sessions, .. } = *taken;
    let about = slog::o!("requeued" => requeued, "released" => released, "failed" => taken.failed.len(),
        "cancelled" => cancelled, "sessions" => sessions);
    if requeued > 0 {
        slog::warn!(core.log, "a worker was lost, and its tasks are queued again"; about);
    } else if released + cancelled > 0 {
        slog::info!(core.log, "tasks of closed sessions are queued again"; about);
    }
}

fn number(taken: &Reclaimed) -> u32 {
    let failed = u32::try_from(taken.failed.len()).unwrap_or(u32::MAX);
    taken.requeued + taken.released + failed + taken.cancelled
}
