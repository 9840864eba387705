//! Keeps the runtime awake. A handler that does not yield blocks a thread of the runtime; if that is the one that waits for
//! timers and sockets, no idle thread takes its place until something from outside wakes it (tokio-rs/tokio#4730), and one
//! handler would stop renewals, supervision and all else. So a thread that is none of the runtime's wakes it.

use slog::Logger;
use std::{
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::Duration,
};
use tokio::runtime::Handle;

/// How long a blocked thread may hold up the others.
const INTERVAL: Duration = Duration::from_millis(100);

/// Rings until it is dropped.
pub(super) struct Alarm {
    _end: Sender<()>,
}

impl Alarm {
    /// For the runtime that this is called in.
    pub(super) fn set(log: &Logger) -> Self {
        let (end, ended) = mpsc::channel();
        let runtime = Handle::current();
        let ring = move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                drop(runtime.spawn(async {}));
            }
        };
        if let Err(error) = thread::Builder::new().name("alarm".to_owned()).spawn(ring) {
            slog::warn!(log, "without an alarm, a handler that does not yield may hold up all others";
                "error" => %error);
        }
        Self { _end: end }
    }
}
