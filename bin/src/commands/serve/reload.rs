//! SIGHUP: read the configuration again, and take over what a running process can.

use crate::{
    config::{Config, Loaded, Sources},
    wire::Core,
};
use adapter_telemetry::Logs;

/// Takes a key from the second configuration over into the first, which is in force, and to where it has its effect.
type TakeOver = fn(&mut Config, &Config, &Logs, &Core);

/// How, for each key that is marked `x-reloadable`, or for all of a section.
const TAKE_OVER: [(&str, TakeOver); 2] = [
    ("log.level", |current, next, logs, _| {
        current.log.level = next.log.level;
        logs.set_level(next.log.level);
    }),
    ("schedules", |current, next, _, core| {
        current.schedules = next.schedules.clone();
        // What is wrong with them was told before anything was taken over.
        let _refused = core.beat.set_schedules(next.schedules.enabled());
    }),
];

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
    pub(super) fn reload(&mut self, logs: &Logs, core: &Core) {
        let checked = Loaded::from(&self.sources).and_then(|next| {
            next.check_tasks(|kind, payload| core.registry.signature(kind, payload).map(drop))?;
            Ok(next)
        });
        let next = match checked {
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
        for (_, take_over) in
            TAKE_OVER.iter().filter(|(key, _)| changes.iter().any(|c| concerns(key, &c.key)))
        {
            take_over(&mut self.current.config, &next.config, logs, core);
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

/// Whether `changed` is `key`, or lies within it.
fn concerns(key: &str, changed: &str) -> bool {
    changed.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_is_said_to_be_taken_over_is() {
        let page = crate::config::reference();
        let marked = page.split("\n### `").skip(1).filter(|entry| entry.contains("- Taken over on SIGHUP"));
        let marked: Vec<&str> = marked.filter_map(|entry| entry.split('`').next()).collect();
        let is_taken_over = |marked: &&&str| TAKE_OVER.iter().any(|(key, _)| concerns(key, marked));
        assert_eq!(marked.iter().filter(is_taken_over).count(), marked.len(), "{marked:?}");
        for (key, _) in TAKE_OVER {
            assert!(marked.iter().any(|marked| concerns(key, marked)), "{key} is not marked");
        }
    }
}
