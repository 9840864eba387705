//! The output of a process, line by line, to look at and to wait for.

use std::{
    io::{BufRead, BufReader, Read},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::watch;

/// How long a test waits for something that must come. Long, because it costs nothing where all is well.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Lines so far. Clones share them.
#[derive(Clone, Default)]
pub struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    /// How many readers are open, and how many lines have come.
    state: watch::Sender<(usize, usize)>,
}

impl Lines {
    /// Collects from `reader` until its end, in a thread of its own.
    pub(crate) fn follow(&self, reader: impl Read + Send + 'static) {
        self.state.send_modify(|state| state.0 += 1);
        let this = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                this.lock().push(String::from_utf8_lossy(&line).into_owned());
                this.state.send_modify(|state| state.1 += 1);
            }
            this.state.send_modify(|state| state.0 -= 1);
        });
    }

    /// All lines so far.
    pub fn all(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// All lines so far, as one text.
    pub fn text(&self) -> String {
        self.lock().join("\n")
    }

    /// The first line that `find` answers for, past or still to come.
    pub async fn wait_for<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let mut state = self.state.subscribe();
        let mut seen = 0;
        let waiting = async {
            loop {
                let open = state.borrow_and_update().0 > 0;
                let new: Vec<String> = self.lock().iter().skip(seen).cloned().collect();
                seen += new.len();
                match new.iter().find_map(|line| find(line)) {
                    Some(found) => return Some(found),
                    None if !open => return None,
                    None => state.changed().await.ok()?,
                }
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("ended without {what}:\n{}", self.text()),
            Err(_) => panic!("no {what} within {PATIENCE:?}:\n{}", self.text()),
        }
    }

    /// Until every writer has closed its end.
    pub(crate) async fn closed(&self) {
        let mut state = self.state.subscribe();
        let closed = tokio::time::timeout(PATIENCE, state.wait_for(|state| state.0 == 0)).await;
        assert!(closed.is_ok(), "still running after {PATIENCE:?}:\n{}", self.text());
    }

    /// As [`Self::closed`], where nothing can be awaited.
    pub(crate) fn closed_blocking(&self) {
        let this = self.clone();
        let wait = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            runtime.expect("a runtime").block_on(this.closed());
        });
        wait.join().ok();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
