//! HTTP/2, frame by frame (RFC 9113, section 4.1).

use super::*;
use crate::testing::TASK;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING_FRAME: u8 = 6;

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// The preface, with windows of streams that are shut.
fn preface() -> Vec<u8> {
    [open_preface(), frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0])].concat()
}

fn open_preface() -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", frame(SETTINGS, 0, 0, &[]).as_slice()].concat()
}

/// GET of `path`, whole in one frame: literals of the static table (RFC 7541, appendix A).
fn get(stream: u8, path: &str) -> Vec<u8> {
    let literal = |name: u8, value: &str| [&[name, value.len() as u8], value.as_bytes()].concat();
    let block = [vec![0x82, 0x86], literal(0x04, path), literal(0x01, "a")].concat();
    frame(HEADERS, 0x5, stream, &block)
}

/// Kind and stream of the next frame.
async fn next(client: &mut Client) -> (u8, u8) {
    let mut head = [0; 9];
    timeout(SOON, client.0.read_exact(&mut head)).await.expect("the server sends a frame").unwrap();
    let mut payload = vec![0; usize::from(head[1]) * 256 + usize::from(head[2])];
    client.0.read_exact(&mut payload).await.unwrap();
    (head[3], head[8])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_its_client_does_not_take_is_given_up_and_the_connection_stays() {
    let server = Running::start(|config| config.timeouts.write = Duration::from_millis(200)).await;
    let mut client = server.connect().await;
    client.send([preface(), get(1, "/mon/ping")].concat()).await;
    let started = Instant::now();
    while next(&mut client).await != (RST_STREAM, 1) {
        // Pings do not count as taking anything.
        client.send(frame(PING_FRAME, 0, 0, &[0; 8])).await;
    }
    assert!(started.elapsed() >= Duration::from_millis(200), "given up too early");
    client.send(get(3, "/mon/ping")).await;
    while next(&mut client).await != (HEADERS, 3) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_handler_is_no_answer_that_nobody_takes() {
    let slow = Slow::new();
    let server =
        Running::with(slow.clone(), |config| config.timeouts.write = Duration::from_millis(50)).await;
    let mut client = server.connect().await;
    client.send([preface(), get(1, "/v1/persons")].concat()).await;
    slow.asked.notified().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    slow.go.add_permits(1);
    loop {
        let frame = next(&mut client).await;
        assert_ne!(frame, (RST_STREAM, 1));
        if frame == (HEADERS, 1) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_stream_of_events_is_no_answer_that_nobody_takes() {
    let server = events::serve(|config| config.timeouts.write = Duration::from_millis(50)).await;
    let mut client = server.connect().await;
    client.send([open_preface(), get(1, &format!("{TASK}/events"))].concat()).await;
    // The advice on coming back, and the task.
    for _ in 0..2 {
        while next(&mut client).await != (DATA, 1) {}
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.send(frame(PING_FRAME, 0, 0, &[0; 8])).await;
    loop {
        let frame = next(&mut client).await;
        assert_ne!(frame, (RST_STREAM, 1));
        if frame == (PING_FRAME, 0) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_that_its_client_does_not_take_is_given_up() {
    let server = events::serve(|config| {
        config.timeouts.write = Duration::from_millis(50);
        config.limits.event_streams = 1;
    })
    .await;
    let mut client = server.connect().await;
    client.send([preface(), get(1, &format!("{TASK}/events"))].concat()).await;
    while next(&mut client).await != (RST_STREAM, 1) {}
    timeout(SOON, async { while !events::has_room(&server).await {} })
        .await
        .expect("its place is free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_events_end_first_when_the_server_stops() {
    let server = events::serve(|config| config.timeouts.shutdown = Duration::from_secs(600)).await;
    let mut client = server.connect().await;
    client.send([open_preface(), get(1, &format!("{TASK}/events"))].concat()).await;
    for _ in 0..2 {
        while next(&mut client).await != (DATA, 1) {}
    }
    server.stop.cancel();
    while next(&mut client).await != (DATA, 1) {}
    drop(client); // it answers no pings, and would be waited for
    server.ended().await;
}
