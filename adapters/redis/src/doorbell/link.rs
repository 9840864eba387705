//! Whether hints can pass: what is known about each connection, told as a state, a gauge and, seldom, a line in the log.

use metrics::gauge;
use slog::Logger;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Between two lines in the log.
const QUIET: Duration = Duration::from_secs(10);

/// All parts together.
pub(super) struct Link {
    state: Mutex<State>,
    log: Logger,
}

#[derive(Default)]
struct State {
    /// Each part, and whether it works; `None` until that is known.
    parts: BTreeMap<u64, Option<bool>>,
    count: u64,
    /// What the log says, and since when.
    told: Option<(bool, Instant)>,
}

/// One connection. It counts as long as it is kept.
pub(super) struct Part {
    link: Arc<Link>,
    id: u64,
    name: &'static str,
}

impl Link {
    pub(super) fn new(log: Logger) -> Arc<Self> {
        gauge!("plinth_doorbell_connected").set(0.0);
        Arc::new(Self { state: Mutex::default(), log })
    }

    /// A further part, of which nothing is known yet.
    pub(super) fn part(self: &Arc<Self>, name: &'static str) -> Part {
        let mut state = self.state();
        state.count += 1;
        let id = state.count;
        state.parts.insert(id, None);
        state.show();
        Part { link: self.clone(), id, name }
    }

    pub(super) fn is_up(&self) -> bool {
        self.state().works() == Some(true)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Part {
    pub(super) fn up(&self) {
        self.report(true, &"");
    }

    pub(super) fn down(&self, reason: &dyn std::fmt::Display) {
        self.report(false, reason);
    }

    fn report(&self, works: bool, reason: &dyn std::fmt::Display) {
        let (log, name) = (&self.link.log, self.name);
        let mut state = self.link.state();
        state.parts.insert(self.id, Some(works));
        state.show();
        match state.untold(Instant::now()) {
            // The part that reports need not be the one that is down, if the log was quiet for a while.
            Some(false) if works => slog::warn!(log, "hints to workers cannot pass"),
            Some(false) => slog::warn!(log, "hints to workers cannot pass";
                "part" => name, "reason" => %reason, "consequence" => "tasks start up to a poll later"),
            Some(true) => slog::info!(log, "hints to workers pass through Redis"),
            None => {}
        }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut state = self.link.state();
        state.parts.remove(&self.id);
        state.show();
    }
}

impl State {
    /// `None` while that is not known of some and none is known to fail.
    fn works(&self) -> Option<bool> {
        let mut all = Some(true);
        for part in self.parts.values() {
            match part {
                Some(false) => return Some(false),
                Some(true) => {}
                None => all = None,
            }
        }
        all
    }

    fn show(&self) {
        let works = self.works() == Some(true);
        gauge!("plinth_doorbell_connected").set(if works { 1.0 } else { 0.0 });
    }

    /// What the log does not say yet. Every part reports again and again, so what is held back now is told later.
    fn untold(&mut self, now: Instant) -> Option<bool> {
        let works = self.works()?;
        let known = self.told.is_some_and(|(told, since)| told == works || now - since < QUIET);
        if !known {
            self.told = Some((works, now));
        }
        (!known).then_some(works)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use slog::{Drain, Never, OwnedKVList, Record};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    impl Drain for Lines {
        type Ok = ();
        type Err = Never;

        fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), Never> {
            self.0.lock().unwrap().push(format!("{} {}", record.level().as_short_str(), record.msg()));
            Ok(())
        }
    }

    fn link() -> (Arc<Link>, Lines) {
        let lines = Lines::default();
        (Link::new(Logger::root(lines.clone(), slog::o!())), lines)
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_up_when_all_parts_are() {
        let (link, _) = link();
        let (publishing, listening) = (link.part("publishing"), link.part("listening"));
        assert!(!link.is_up(), "nothing is known yet");
        publishing.up();
        assert!(!link.is_up());
        listening.up();
        assert!(link.is_up());
        listening.down(&"gone");
        assert!(!link.is_up());
        drop(listening);
        assert!(link.is_up());
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_hears_of_changes_and_at_most_every_ten_seconds() {
        let (link, lines) = link();
        let part = link.part("publishing");
        for _ in 0..1000 {
            part.down(&"refused");
            part.up();
            tokio::time::advance(Duration::from_millis(59)).await;
        }
        assert!((2..=6).contains(&lines.0.lock().unwrap().len()), "{:?}", lines.0.lock().unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_outage_is_two_lines() {
        let (link, lines) = link();
        let part = link.part("publishing");
        part.up();
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..100 {
            part.down(&"refused");
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        (0..3).for_each(|_| part.up());
        let expected = [
            "INFO hints to workers pass through Redis",
            "WARN hints to workers cannot pass",
            "INFO hints to workers pass through Redis",
        ];
        assert_eq!(*lines.0.lock().unwrap(), expected);
    }
}
