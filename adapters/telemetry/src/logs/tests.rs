use super::*;
use crate::Overflow;
use chrono::{DateTime, Utc};
use slog::{debug, info};
use std::sync::Mutex;

struct Epoch;
impl Clock for Epoch {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);
impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logs(level: Level) -> (Logs, Kept) {
    let kept = Kept::default();
    let config = LogConfig { level, overflow: Overflow::Block, ..LogConfig::default() };
    (Logs::start_to(&config, Style::Json, Arc::new(Epoch), kept.clone()).unwrap(), kept)
}

fn messages(kept: &Kept) -> Vec<String> {
    let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    let message = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["msg"].to_string();
    text.lines().map(message).collect()
}

#[test]
fn the_level_can_be_changed_while_running() {
    let (logs, kept) = logs(Level::Info);
    debug!(logs.root, "unseen");
    logs.set_level(Level::Debug);
    debug!(logs.root, "seen");
    logs.set_level(Level::Error);
    info!(logs.root, "unseen");
    logs.flush();
    assert_eq!(messages(&kept), [r#""seen""#]);
}

#[test]
fn a_line_that_is_not_wanted_is_not_formatted() {
    struct Never;
    impl std::fmt::Display for Never {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("formatted")
        }
    }
    let (logs, kept) = logs(Level::Info);
    debug!(logs.root, "unseen {}", Never; "key" => %Never);
    logs.flush();
    assert!(messages(&kept).is_empty());
}

#[test]
fn what_waits_at_the_end_is_written() {
    let (logs, kept) = logs(Level::Info);
    for i in 0..100 {
        info!(logs.root, "{i}");
    }
    drop(logs);
    assert_eq!(messages(&kept).len(), 100);
}

#[test]
fn lines_of_many_threads_stay_whole() {
    let (logs, kept) = logs(Level::Info);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                (0..500).for_each(|i| info!(logs.root, "line"; "i" => i, "text" => "x".repeat(i % 50)))
            });
        }
    });
    logs.flush();
    assert_eq!(messages(&kept).len(), 4000);
}
