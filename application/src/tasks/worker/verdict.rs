//! From the way a run came to its end to what is written about it. Decisions alone: no I/O, and time and chance come in.

use super::caught::Panic;
use crate::{
    Claimed, Finished, Settlement, Then,
    tasks::{
        registry::{Failure, Remedy},
        settings::WorkerSettings,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{EndReason, Fault, FaultCode, RetryPolicy, TaskEvent};
use std::time::Duration;

/// A far side may ask for a longer delay than this, and is then asked again all the same.
const LONGEST_DELAY: Duration = Duration::from_secs(24 * 3600);

/// How a run came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The handler has answered: JSON.
    Answered(String),
    /// The handler has failed.
    Failed(Failure),
    /// Decoding, the handler, or its being dropped has panicked.
    Panicked(Panic),
    /// The payload is not one of the kind.
    Undecodable(String),
    /// This process does not know the kind.
    Unknown,
    /// Its time was up, and it was dropped.
    TimedOut,
    /// It was dropped, because somebody wanted the task to end or the worker has to stop.
    Dropped,
}

/// What is known of the run, besides its end.
pub(super) struct Circumstances<'r> {
    pub(super) claimed: &'r Claimed,
    pub(super) settings: &'r WorkerSettings,
    /// Of the kind.
    pub(super) policy: RetryPolicy,
    /// Somebody wants the task to end.
    pub(super) cancelled: bool,
    /// The worker has to stop, and has said so to the handler.
    pub(super) stopping: bool,
    /// The handler has made its success part of a write of its own.
    pub(super) settled: bool,
    /// How large a result was that was too large for that.
    pub(super) oversize: Option<usize>,
    /// What the handler has scheduled.
    pub(super) scheduled: Then,
    pub(super) now: DateTime<Utc>,
    /// 0 to 1.
    pub(super) chance: f64,
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A success that concerns nobody else, to be committed together with others.
    Finish(Finished),
    /// Anything else.
    Settle(Settlement),
}

impl Circumstances<'_> {
    /// What is to be written about a run that came to its end like this.
    pub(super) fn verdict(&self, ended: Ended) -> Verdict {
        match ended {
            Ended::Answered(result) => self.success(result),
            Ended::Failed(failure) => self.failure(&failure),
            Ended::Panicked(panic) => self.again(FaultCode::Panic, &panic.0, Duration::ZERO),
            Ended::TimedOut => self.again(FaultCode::Timeout, &self.overrun(), Duration::ZERO),
            Ended::Undecodable(why) => self.fatal(FaultCode::Undecodable, &why, EndReason::Unrecoverable),
            Ended::Unknown => self.unknown(),
            Ended::Dropped if self.cancelled => self.plain(TaskEvent::Yield),
            Ended::Dropped => self.plain(TaskEvent::Release),
        }
    }

    /// The handler is past its time and the grace after it, and nobody knows when it will end.
    pub(super) fn overdue(&self) -> Settlement {
        let delay = self.backoff(Duration::ZERO);
        let fault = Fault::new(FaultCode::Timeout, &format!("{}, and goes on", self.overrun()));
        self.settlement(TaskEvent::Overdue, Some(fault), delay)
    }

    fn success(&self, result: String) -> Verdict {
        if result.len() > self.settings.max_result_bytes {
            return self.too_large(result.len());
        }
        let alone = !self.settled && !self.claimed.place.is_awaited() && self.scheduled.is_nothing();
        if alone {
            return Verdict::Finish(Finished { claim: self.claimed.claim, result });
        }
        let then = self.scheduled.clone();
        let settlement = self.settlement(TaskEvent::Success, None, TimeDelta::zero());
        Verdict::Settle(Settlement { result: Some(result), then, ..settlement })
    }

    /// Who was asked to end and answers an error has obeyed.
    fn failure(&self, failure: &Failure) -> Verdict {
        match (failure.remedy, self.oversize) {
            _ if self.cancelled => self.plain(TaskEvent::Yield),
            (_, Some(bytes)) => self.too_large(bytes),
            (Remedy::Nothing, _) => {
                self.fatal(FaultCode::Unrecoverable, &failure.message, EndReason::Unrecoverable)
            }
            _ if self.stopping => self.plain(TaskEvent::Release),
            (Remedy::Retry, _) => self.again(FaultCode::Error, &failure.message, Duration::ZERO),
            (Remedy::RetryAfter(delay), _) => self.again(FaultCode::Error, &failure.message, delay),
        }
    }

    fn too_large(&self, bytes: usize) -> Verdict {
        let message =
            format!("the result has {bytes} bytes, the most are {}", self.settings.max_result_bytes);
        self.fatal(FaultCode::ResultTooLarge, &message, EndReason::Unrecoverable)
    }

    /// Each release costs at least its delay, so that so many claims mean so much time. The age of the task means
    /// nothing: it may have waited for its predecessor, or for its time, or have run where its kind is known.
    fn unknown(&self) -> Verdict {
        let releases = u32::try_from(self.claimed.claim.fence.saturating_sub(1)).unwrap_or(u32::MAX);
        let delay = self.settings.release_unknown;
        if delay.saturating_mul(releases) >= self.settings.unknown_limit {
            let message = format!("no worker knows the kind {}", self.claimed.kind);
            return self.fatal(FaultCode::UnknownKind, &message, EndReason::UnknownKind);
        }
        Verdict::Settle(self.settlement(TaskEvent::Release, None, delta(delay)))
    }

    /// A retry may help; not before `least` has passed.
    fn again(&self, code: FaultCode, message: &str, least: Duration) -> Verdict {
        let delay = self.backoff(least);
        Verdict::Settle(self.settlement(TaskEvent::Error, Some(Fault::new(code, message)), delay))
    }

    fn fatal(&self, code: FaultCode, message: &str, reason: EndReason) -> Verdict {
        let fault = Some(Fault::new(code, message));
        let settlement = self.settlement(TaskEvent::Fatal, fault, TimeDelta::zero());
        Verdict::Settle(Settlement { reason: Some(reason), ..settlement })
    }

    fn plain(&self, event: TaskEvent) -> Verdict {
        Verdict::Settle(self.settlement(event, None, TimeDelta::zero()))
    }

    fn settlement(&self, event: TaskEvent, fault: Option<Fault>, delay: TimeDelta) -> Settlement {
        let settlement = Settlement::new(self.claimed.claim, event, self.now);
        Settlement { fault, due_at: self.now + delay, ..settlement }
    }

    fn backoff(&self, least: Duration) -> TimeDelta {
        let WorkerSettings { backoff_base, backoff_cap, .. } = self.settings;
        let policy = RetryPolicy {
            base: backoff_base.unwrap_or(self.policy.base),
            cap: backoff_cap.unwrap_or(self.policy.cap),
        };
        let delay = policy.delay(self.claimed.standing.attempt, self.chance);
        delta(delay.max(least.min(LONGEST_DELAY)))
    }

    fn overrun(&self) -> String {
        format!("it took longer than {} s", self.claimed.timeout.as_secs_f64())
    }
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests;
