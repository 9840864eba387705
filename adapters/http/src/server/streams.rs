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

/// What a stream waits for.
#[derive(Clone, Copy)]
enum For {
    /// The client, to take what is offered.
    Client,
    /// More of the answer.
    Answer,
}

task_local! {
    /// What has become of the answer since the stream was polled last; none if nothing has.
    static WAITING: Cell<Option<For>>;
}

/// The stream whose task this is has an answer, or the client has taken a part of it. Does nothing for HTTP/1, where
/// `stream.rs` sees what is taken.
pub(super) fn offered() {
    let _ = WAITING.try_with(|waiting| waiting.set(Some(For::Client)));
}

/// All that there is of the answer so far was offered: it is an endless one, for any other has all that it needs. Whether
/// the client takes it shows when there is more.
pub(super) fn exhausted() {
    let _ = WAITING.try_with(|waiting| waiting.set(Some(For::Answer)));
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        let write = self.write;
        tokio::spawn(WAITING.scope(Cell::new(None), async move {
            let mut stream = pin!(stream);
            let mut patience: Option<Pin<Box<Sleep>>> = None;
            poll_fn(|cx| {
                if stream.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                // Only a stream that does not end with its answer gets here, and a clock.
                match WAITING.with(Cell::take) {
                    Some(For::Client) => patience = Some(Box::pin(sleep(write))),
                    Some(For::Answer) => patience = None,
                    None => {}
                }
                patience.as_mut().map_or(Poll::Pending, |limit| limit.as_mut().poll(cx))
            })
            .await;
        }));
    }
}
