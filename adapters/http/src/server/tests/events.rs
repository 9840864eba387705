//! Streams of events over sockets: they are as long as their task, and hold nothing up.

use super::*;
use crate::testing::{TASK, story};
use application::MockTaskRepository;
use domain::TaskState;

const EVENT: &str = "event: task\ndata: ";

fn follow() -> String {
    format!("GET {TASK}/events HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// A server with a task that does not get on.
pub(super) async fn serve(change: impl FnOnce(&mut HttpConfig)) -> Running {
    let mut tasks = MockTaskRepository::new();
    tasks.expect_stories().returning(|_| Ok(vec![story(TaskState::Queued)]));
    let mut config = HttpConfig::default();
    change(&mut config);
    Running::serve(config, &Ports { tasks, ..Ports::default() }.services()).await
}

/// Whether a further stream may be opened.
pub(super) async fn has_room(server: &Running) -> bool {
    server.connect().await.ask(&follow()).await.starts_with("HTTP/1.1 200 ")
}

impl Client {
    /// Is told of the task.
    async fn follows(&mut self) {
        self.send(follow()).await;
        let begun = self.until(EVENT).await;
        assert!(begun.starts_with("HTTP/1.1 200 OK\r\n"), "{begun}");
        self.until("\n\n").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_first_when_the_server_stops() {
    let server = serve(|config| config.timeouts.shutdown = Duration::from_secs(600)).await;
    let mut client = server.connect().await;
    client.follows().await;
    server.stop.cancel();
    // The end of a chunked body: the client knows that nothing was cut.
    assert_eq!(client.until("").await, "\r\n0\r\n\r\n");
    server.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_makes_room_at_once() {
    for half in [false, true] {
        let server = serve(|config| config.limits.event_streams = 1).await;
        let mut client = server.connect().await;
        client.follows().await;
        if half {
            client.0.shutdown().await.unwrap();
            client.until("").await;
        }
        drop(client);
        // The end of a connection is noticed a moment later.
        timeout(SOON, async { while !has_room(&server).await {} }).await.expect("its place is free again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_on_after_a_stream_has_ended() {
    let mut tasks = MockTaskRepository::new();
    tasks.expect_stories().returning(|_| Ok(vec![story(TaskState::Succeeded)]));
    let services = Ports { tasks, ..Ports::default() }.services();
    let server = Running::serve(HttpConfig::default(), &services).await;
    let mut client = server.connect().await;
    client.follows().await;
    client.until("0\r\n\r\n").await;
    client.send(PING).await;
    assert!(client.until("pong").await.starts_with("HTTP/1.1 200 OK\r\n"));
}
