//! Lines on their way to standard output: whoever logs appends to a buffer in memory, one thread writes it out.
//!
//! Not slog-async: its queue takes records, which costs an allocation for each key and one for each line, tells nobody
//! how many it has dropped, and cannot be waited for. This one takes finished lines, two buffers in turn.

use crate::Overflow;
use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How long the writer lets lines gather before it takes them. Without it every line under load would wake a thread.
const GATHER: Duration = Duration::from_millis(5);

/// The queue; shared by whoever logs and the writer.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Something was appended, or the end has come.
    filled: Condvar,
    /// The writer has taken the buffer, or has written it.
    emptied: Condvar,
    capacity: usize,
    overflow: Overflow,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    lines: usize,
    dropped: u64,
    writing: bool,
    idle: bool,
    ended: bool,
}

impl Queue {
    /// Starts the writer, which ends after [`Queue::end`] when everything is written.
    pub(crate) fn start(
        capacity: usize,
        overflow: Overflow,
        out: impl Write + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        let queue = Arc::new(Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            emptied: Condvar::new(),
            capacity,
            overflow,
        });
        let writer = Arc::clone(&queue);
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_all(out))?;
        Ok(queue)
    }

    /// Takes the line, or drops and counts it. Answers how many were dropped since the last line that was taken.
    pub(crate) fn push(&self, line: &[u8]) -> u64 {
        let mut state = self.lock();
        while state.lines >= self.capacity && !state.ended {
            if self.overflow == Overflow::Drop {
                state.dropped += 1;
                metrics::counter!("plinth_log_lines_dropped_total").increment(1);
                return 0;
            }
            state = self.emptied.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.buffer.extend_from_slice(line);
        state.lines += 1;
        if mem::take(&mut state.idle) {
            self.filled.notify_one();
        }
        mem::take(&mut state.dropped)
    }

    /// Waits until everything that was logged before is written, `at_most` so long.
    pub(crate) fn flush(&self, at_most: Duration) {
        let until = Instant::now() + at_most;
        let mut state = self.lock();
        while state.lines > 0 || state.writing {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.emptied.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// No further line is waited for.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.filled.notify_one();
        self.emptied.notify_all();
    }

    fn write_all(&self, mut out: impl Write) {
        let mut taken = Vec::new();
        while self.take(&mut taken) {
            // A reader that has gone is no reason to stop serving, and there is nowhere to say so.
            let _ = out.write_all(&taken).and_then(|()| out.flush());
            self.lock().writing = false;
            self.emptied.notify_all();
            if taken.capacity() > 1 << 20 {
                taken = Vec::new(); // a burst does not keep its memory
            }
        }
    }

    /// Waits for lines and swaps them out. `false` at the end.
    fn take(&self, taken: &mut Vec<u8>) -> bool {
        taken.clear();
        let mut state = self.lock();
        while state.lines == 0 {
            if state.ended {
                return false;
            }
            state.idle = true;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.ended {
            drop(state);
            #[expect(clippy::disallowed_methods, reason = "a thread of its own, not one of the runtime's")]
            thread::sleep(GATHER);
            state = self.lock();
        }
        mem::swap(&mut state.buffer, taken);
        state.lines = 0;
        state.writing = true;
        drop(state);
        self.emptied.notify_all();
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
