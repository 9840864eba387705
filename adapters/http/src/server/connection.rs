//! One connection: hyper over the watched stream, closed when it rests too long and finished when the server stops.

use super::{
    activity::Activity,
    inbound::{Inbound, drain},
    stream::Stream,
    streams::{Streams, exhausted, offered},
};
use crate::{
    config::{HttpConfig, Timeouts},
    edge::{App, Body, Peer},
    events::EVENT_STREAM,
};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Version, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{rt::TokioTimer, server::conn::auto::Builder};
use metrics::{Counter, Gauge, counter, gauge};
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::BoxError;

/// All connections of a server.
pub(super) struct Connections {
    shared: Arc<Shared>,
    tracker: TaskTracker,
    open: Gauge,
    refused: Counter,
}

struct Shared {
    app: App,
    builder: Builder<Streams>,
    timeouts: Timeouts,
    stop: CancellationToken,
    cut: CancellationToken,
}

/// For HTTP/2's farewell to get through.
const FAREWELL: Duration = Duration::from_secs(1);

impl Connections {
    pub(super) fn new(app: App, config: &HttpConfig, stop: CancellationToken) -> Self {
        let (timeouts, cut) = (config.timeouts.clone(), CancellationToken::new());
        Self {
            shared: Arc::new(Shared { app, builder: builder(config), timeouts, stop, cut }),
            tracker: TaskTracker::new(),
            open: gauge!("plinth_http_connections"),
            refused: counter!("plinth_http_connections_refused_total"),
        }
    }

    /// Serves one connection in a task of its own, which holds `permit`.
    pub(super) fn serve(&self, stream: TcpStream, peer: SocketAddr, permit: impl Send + 'static) {
        let (shared, open) = (self.shared.clone(), self.open.clone());
        self.tracker.spawn(async move {
            let _permit = permit;
            open.increment(1.0);
            shared.serve(stream, peer).await;
            open.decrement(1.0);
        });
    }

    /// A connection more than its address may have.
    pub(super) fn refused(&self) {
        self.refused.increment(1);
    }

    /// The machine is short of something, most likely of file descriptors.
    pub(super) fn accept_failed(&self, error: &io::Error) {
        slog::warn!(self.shared.app.log(), "cannot accept a connection"; "error" => %error);
    }

    /// Waits until the last one is closed.
    pub(super) async fn drained(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Closes whatever is left.
    pub(super) async fn cut(&self) {
        slog::warn!(self.shared.app.log(), "connections cut at the deadline"; "connections" => self.tracker.len());
        self.shared.cut.cancel();
        self.drained().await;
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let activity = Arc::new(Activity::new(&self.timeouts));
        let stream = Stream::new(stream, activity.clone(), self.timeouts.write);
        let (shared, watched) = (self.clone(), activity.clone());
        let service = service_fn(move |request| shared.clone().answer(request, peer, watched.clone()));
        let mut connection = pin!(self.builder.serve_connection(stream, service));
        let mut alarm = pin!(sleep(activity.left().unwrap_or_default()));
        let (mut closing, mut stopping) = (false, false);
        loop {
            tokio::select! {
                // An error is the client's, or a time-out of ours: hyper has answered what can be answered.
                _ended = connection.as_mut() => return,
                () = alarm.as_mut() => match activity.left() {
                    _ if closing => return,
                    None if activity.in_header() => return,
                    Some(left) => alarm.as_mut().reset(Instant::now() + left),
                    None => {
                        closing = true;
                        connection.as_mut().graceful_shutdown();
                        alarm.as_mut().reset(Instant::now() + FAREWELL);
                    }
                },
                () = self.stop.cancelled(), if !stopping => {
                    stopping = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = self.cut.cancelled() => return,
            }
        }
    }

    async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        activity: Arc<Activity>,
    ) -> Result<Response<BusyBody>, Infallible> {
        let multiplexed = request.version() == Version::HTTP_2;
        let busy = Busy::begin(activity, multiplexed);
        request.extensions_mut().insert(Peer(peer));
        let has_body = !request.body().is_end_stream();
        let expects = request.headers().contains_key(header::EXPECT);
        let rest = (has_body && !multiplexed).then(|| busy.0.clone());
        let mut response = self.app.call(request.map(|body| Inbound::new(body, rest))).await;
        if has_body && multiplexed && response.status().is_client_error() {
            busy.0.unread.store(true, Relaxed);
        } else if has_body && !multiplexed {
            settle(&busy.0, &mut response, expects).await;
        }
        if !multiplexed && is_endless(&response) {
            busy.0.listen();
        }
        offered();
        Ok(response.map(|body| BusyBody { body, _busy: busy }))
    }
}

/// Whether only the client can end this answer.
fn is_endless(response: &Response<Body>) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == EVENT_STREAM)
}

/// Where the next request would begin is known only after the body of this one. If that is not read to its end, the answer
/// says that the connection is closed. A client that `expects` to be told to go on has sent nothing yet.
async fn settle(activity: &Activity, response: &mut Response<Body>, expects: bool) {
    let Some(rest) = activity.take_rest() else { return };
    let is_closing = response.headers().contains_key(header::CONNECTION);
    if !is_closing && !expects && drain(rest).await {
        activity.unread.store(false, Relaxed);
    } else if !is_closing {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

fn builder(config: &HttpConfig) -> Builder<Streams> {
    /// Above every limit of ours, so that our own answer to an excess has a body.
    const BUFFER: usize = 64 * 1024;
    let mut builder = Builder::new(Streams { write: config.timeouts.write });
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None) // see `activity`
        .half_close(true) // who has sent all may close that side and wait for the answer
        .max_buf_size(BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(config.limits.streams_per_connection)
        .max_header_list_size(BUFFER as u32)
        .max_send_buf_size(BUFFER)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// A request under way on a connection, until its answer is sent.
struct Busy(Arc<Activity>);

impl Busy {
    fn begin(activity: Arc<Activity>, multiplexed: bool) -> Self {
        activity.begin(multiplexed);
        Self(activity)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A body that keeps its connection busy.
struct BusyBody {
    body: Body,
    _busy: Busy,
}

impl http_body::Body for BusyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        match frame {
            Poll::Ready(_) => offered(),
            Poll::Pending => exhausted(),
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
