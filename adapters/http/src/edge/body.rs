//! The body of an answer on its way out.

use super::access::Access;
use crate::route::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};
use tower::BoxError;
use tower_http::compression::CompressionBody;

/// See the module.
pub struct Body {
    inner: Inner,
    /// Writes the access line when it is dropped, at the end of the body.
    access: Option<Access>,
}

enum Inner {
    Plain(WarpBody),
    Compressed(Pin<Box<CompressionBody<WarpBody>>>),
}

impl Body {
    pub(super) fn plain(body: WarpBody) -> Self {
        Self { inner: Inner::Plain(body), access: None }
    }

    pub(super) fn compressed(body: CompressionBody<WarpBody>) -> Self {
        Self { inner: Inner::Compressed(Box::pin(body)), access: None }
    }

    /// Lives and counts until the body has ended.
    pub(super) fn count(&mut self, access: Access) {
        self.access = Some(access);
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = ready!(match &mut self.inner {
            Inner::Plain(body) => Pin::new(body).poll_frame(cx).map_err(BoxError::from),
            Inner::Compressed(body) => body.as_mut().poll_frame(cx),
        });
        if let (Some(access), Some(Ok(frame))) = (&mut self.access, &frame) {
            access.add(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Plain(body) => body.is_end_stream(),
            Inner::Compressed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Plain(body) => body.size_hint(),
            Inner::Compressed(body) => body.size_hint(),
        }
    }
}

/// warp's type of body, which has no public name.
pub(super) type WarpBody = <Response as Bodied>::Body;

pub(crate) trait Bodied {
    type Body;
}

impl<B> Bodied for http::Response<B> {
    type Body = B;
}
