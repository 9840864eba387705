//! The streams of HTTP/2, each a task: one that offers its answer to a client who takes nothing of it for too long is
//! reset. The socket cannot tell, for the client may go on to answer pings and to keep the window of a stream shut.

use hyper::rt::Executor;
use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};
use tokio::{
    task_local,
    time::{Sleep, sleep},
};

/// Spawns streams.
#[derive(Clone)]
pub(super) struct Streams {
    /// How long an answer, or its next part, is offered.
    pub(super) write: Duration,
}

task_local! {
    /// Whether something was offered since the stream was polled last.
    static OFFERED: Cell<bool>;
}

/// The stream whose task this is has an answer, or the client has taken a part of it. Does nothing for HTTP/1, where
/// `stream.rs` sees what is taken.
pub(super) fn offered() {
    let _ = OFFERED.try_with(|offered| offered.set(true));
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let write = self.write;
        tokio::spawn(OFFERED.scope(Cell::new(false), async move {
            let mut stream = pin!(stream);
            let mut waiting: Option<Pin<Box<Sleep>>> = None;
            poll_fn(|cx| {
                if stream.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                // Only a stream that does not end with its answer gets here, and a clock. Its body has all that it needs,
                // so that it waits for nothing but the client.
                if OFFERED.with(|offered| offered.replace(false)) {
                    waiting = Some(Box::pin(sleep(write)));
                }
                waiting.as_mut().map_or(Poll::Pending, |limit| limit.as_mut().poll(cx))
            })
            .await;
        }));
    }
}
