//! Bodies that nobody reads, and clients that close their half of the connection.

use super::*;

const ONE: &str = "/v1/persons/0190b6f0-0000-7000-8000-000000000007";

fn request(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_body_that_nobody_reads_is_drained_and_the_connection_goes_on() {
    let server = Running::start(|_| ()).await;
    for (method, path, status) in [
        ("GET", "/mon/ping", "200"),
        ("POST", "/v1/persons", "415"),
        ("POST", "/nothing", "404"),
        ("PUT", "/mon/ping", "405"),
        ("DELETE", "/v1/persons/x", "400"),
    ] {
        for framing in
            [("Content-Length: 5", "12345"), ("Transfer-Encoding: chunked", "5\r\n12345\r\n0\r\n\r\n")]
        {
            let mut client = server.connect().await;
            client.send(request(method, path, framing.0)).await;
            // As clients do that write header and body one after the other.
            tokio::time::sleep(Duration::from_millis(5)).await;
            client.send(framing.1).await;
            client.send(PING).await;
            let answers = client.until("pong").await;
            assert!(answers.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answers}");
            let pong = if status == "200" { client.until("pong").await } else { answers };
            assert!(pong.ends_with("pong") && !pong.contains("connection: close"), "{method} {path}: {pong}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_body_that_nobody_reads_closes_the_connection_and_the_answer_says_so() {
    let server = Running::start(|_| ()).await;
    for (method, path, headers, status) in [
        ("GET", "/mon/ping", "Content-Length: 10000000", "200"),
        ("POST", "/nothing", "Content-Length: 10000000", "404"),
        ("POST", "/v1/persons", "Content-Length: 5", "415"),
        ("POST", "/nothing", "Content-Length: 5\r\nExpect: 100-continue", "404"),
        ("PUT", ONE, "Transfer-Encoding: chunked", "415"),
    ] {
        let mut client = server.connect().await;
        client.send(request(method, path, headers)).await;
        let answer = client.until("").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path}: {answer}");
        assert!(answer.contains("connection: close"), "{method} {path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_sent_all_may_close_that_side_and_is_answered() {
    let slow = Slow::new();
    let server = Running::with(slow.clone(), |_| ()).await;
    let mut client = server.connect().await;
    client.send(LIST).await;
    client.0.shutdown().await.unwrap();
    timeout(SOON, slow.asked.notified()).await.expect("the request is worked on");
    // For the server to see the end of the stream before it has the answer.
    tokio::time::sleep(Duration::from_millis(50)).await;
    slow.go.add_permits(1);
    assert!(client.until("").await.ends_with("{\"objects\":[],\"next\":null,\"prev\":null}"));
}
