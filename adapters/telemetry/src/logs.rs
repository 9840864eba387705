//! The root logger: level, Sentry, line, queue, in this order.

use crate::{Level, LogConfig, line::Lines, pairs::Style, panics, queue::Queue, sentry::report};
use application::Clock;
use slog::{Drain, Logger, OwnedKVList, Record};
use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

/// How long the end of the process waits for standard output.
const LAST_FLUSH: Duration = Duration::from_secs(2);

/// The logs of this process. Dropping it writes what is still waiting.
pub struct Logs {
    /// What every other logger is made from.
    pub root: Logger,
    level: Arc<AtomicUsize>,
    queue: Arc<Queue>,
    _libraries: slog_scope::GlobalLoggerGuard,
}

impl Logs {
    /// Starts logging to standard output; library records from `warn` and panics go there too.
    pub fn start(config: &LogConfig, style: Style, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let logs = Self::start_to(config, style, clock, io::stdout())?;
        panics::log_them(logs.root.clone(), Arc::clone(&logs.queue));
        // Fails only if some other logger is there already: in tests, where one will do.
        let _ = slog_stdlog::init_with_level(log::Level::Warn);
        Ok(logs)
    }

    fn start_to(
        config: &LogConfig,
        style: Style,
        clock: Arc<dyn Clock>,
        out: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let level = Arc::new(AtomicUsize::new(slog::Level::from(config.level).as_usize()));
        let queue = Queue::start(config.queue_size, config.overflow, out)?;
        let lines = Lines::new(style, clock);
        let root =
            Logger::root(Root { level: Arc::clone(&level), lines, queue: Arc::clone(&queue) }, slog::o!());
        let libraries = slog_scope::set_global_logger(root.new(slog::o!("component" => "library")));
        Ok(Self { root, level, queue, _libraries: libraries })
    }

    /// From now on `level` is the least severe that is written.
    pub fn set_level(&self, level: Level) {
        self.level.store(slog::Level::from(level).as_usize(), Ordering::Relaxed);
    }

    /// Waits until everything that was logged before is written, or standard output has taken nothing for too long.
    pub fn flush(&self) {
        self.queue.flush(LAST_FLUSH);
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.flush();
        self.queue.end();
    }
}

struct Root {
    level: Arc<AtomicUsize>,
    lines: Lines,
    queue: Arc<Queue>,
}

impl Drain for Root {
    type Ok = ();
    type Err = slog::Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), slog::Never> {
        // Nothing of the record has been formatted yet, so a line that is not wanted costs this one look.
        if !self.is_enabled(record.level()) {
            return Ok(());
        }
        report(record, values);
        let dropped = self.lines.with(record, values, |line| self.queue.push(line));
        if dropped > 0 {
            let said = format_args!("standard output was too slow; lines were dropped");
            self.lines.with(
                &slog::record!(slog::Level::Warning, "", &said, slog::b!("count" => dropped)),
                &slog::o!().into(),
                |line| self.queue.push(line),
            );
        }
        Ok(())
    }

    fn is_enabled(&self, level: slog::Level) -> bool {
        level.as_usize() <= self.level.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests;
