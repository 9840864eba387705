//! What the figures of this adapter mean: the lines `HELP` at `/metrics`.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// To be called once the recorder is installed; again does no harm.
pub(crate) fn metrics() {
    describe_counter!(
        "plinth_http_requests_total",
        "Requests answered, by method, route and class of status"
    );
    describe_histogram!(
        "plinth_http_request_duration_seconds",
        Unit::Seconds,
        "How long requests took, from their header to the end of the answer"
    );
    describe_counter!("plinth_http_deprecated_requests_total", "Uses of deprecated operations");
    describe_counter!(
        "plinth_http_shed_total",
        "Requests refused because too many were at work, or their bodies took too much memory"
    );
    describe_gauge!(
        "plinth_http_in_flight",
        "Requests that have begun and whose answer is not sent to its end"
    );
    describe_gauge!("plinth_http_event_streams", "Open streams of events");
    describe_gauge!("plinth_http_connections", "Open connections");
    describe_counter!(
        "plinth_http_connections_refused_total",
        "Connections closed because their IP address had too many"
    );
}

#[cfg(test)]
mod tests;
