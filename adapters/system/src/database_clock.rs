//! A clock that follows the database's, so that all hosts of one database agree on the time.

use crate::SystemClock;
use application::{Clock, Error, faults};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use metrics::{describe_gauge, gauge};
use slog::Logger;
use std::{
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

/// Between measurements: quartz clocks drift by milliseconds in that time.
const EVERY: Duration = Duration::from_secs(30);
/// Between attempts, as long as there is no measurement at all.
const AGAIN: Duration = Duration::from_secs(1);
/// The database is asked so often for one measurement.
const TRIPS: u32 = 3;
/// What has been under way for longer says too little.
const SLOW: Duration = Duration::from_secs(1);
/// What drifts is never wrong by so much: whoever is has a database whose clock was set, or another database.
const STEP: TimeDelta = TimeDelta::seconds(5);
/// For so long all measurements must tell of the same step before it is followed.
const CONFIRMATION: Duration = Duration::from_secs(30);
/// Between measurements meanwhile.
const SOON: Duration = Duration::from_secs(10);
/// For one measurement; nobody waits longer for this clock at start.
const PATIENCE: Duration = Duration::from_secs(5);
/// From this difference on an operator should know.
const WORTH_A_WARNING: TimeDelta = TimeDelta::seconds(1);

/// What the database says, carried on by this host's monotonic clock: a jump of the wall clock changes nothing. Until
/// the database has told the time it is the host's. While the database cannot be asked the last measurement holds. A
/// measurement may set it back by as much as the one before was wrong, usually less than a millisecond.
///
/// A step of more than five seconds, forwards or backwards, is followed once all measurements of half a minute tell of the
/// same: a single wrong answer changes nothing, and each process has followed a step within a minute.
pub struct DatabaseClock {
    anchor: Arc<RwLock<Anchor>>,
    following: AbortHandle,
}

/// What is known of the database's time.
#[derive(Debug, Default)]
struct Anchor {
    measured: Option<Measured>,
    stepped_at: Option<Instant>,
}

/// It was `time` in the database at `at`.
#[derive(Debug, Clone, Copy)]
struct Measured {
    at: Instant,
    time: DateTime<Utc>,
    trip: Duration,
}

impl DatabaseClock {
    /// Measures, and goes on measuring until it is dropped. `source` tells the database's time, or `None` if its clock is the
    /// host's, as with an embedded one.
    pub async fn follow<S, F>(source: S, log: Logger) -> Self
    where
        S: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<Option<DateTime<Utc>>, Error>> + Send,
    {
        describe_gauge!(
            "plinth_clock_offset_seconds",
            "By how much the database's clock is ahead of the host's"
        );
        let (anchor, told) = (Arc::default(), TimeDelta::zero());
        let mut follower = Follower { source, log, anchor, step: None, told };
        let anchor = follower.anchor.clone();
        let mut pause = follower.measure().await;
        let following = tokio::spawn(async move {
            while let Some(time) = pause {
                sleep(time).await;
                pause = follower.measure().await;
            }
        });
        Self { anchor, following: following.abort_handle() }
    }

    /// When it last followed a step: whatever was alive before may look dead for as long as others have not followed it.
    pub fn stepped_at(&self) -> Option<Instant> {
        self.anchor.read().unwrap_or_else(PoisonError::into_inner).stepped_at
    }
}

impl Drop for DatabaseClock {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> DateTime<Utc> {
        let measured = self.anchor.read().unwrap_or_else(PoisonError::into_inner).measured;
        match measured {
            Some(measured) if !faults::mutant("host_clock") => measured.now(),
            _ => SystemClock.now(),
        }
    }
}

impl Measured {
    fn now(&self) -> DateTime<Utc> {
        let passed = TimeDelta::from_std(self.at.elapsed()).unwrap_or_default();
        (self.time + passed).trunc_subsecs(6)
    }
}

/// From one measurement to a later one.
fn passed(from: Instant, to: Instant) -> TimeDelta {
    TimeDelta::from_std(to.saturating_duration_since(from)).unwrap_or_default()
}

struct Follower<S> {
    source: S,
    log: Logger,
    anchor: Arc<RwLock<Anchor>>,
    /// The first measurement that told of a step, if all later ones agree with it.
    step: Option<Measured>,
    /// The difference to the host's clock that the log knows of.
    told: TimeDelta,
}

impl<S, F> Follower<S>
where
    S: Fn() -> F,
    F: Future<Output = Result<Option<DateTime<Utc>>, Error>>,
{
    /// After how long to measure again; `None` if there is nothing to follow.
    async fn measure(&mut self) -> Option<Duration> {
        let answer = timeout(PATIENCE, self.ask()).await;
        let known = self.anchor.read().unwrap_or_else(PoisonError::into_inner).measured;
        match answer {
            Ok(Ok(None)) => {
                self.anchor.write().unwrap_or_else(PoisonError::into_inner).measured = None;
                return None;
            }
            // A slow answer is better than none at all.
            Ok(Ok(Some(measured))) if measured.trip <= SLOW || known.is_none() => self.take(known, measured),
            // That the database cannot be had is told by those who need it for more.
            Ok(Ok(Some(_)) | Err(_)) | Err(_) => {}
        }
        let measured = self.anchor.read().unwrap_or_else(PoisonError::into_inner).measured;
        let Some(measured) = measured else { return Some(AGAIN) };
        self.tell(measured.now() - SystemClock.now());
        Some(if self.step.is_some() { SOON } else { EVERY })
    }

    /// Goes by this measurement from now on, unless it tells of a step that is still to be confirmed.
    fn take(&mut self, known: Option<Measured>, measured: Measured) {
        let difference = |from: Measured| measured.time - from.time - passed(from.at, measured.at);
        let step = known.map(difference).filter(|step| step.abs() > STEP);
        let Some(step) = step else {
            self.step = None;
            self.anchor.write().unwrap_or_else(PoisonError::into_inner).measured = Some(measured);
            return;
        };
        let seconds = step.as_seconds_f64();
        let first = self.step.filter(|first| difference(*first).abs() <= WORTH_A_WARNING);
        match first {
            Some(first) if measured.at - first.at >= CONFIRMATION => {
                slog::warn!(self.log, "the database's clock was set; it is followed"; "seconds" => seconds);
                self.step = None;
                let stepped = Anchor { measured: Some(measured), stepped_at: Some(Instant::now()) };
                *self.anchor.write().unwrap_or_else(PoisonError::into_inner) = stepped;
            }
            Some(_) => {}
            None => {
                slog::warn!(self.log, "the database's clock seems to have been set; it is followed if that lasts";
                    "seconds" => seconds);
                self.step = Some(measured);
            }
        }
    }

    /// The shortest of several trips: of the others more may have been spent on one way than on the other.
    async fn ask(&self) -> Result<Option<Measured>, Error> {
        let mut best: Option<Measured> = None;
        for _ in 0..TRIPS {
            let asked = Instant::now();
            let Some(time) = (self.source)().await? else { return Ok(None) };
            let trip = asked.elapsed();
            if best.is_none_or(|best| trip < best.trip) {
                best = Some(Measured { at: asked + trip / 2, time, trip });
            }
        }
        Ok(best)
    }

    fn tell(&mut self, offset: TimeDelta) {
        gauge!("plinth_clock_offset_seconds").set(offset.as_seconds_f64());
        if (offset - self.told).abs() > WORTH_A_WARNING {
            let seconds = offset.as_seconds_f64();
            slog::warn!(self.log, "the database's clock and this host's differ; the database's counts"; "seconds" => seconds);
            self.told = offset;
        }
    }
}

#[cfg(test)]
mod tests;
