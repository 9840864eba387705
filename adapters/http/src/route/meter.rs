//! The figures of one route, resolved once, so that counting a request is a few atomic additions.

use metrics::{Counter, Histogram, counter, histogram};
use std::time::Duration;

/// See the module.
pub(crate) struct Meter {
    /// The pattern of the path, or `none`.
    pub(crate) route: String,
    /// Log at debug.
    pub(crate) quiet: bool,
    /// By class of status, `1xx` to `5xx`.
    classes: [(Counter, Histogram); 5],
}

impl Meter {
    /// `method` is what the route answers; `OTHER` for what it does not.
    pub(crate) fn new(method: &str, route: &str, quiet: bool) -> Self {
        let class = |class: &'static str| {
            let labels =
                [("method", method.to_owned()), ("route", route.to_owned()), ("status", class.to_owned())];
            (
                counter!("plinth_http_requests_total", &labels),
                histogram!("plinth_http_request_duration_seconds", &labels),
            )
        };
        Self { route: route.to_owned(), quiet, classes: ["1xx", "2xx", "3xx", "4xx", "5xx"].map(class) }
    }

    /// A request was answered.
    pub(crate) fn count(&self, status: u16, duration: Duration) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some((requests, durations)) = self.classes.get(class) {
            requests.increment(1);
            durations.record(duration);
        }
    }
}
