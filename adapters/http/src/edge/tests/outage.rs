//! The log while a dependency is down.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Counts warnings.
struct Warnings(Arc<AtomicUsize>);

impl slog::Drain for Warnings {
    type Ok = ();
    type Err = slog::Never;

    fn log(&self, record: &slog::Record, _: &slog::OwnedKVList) -> Result<(), slog::Never> {
        self.0.fetch_add(usize::from(record.level() == slog::Level::Warning), Relaxed);
        Ok(())
    }
}

#[tokio::test]
async fn an_outage_does_not_fill_the_log() {
    let warnings = Arc::new(AtomicUsize::new(0));
    let log = slog::Logger::root(Warnings(warnings.clone()), slog::o!());
    let app = logging(HttpConfig::default(), log);
    let started = Instant::now();
    for _ in 0..50 {
        get(&app, "/down").await.is_problem(503, &[]);
    }
    let most = 1 + started.elapsed().as_secs() as usize;
    assert!((1..=most).contains(&warnings.load(Relaxed)), "{warnings:?}");
}
