//! The end of a run: written to the ledger as long as the session is trusted, and told to the log and the metrics.

use super::{
    core::{Core, locked},
    finisher::Success,
    run::circumstances,
    slots::{Entry, Seat},
    tally::Outcome,
    verdict::{Ended, Verdict},
};
use crate::{Error, Settled, Settlement, chain, tasks::metrics};
use domain::{Fault, FaultCode, TaskEvent, TaskState};
use std::time::Duration;

/// Between two tries to write an end.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// Writes how the run in `seat` has ended, unless whoever supervises it has written that already.
pub(super) async fn conclude(core: &Core, seat: Seat, ended: Ended) {
    let entry = seat.entry().clone();
    let cause = cause(&ended);
    let verdict = entry.end().then(|| circumstances(core, &entry).verdict(ended));
    if let Some(Verdict::Finish(finished)) = verdict {
        core.finisher.push(Success { seat, finished });
        entry.cohort.leave();
        return core.finisher.look();
    }
    entry.cohort.leave();
    core.finisher.look();
    match verdict {
        Some(Verdict::Settle(settlement)) => write_end(core, &entry, settlement, cause).await,
        _ => slog::warn!(entry.run.context.log, "an overdue handler has ended at last";
            "kind" => &entry.claimed.kind, "ms" => millis(entry.started.elapsed())),
    }
}

/// Writes the end of a run that concerns others, or is no success. `cause` is for the log alone.
pub(super) async fn write_end(core: &Core, entry: &Entry, settlement: Settlement, cause: Option<String>) {
    let Some((settlement, settled)) = written(core, entry, settlement).await else {
        return dropped(entry, "its session is lost, or it could not be written");
    };
    let outcome = match settled {
        Settled::As(TaskState::Succeeded) | Settled::Already => Outcome::Succeeded,
        Settled::As(TaskState::Failed) => Outcome::Failed,
        Settled::As(TaskState::Cancelled) => Outcome::Cancelled,
        Settled::As(TaskState::Queued | TaskState::Waiting | TaskState::Running) => {
            if settlement.event == TaskEvent::Release { Outcome::Released } else { Outcome::Retried }
        }
        Settled::Stale => return dropped(entry, "its claim does not hold any more"),
    };
    report(core, entry, outcome, settlement.fault.as_ref(), cause);
}

/// What was written, and where the task stands now; `None` if it could not be while the session was trusted.
async fn written(core: &Core, entry: &Entry, settlement: Settlement) -> Option<(Settlement, Settled)> {
    let (mut settlement, mut substituted) = (settlement, false);
    loop {
        let answer = {
            let _turn = core.settling.acquire().await;
            if !entry.session.is_trusted() {
                return None;
            }
            core.ledger.settle(&settlement).await
        };
        match answer {
            Ok(settled) => {
                core.reach.succeeded();
                return Some((settlement, settled));
            }
            Err(error @ Error::Unavailable { .. }) => {
                core.reach.failed("write the end of a task", &error);
                tokio::time::sleep(core.about(PAUSE)).await;
            }
            // A defect, perhaps of what is to be written: an error in its place uses up an attempt, and ends some time.
            Err(error) => {
                slog::error!(entry.run.context.log, "the end of a task cannot be written"; "kind" => &entry.claimed.kind,
                    "event" => settlement.event.as_str(), "error" => chain(&error));
                if std::mem::replace(&mut substituted, true) {
                    core.doubt();
                    return None;
                }
                settlement = substitute(settlement, &error);
            }
        }
    }
}

fn substitute(settlement: Settlement, error: &Error) -> Settlement {
    let fault = Fault::new(FaultCode::Error, &format!("its end could not be written: {error}"));
    let Settlement { claim, due_at, now, .. } = settlement;
    Settlement { fault: Some(fault), due_at, ..Settlement::new(claim, TaskEvent::Error, now) }
}

/// The one log line of a run that has ended, and its figures.
pub(super) fn report(
    core: &Core,
    entry: &Entry,
    outcome: Outcome,
    fault: Option<&Fault>,
    cause: Option<String>,
) {
    let (claimed, ran, now) = (&entry.claimed, entry.ran(), core.clock.now());
    metrics::ended(&claimed.kind, outcome.as_str(), ran);
    core.tally.count(&claimed.queue, now, outcome, entry.waited(), ran);
    locked(&core.vitals).finished_at = Some(now);
    let log = &entry.run.context.log;
    let about = slog::o!("kind" => claimed.kind.clone(), "attempt" => claimed.standing.attempt,
        "outcome" => outcome.as_str(), "ms" => millis(ran));
    let fault = || {
        slog::o!("fault" => fault.map(|fault| fault.code.as_str()),
        "error" => cause.or_else(|| fault.map(|fault| fault.message.clone())))
    };
    match outcome {
        Outcome::Succeeded => slog::debug!(log, "task succeeded"; about),
        Outcome::Cancelled => slog::info!(log, "task cancelled"; about),
        Outcome::Released => slog::info!(log, "task given back"; about),
        Outcome::Retried => slog::warn!(log, "task is tried again later"; about, fault()),
        Outcome::Failed => slog::error!(log, "task failed"; about, fault()),
    }
}

/// The end of a run that is not written: somebody else has the task by now, or will have it.
pub(super) fn dropped(entry: &Entry, why: &'static str) {
    metrics::stale();
    slog::warn!(entry.run.context.log, "the end of a run was dropped: {why}"; "kind" => &entry.claimed.kind,
        "attempt" => entry.claimed.standing.attempt, "outcome" => "dropped", "ms" => millis(entry.ran()));
}

/// What went wrong, with all causes.
fn cause(ended: &Ended) -> Option<String> {
    match ended {
        Ended::Failed(failure) => Some(failure.chain.clone()),
        _ => None,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
