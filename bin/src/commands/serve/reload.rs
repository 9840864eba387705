//! SIGHUP: read the configuration again, and take over what a running process can.

use crate::config::{Loaded, Sources};
use adapter_telemetry::Logs;

/// Remembers what is in force.
pub(super) struct Reloader {
    sources: Sources,
    current: Loaded,
}

impl Reloader {
    pub(super) fn new(sources: Sources, current: Loaded) -> Self {
        Self { sources, current }
    }

    /// All of it, or nothing if anything is wrong with it.
    pub(super) fn reload(&mut self, logs: &Logs) {
        let next = match Loaded::from(&self.sources) {
            Ok(next) => next,
            Err(problems) => {
                for problem in problems.iter() {
                    slog::warn!(logs.root, "wrong in the configuration"; "problem" => %problem);
                }
                slog::error!(logs.root, "the configuration is refused, nothing has changed");
                return;
            }
        };
        // First, so that what follows is logged at the level that is asked for now.
        logs.set_level(next.config.log.level);
        let changes = self.current.changes(&next);
        if changes.is_empty() {
            slog::info!(logs.root, "the configuration is as it was");
        }
        for change in changes {
            if change.reloadable {
                slog::info!(logs.root, "configuration changed"; "key" => change.key);
            } else {
                slog::warn!(logs.root, "configuration changed, which needs a restart"; "key" => change.key);
            }
        }
        // Only what is in force: a key that needs a restart is named each time until there was one.
        self.current.config.log.level = next.config.log.level;
    }
}
