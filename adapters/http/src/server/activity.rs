//! What a connection is doing, so that it can be closed when it does too little.
//!
//! hyper's own header time-out is not used: it starts when the previous answer is sent, so that it bounds the rest
//! between two requests as well, which has to be much longer; and it does not cover the first bytes, in which the
//! version of HTTP is found out.

use crate::config::Timeouts;
use hyper::body::Incoming;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// See the module. Times are milliseconds since `opened`.
pub(super) struct Activity {
    opened: Instant,
    header: Duration,
    idle: Duration,
    /// Requests whose answers are not yet sent.
    in_flight: AtomicUsize,
    /// When the header that is being read has begun; [`NONE`] if there is none.
    header_since: AtomicU64,
    /// When the last answer was sent.
    idle_since: AtomicU64,
    /// HTTP/2 sends and receives frames at any time: bytes are no beginning of a header there.
    multiplexed: AtomicBool,
    /// The client may still be sending a body that was refused.
    pub(super) unread: AtomicBool,
    /// An answer without an end is sent: a client that closes its side has gone.
    listening: AtomicBool,
    /// What was not read of the body of the last request.
    rest: Mutex<Option<Incoming>>,
}

const NONE: u64 = u64::MAX;

impl Activity {
    /// Just opened. The first header is expected at once.
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        Self {
            opened: Instant::now(),
            header: timeouts.header,
            idle: timeouts.idle,
            in_flight: AtomicUsize::new(0),
            header_since: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            multiplexed: AtomicBool::new(false),
            unread: AtomicBool::new(false),
            listening: AtomicBool::new(false),
            rest: Mutex::new(None),
        }
    }

    /// Bytes came.
    pub(super) fn read(&self) {
        let is_header = self.in_flight.load(Relaxed) == 0 && self.header_since.load(Relaxed) == NONE;
        if is_header && !self.multiplexed.load(Relaxed) {
            self.header_since.store(self.now(), Relaxed);
        }
    }

    /// A header is complete.
    pub(super) fn begin(&self, multiplexed: bool) {
        self.in_flight.fetch_add(1, Relaxed);
        self.header_since.store(NONE, Relaxed);
        self.multiplexed.store(multiplexed, Relaxed);
    }

    /// An answer is sent, or will never be.
    pub(super) fn end(&self) {
        self.listening.store(false, Relaxed);
        self.idle_since.store(self.now(), Relaxed);
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// The answer under way has no end of its own.
    pub(super) fn listen(&self) {
        self.listening.store(true, Relaxed);
    }

    /// Whether a client that closes its side of the connection has gone. Any other may do so and wait for its answer.
    pub(super) fn is_listening(&self) -> bool {
        self.listening.load(Relaxed)
    }

    /// How long the connection may yet go on as it is; none if that is over.
    pub(super) fn left(&self) -> Option<Duration> {
        let header_since = self.header_since.load(Relaxed);
        let (since, allowed) = if self.in_flight.load(Relaxed) > 0 {
            (self.now(), self.header.min(self.idle)) // look again; nothing can be over earlier
        } else if self.in_header() {
            (header_since, self.header)
        } else {
            (self.idle_since.load(Relaxed), self.idle)
        };
        let until = Duration::from_millis(since) + allowed;
        until.checked_sub(self.opened.elapsed()).filter(|left| !left.is_zero())
    }

    /// Whether a header is being read, or the first one awaited.
    pub(super) fn in_header(&self) -> bool {
        self.in_flight.load(Relaxed) == 0 && self.header_since.load(Relaxed) != NONE
    }

    /// Nobody reads the rest of this body.
    pub(super) fn leave(&self, rest: Incoming) {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some(rest);
        self.unread.store(true, Relaxed);
    }

    /// What was left, if anything was.
    pub(super) fn take_rest(&self) -> Option<Incoming> {
        // Most bodies are read to their end, and need no lock here.
        if !self.unread.load(Relaxed) {
            return None;
        }
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(NONE - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activity(header: u64, idle: u64) -> Activity {
        let (header, idle) = (Duration::from_millis(header), Duration::from_millis(idle));
        Activity::new(&Timeouts { header, idle, ..Timeouts::default() })
    }

    #[test]
    fn the_first_header_is_expected_at_once() {
        assert!(activity(0, 1000).left().is_none());
        assert!(activity(1000, 0).left().is_some());
    }

    #[test]
    fn a_connection_at_rest_may_rest_longer_than_a_header_may_take() {
        let activity = activity(0, 1000);
        activity.begin(false);
        activity.end();
        assert!(activity.left().is_some());
        activity.read();
        assert!(activity.left().is_none(), "a header has begun");
    }

    #[test]
    fn frames_of_http_2_begin_no_header() {
        let activity = activity(0, 1000);
        activity.begin(true);
        activity.end();
        activity.read();
        assert!(activity.left().is_some());
    }

    #[test]
    fn nothing_is_over_while_a_request_is_under_way() {
        let activity = activity(50, 60);
        activity.begin(false);
        assert!(activity.left().is_some());
    }
}
