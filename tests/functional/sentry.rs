//! Error reports, received by a server that stands in for Sentry.

use plinth_tests::{PATIENCE, Setup, on_both_stacks, person};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};

on_both_stacks!(a_defect_is_reported_with_its_request_id_and_without_secrets);

async fn a_defect_is_reported_with_its_request_id_and_without_secrets(setup: Setup) {
    let (address, mut envelopes) = sentry().await;
    let app = setup.env("SENTRY_DSN", format!("http://canarykey@{address}/1")).start().await;
    app.database().execute("ALTER TABLE persons RENAME COLUMN age TO years").await;
    app.has_defects();
    let body = person(json!({"name": "Canary in the body"}));
    let request = app.post("/v1/persons", &body).header("authorization", "Bearer canary-token");
    let reply = request.header("cookie", "id=canary-cookie").await.expect(500).problem();
    let id = reply.required("x-request-id");
    let reported = async {
        loop {
            let envelope = envelopes.recv().await.expect("the server runs");
            if envelope.contains(id) {
                return envelope;
            }
        }
    };
    let envelope = timeout(PATIENCE, reported).await.expect("an envelope with the request id");
    assert!(envelope.contains("\"environment\":\"test\""), "{envelope}");
    assert!(envelope.contains("\"release\":\"plinth@"), "{envelope}");
    let (_, content) = envelope.split_once("\r\n\r\n").expect("a head and a body");
    let said = content.to_lowercase().replace("canarykey", "");
    assert!(!said.contains("canary"), "{content}");
}

/// A server that takes whatever it is sent, and what it was sent.
async fn sentry() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let (send, receive) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(take(socket, send.clone()));
        }
    });
    (address, receive)
}

/// One request, taken as a whole and answered.
async fn take(mut socket: TcpStream, send: mpsc::UnboundedSender<String>) {
    let (mut all, mut buffer) = (String::new(), vec![0; 64 * 1024]);
    while let Ok(length @ 1..) = socket.read(&mut buffer).await {
        all += &String::from_utf8_lossy(&buffer[..length]);
        if is_whole(&all) {
            send.send(all).ok();
            socket
                .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}")
                .await
                .ok();
            return;
        }
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let head = head.to_lowercase();
    let declared =
        head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    declared.map_or_else(|| body.ends_with("0\r\n\r\n"), |length| body.len() >= length)
}
