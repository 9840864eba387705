//! Who takes what dead sessions hold: any worker, every few seconds. Idempotent, and without memory.

use super::core::Core;
use crate::{Reclaimed, tasks::metrics};
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
    let Reclaimed { requeued, released, failed, cancelled, sessions } = *taken;
    let about = slog::o!("requeued" => requeued, "released" => released, "failed" => failed,
        "cancelled" => cancelled, "sessions" => sessions);
    if failed > 0 {
        slog::error!(core.log, "tasks were lost with their workers too often, and have failed"; about);
    } else if requeued > 0 {
        slog::warn!(core.log, "a worker was lost, and its tasks are queued again"; about);
    } else if number(taken) > 0 {
        slog::info!(core.log, "tasks of closed sessions are queued again"; about);
    }
}

fn number(taken: &Reclaimed) -> u32 {
    taken.requeued + taken.released + taken.failed + taken.cancelled
}
