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
/// For one measurement; nobody waits longer for this clock at start.
const PATIENCE: Duration = Duration::from_secs(5);
/// From this difference on an operator should know.
const WORTH_A_WARNING: TimeDelta = TimeDelta::seconds(1);

/// What the database says, carried on by this host's monotonic clock: a jump of the wall clock changes nothing. Until
/// the database has told the time it is the host's. While the database cannot be asked the last measurement holds. A
/// measurement may set it back by as much as the one before was wrong, usually less than a millisecond.
pub struct DatabaseClock {
    anchor: Arc<Anchor>,
    following: AbortHandle,
}

type Anchor = RwLock<Option<Measured>>;

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
        let mut follower = Follower { source, log, anchor: Arc::default(), told: TimeDelta::zero() };
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
}

impl Drop for DatabaseClock {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> DateTime<Utc> {
        let measured = *self.anchor.read().unwrap_or_else(PoisonError::into_inner);
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

struct Follower<S> {
    source: S,
    log: Logger,
    anchor: Arc<Anchor>,
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
        let mut anchor = self.anchor.write().unwrap_or_else(PoisonError::into_inner);
        match answer {
            Ok(Ok(None)) => {
                *anchor = None;
                return None;
            }
            // A slow answer is better than none at all.
            Ok(Ok(Some(measured))) if measured.trip <= SLOW || anchor.is_none() => *anchor = Some(measured),
            // That the database cannot be had is told by those who need it for more.
            Ok(Ok(Some(_)) | Err(_)) | Err(_) => {}
        }
        let (offset, pause) = match *anchor {
            Some(measured) => (measured.now() - SystemClock.now(), EVERY),
            None => return Some(AGAIN),
        };
        drop(anchor);
        self.tell(offset);
        Some(pause)
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
