//! One line in the log and one count in the metrics for each request, however it ends.

use super::Body;
use crate::call::Call;
use http_body::Body as _;
use metrics::Gauge;
use slog::{KV, Record, Serializer};
use std::{sync::Arc, time::Duration};

/// Counts its request as in flight; dropped, it writes the line.
pub(super) struct Access {
    call: Arc<Call>,
    in_flight: Gauge,
    status: u16,
    bytes: u64,
}

/// What the line says if the client has gone before the answer; nginx's number for it.
const CLIENT_CLOSED_REQUEST: u16 = 499;

impl Access {
    pub(super) fn start(call: Arc<Call>, in_flight: &Gauge) -> Self {
        in_flight.increment(1.0);
        Self { call, in_flight: in_flight.clone(), status: CLIENT_CLOSED_REQUEST, bytes: 0 }
    }

    /// The answer is there. The line is written now if its length is known, else at the end of its body.
    pub(super) fn answered(mut self, mut response: http::Response<Body>) -> http::Response<Body> {
        self.status = response.status().as_u16();
        match response.body().size_hint().exact() {
            Some(length) => self.bytes = length,
            None => response.body_mut().count(self),
        }
        response
    }

    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }
}

impl Drop for Access {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
        let duration = self.call.started.elapsed();
        let meter = self.call.meter.get().map_or(&self.call.edge.unrouted, Arc::as_ref);
        meter.count(self.status, duration);
        let line = Line { access: self, duration, route: &meter.route };
        if meter.quiet {
            slog::debug!(self.call.log(), "request"; line);
        } else {
            slog::info!(self.call.log(), "request"; line);
        }
    }
}

/// The pairs of the line. They are text and numbers, never what a client has sent but for its method.
struct Line<'a> {
    access: &'a Access,
    duration: Duration,
    route: &'a str,
}

impl KV for Line<'_> {
    fn serialize(&self, _: &Record, serializer: &mut dyn Serializer) -> slog::Result {
        let Access { call, status, bytes, .. } = self.access;
        // The last first, as slog's own pairs: a drain that keeps the order turns them round.
        if call.client != call.peer {
            serializer.emit_arguments("client", &format_args!("{}", call.client))?;
        }
        serializer.emit_arguments("peer", &format_args!("{}", call.peer))?;
        serializer.emit_u64("bytes", *bytes)?;
        // In milliseconds, to the microsecond.
        serializer.emit_f64("duration_ms", self.duration.as_micros() as f64 / 1000.0)?;
        serializer.emit_u16("status", *status)?;
        serializer.emit_str("route", self.route)?;
        serializer.emit_str("method", call.method.as_str())?;
        Ok(())
    }
}
