//! The signals that a running process obeys.
//!
//! SIGTERM and SIGINT end it in order, and at once when one of them comes again. SIGHUP makes it read its configuration
//! again.

use rustix::process::Signal as Number;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Receives them from the moment it is made.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// What somebody wants of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// End.
    Stop,
    /// Take over what has changed in the configuration.
    Reload,
}

/// From now on a write beyond the limit of a file's size (`ulimit -f`) fails as on a full disk, instead of ending the
/// process: SIGXFSZ has a receiver, and whoever wrote sees the error. Needs a Tokio runtime.
pub(crate) fn outlive_full_files() -> io::Result<()> {
    signal(SignalKind::from_raw(Number::XFSZ.as_raw())).map(drop)
}

impl Signals {
    /// From now on signals do nothing by themselves. Needs a Tokio runtime.
    pub(crate) fn receive() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hang_up.recv() => Wish::Reload,
        }
    }

    /// The next one that asks for the end.
    pub(crate) async fn stop(&mut self) {
        while self.next().await != Wish::Stop {}
    }
}
