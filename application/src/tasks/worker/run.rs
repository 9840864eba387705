//! One run: decode, work, and what ends it before its time.

use super::{
    caught::{Caught, caught},
    core::{Core, locked},
    ends,
    finisher::Success,
    progress,
    session::Session,
    slots::{Cohort, Entry, Seat},
    verdict::{Circumstances, Ended},
};
use crate::{Claimed, Context, Finished, RequestId, faults::mutant, tasks::handler::Run};
use domain::RetryPolicy;
use std::sync::{
    Arc, Mutex, OnceLock,
    atomic::{AtomicBool, Ordering},
};
use tokio::{sync::watch, task::unconstrained, time::Instant};
use tokio_util::sync::CancellationToken;

/// Takes a slot for a task that was claimed under `session`.
pub(super) fn seat(core: &Core, claimed: Claimed, session: &Arc<Session>, cohort: &Arc<Cohort>) -> Seat {
    let request_id = RequestId::parse(&claimed.request_id);
    let request_id = request_id.unwrap_or_else(|| claimed.claim.id.0.into());
    let log = core.log.new(slog::o!(
        "task_id" => claimed.claim.id.0.to_string(), "request_id" => request_id.as_str().to_owned(),
    ));
    let run = Run {
        claim: claimed.claim,
        attempt: claimed.standing.attempt,
        context: Context { request_id, log },
        clock: core.clock.clone(),
        ids: core.ids.clone(),
        cancel: CancellationToken::new(),
        progress: watch::Sender::new(None),
        max_result_bytes: core.settings.max_result_bytes,
        scheduled: Mutex::default(),
        settled: AtomicBool::new(false),
        oversize: OnceLock::new(),
    };
    core.slots.take(Arc::new(Entry {
        session: session.clone(),
        run: Arc::new(run),
        cohort: cohort.clone(),
        started: Instant::now(),
        started_at: core.clock.now(),
        cancelled: AtomicBool::new(false),
        given_up: AtomicBool::new(false),
        ended: OnceLock::new(),
        claimed,
    }))
}

/// Runs the task and writes how that has ended.
pub(super) async fn run(core: Arc<Core>, seat: Seat) {
    let entry = seat.entry().clone();
    if mutant("finish_before_run") {
        let finished = Finished { claim: entry.claimed.claim, result: "null".to_owned() };
        core.finisher.push(Success { seat, finished });
        entry.cohort.leave();
        core.finisher.look();
        execute(&core, &entry).await;
        return;
    }
    let ended = execute(&core, &entry).await;
    ends::conclude(&core, seat, ended).await;
}

/// The run itself. Its handler is gone when this ends.
async fn execute(core: &Core, entry: &Entry) -> Ended {
    let Some(kind) = core.registry.find(&entry.claimed.kind) else { return Ended::Unknown };
    let mut handler = match caught(|| kind.start(&entry.claimed.payload, entry.run.clone())) {
        Ok(Ok(handler)) => Caught::new(handler),
        Ok(Err(error)) => return Ended::Undecodable(error.to_string()),
        Err(panic) => return Ended::Panicked(panic),
    };
    let ended = tokio::select! {
        biased; // Most handlers never wait, and then no timer is set.
        answer = &mut handler => return match answer {
            Ok(Ok(result)) => Ended::Answered(result),
            Ok(Err(failure)) => Ended::Failed(failure),
            Err(panic) => Ended::Panicked(panic),
        },
        // A handler that uses up the task's share of the runtime each time must not keep its own end from being seen.
        ended = unconstrained(interruption(core, entry)) => ended,
    };
    // What it has spawned and cannot be dropped can still listen.
    entry.run.cancel.cancel();
    handler.discard().map_or(ended, Ended::Panicked)
}

/// What ends a run that does not end by itself. Carries its progress to the ledger meanwhile.
async fn interruption(core: &Core, entry: &Entry) -> Ended {
    let given_up = async {
        entry.run.cancel.cancelled().await;
        tokio::time::sleep(core.settings.cancel_grace).await;
    };
    tokio::select! {
        () = entry.session.over() => Ended::Dropped,
        () = tokio::time::sleep_until(entry.deadline()) => Ended::TimedOut,
        () = given_up => Ended::Dropped,
        never = progress::carry(core, entry) => match never {},
    }
}

/// What is known of a run at its end.
pub(super) fn circumstances<'r>(core: &'r Core, entry: &'r Entry) -> Circumstances<'r> {
    Circumstances {
        claimed: &entry.claimed,
        settings: &core.settings,
        policy: core.registry.find(&entry.claimed.kind).map_or(RetryPolicy::DEFAULT, |kind| kind.retry()),
        cancelled: entry.is_cancelled(),
        stopping: core.stopping.load(Ordering::Acquire),
        settled: entry.run.settled.load(Ordering::Acquire),
        oversize: entry.run.oversize.get().copied(),
        scheduled: std::mem::take(&mut *locked(&entry.run.scheduled)),
        now: core.clock.now(),
        chance: core.chance.unit(),
    }
}
