//! SIGHUP: read the configuration again, and take over what a running process can.

use crate::config::{Config, Loaded, Sources};
use adapter_telemetry::Logs;

/// Takes a key from the second configuration over into the first, which is in force, and to where it has its effect.
type TakeOver = fn(&mut Config, &Config, &Logs);

/// How, for each key that is marked `x-reloadable`.
const TAKE_OVER: [(&str, TakeOver); 1] = [("log.level", |current, next, logs| {
    current.log.level = next.log.level;
    logs.set_level(next.log.level);
})];

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
        let changes = self.current.changes(&next);
        // First, so that what follows is logged at the level that is asked for now. Only these are in force: a key that
        // needs a restart is named each time until there was one.
        for change in &changes {
            if let Some((_, take_over)) = TAKE_OVER.iter().find(|(key, _)| *key == change.key) {
                take_over(&mut self.current.config, &next.config, logs);
            }
        }
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_said_to_be_taken_over_is() {
        let page = crate::config::reference();
        let marked = page.split("\n### `").skip(1).filter(|entry| entry.contains("- Taken over on SIGHUP"));
        let marked: Vec<&str> = marked.filter_map(|entry| entry.split('`').next()).collect();
        assert_eq!(marked, TAKE_OVER.map(|(key, _)| key));
    }
}
