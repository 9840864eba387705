//! A panic becomes a log line, and through it an error report, instead of a few words on standard error.

use crate::queue::Queue;
use slog::Logger;
use std::{
    panic::{self, PanicHookInfo},
    sync::Arc,
    time::Duration,
};

/// Marks the record of a panic for [`crate::sentry`].
pub(crate) const TAG: &str = "panic";

/// Long enough for a reader that reads; a stuck one may not stop a process that survives the panic.
const FLUSH: Duration = Duration::from_millis(200);

pub(crate) fn log_them(log: Logger, queue: Arc<Queue>) {
    panic::set_hook(Box::new(move |info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current();
        slog::crit!(log, #TAG, "panic: {}", message(info);
            "location" => location, "thread" => thread.name().unwrap_or("unnamed"));
        queue.flush(FLUSH);
    }));
}

fn message<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("of an unknown kind")
}
