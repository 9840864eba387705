//! Server-sent events (WHATWG HTML, section 9.2): an answer that goes on until there is nothing more to tell.
//!
//! A stream is no work: its handler has answered, and holds neither a permit nor a deadline. It is bounded by a number of
//! its own, kept alive by comments, and ended when the process stops.

use crate::{
    config::HttpConfig,
    problem::ApiError,
    route::Response,
    seats::{Seat, Seats},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use metrics::{Gauge, gauge};
use serde::Serialize;
use std::{
    convert::Infallible,
    future::ready,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use warp::Reply as _;

/// The media type.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// How long nothing may be sent: shorter than the patience of proxies, and of our own watch over slow clients.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Comes first: when to come back, in milliseconds, should the stream break.
const RETRY: &str = "retry: 2000\n\n";

/// Tells proxies, nginx among them, to hand on what there is.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// All streams of one listener.
pub(crate) struct EventStreams {
    slots: Arc<Semaphore>,
    seats: Seats,
    closing: CancellationToken,
    open: Gauge,
}

/// One event.
pub(crate) struct Event {
    /// What a client that comes back names in `Last-Event-ID`.
    id: i64,
    name: &'static str,
    /// JSON.
    data: String,
}

impl Event {
    /// `body` as JSON is its data.
    pub(crate) fn new(id: i64, name: &'static str, body: &impl Serialize) -> Self {
        // See `reply::json_as`: our bodies cannot fail.
        Self { id, name, data: serde_json::to_string(body).unwrap_or_default() }
    }

    /// As the standard writes it.
    fn text(self) -> String {
        // Within JSON a line ends only where a space would do: a text has it escaped.
        let data = self.data.replace(['\n', '\r'], " ");
        format!("id: {}\nevent: {}\ndata: {data}\n\n", self.id, self.name)
    }
}

/// What a client that comes back has seen last. What is no id of ours is none that it can have seen.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Option<i64> {
    headers.get(LAST_EVENT_ID)?.to_str().ok()?.parse().ok()
}

impl EventStreams {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        let limits = &config.limits;
        Self {
            seats: Seats::new(config, limits.event_streams_per_address),
            slots: Arc::new(Semaphore::new(limits.event_streams.min(Semaphore::MAX_PERMITS))),
            closing: CancellationToken::new(),
            open: gauge!("plinth_http_event_streams"),
        }
    }

    /// Answers `events` until they end. 503 if too many streams are open, or too many of `client` alone.
    pub(crate) fn answer(
        &self,
        client: IpAddr,
        events: impl Stream<Item = Event> + Send + 'static,
    ) -> Result<Response, ApiError> {
        let Some(seat) = self.seats.take(client) else {
            let detail = "too many streams of events are open for your address; try again when one has ended";
            return Err(ApiError::unavailable(detail));
        };
        let Ok(permit) = self.slots.clone().try_acquire_owned() else {
            return Err(ApiError::unavailable("too many streams of events are open; try again in a second"));
        };
        let slot = Slot::new(permit, seat, self.open.clone());
        let lines = lines(Box::pin(events), self.closing.clone(), slot);
        let mut response = warp::reply::stream(Exclusive(Mutex::new(Box::pin(lines)))).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        Ok(response)
    }

    /// Ends all streams, those to come as well.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }
}

/// What is sent, until `events` or the process end.
fn lines(
    events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    closing: CancellationToken,
    slot: Slot,
) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
    let following = stream::unfold((events, closing, slot), |(mut events, closing, slot)| async move {
        let line = tokio::select! {
            biased;
            () = closing.cancelled() => return None,
            event = events.next() => Bytes::from(event?.text()),
            () = sleep(HEARTBEAT) => Bytes::from_static(b":\n\n"),
        };
        Some((Ok(line), (events, closing, slot)))
    });
    stream::once(ready(Ok(Bytes::from_static(RETRY.as_bytes())))).chain(following)
}

/// An open stream.
struct Slot {
    _permit: OwnedSemaphorePermit,
    _seat: Seat,
    open: Gauge,
}

impl Slot {
    fn new(permit: OwnedSemaphorePermit, seat: Seat, open: Gauge) -> Self {
        open.increment(1.0);
        Self { _permit: permit, _seat: seat, open }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.decrement(1.0);
    }
}

/// A stream that nobody but its owner polls: so it may be `Sync`, as warp wants its bodies.
struct Exclusive<S>(Mutex<Pin<Box<S>>>);

impl<S: Stream> Stream for Exclusive<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).as_mut().poll_next(cx)
    }
}

#[cfg(test)]
mod tests;
