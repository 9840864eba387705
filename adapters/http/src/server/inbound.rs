//! The body of a request on its way in, and what becomes of one that nobody reads.

use super::activity::Activity;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::timeout;

/// A body that is left with its connection if it is dropped before its end.
pub(super) struct Inbound {
    body: Option<Incoming>,
    /// None if the rest does not matter: HTTP/2 ends a stream alone.
    activity: Option<Arc<Activity>>,
}

/// The longest rest, in bytes, that is read rather than the connection closed, and how long.
const DRAINED: u64 = 64 * 1024;
const PATIENCE: Duration = Duration::from_millis(100);

impl Inbound {
    pub(super) fn new(body: Incoming, activity: Option<Arc<Activity>>) -> Self {
        Self { body: Some(body), activity }
    }
}

/// Reads and forgets `body`; false if it is long or slow.
pub(super) async fn drain(body: Incoming) -> bool {
    if body.size_hint().lower() > DRAINED {
        return false;
    }
    let all = async {
        let mut body = pin!(body);
        let mut length = 0;
        while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            let Ok(frame) = frame else { return false };
            length += frame.data_ref().map_or(0, Bytes::len) as u64;
            if length > DRAINED {
                return false;
            }
        }
        true
    };
    timeout(PATIENCE, all).await.unwrap_or(false)
}

impl http_body::Body for Inbound {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None) = frame {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        if let (Some(body), Some(activity)) = (self.body.take(), &self.activity)
            && !body.is_end_stream()
        {
            activity.leave(body);
        }
    }
}
