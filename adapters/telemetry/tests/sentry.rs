//! Errors and panics reach a server that speaks Sentry's protocol, with their request and without secrets. One test in
//! a process of its own, since Sentry, the panic hook and standard output are one each per process.
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test, in functions that do not look like one"
)]

use adapter_telemetry::{LogConfig, Logs, Sentry, SentryConfig, Style};
use application::Clock;
use chrono::{DateTime, Utc};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

struct Epoch;
impl Clock for Epoch {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }
}

/// Answers 200 to everything and passes the bodies on.
fn server() -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, bodies) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            thread::spawn(move || answer(stream.unwrap(), &sender));
        }
    });
    (port, bodies)
}

fn answer(stream: TcpStream, bodies: &mpsc::Sender<String>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        bodies.send(String::from_utf8(body).unwrap()).unwrap();
        (&stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    }
}

/// One after the other: the first thread that touches Sentry is the process's main one to it, and what a panicking
/// thread reports goes to that one's client.
#[test]
fn errors_and_panics_reach_sentry_and_its_silence_delays_nothing() {
    errors_and_panics_arrive_with_their_request_and_without_secrets();
    a_sentry_that_never_answers_delays_the_end_by_its_time_out_only();
}

fn errors_and_panics_arrive_with_their_request_and_without_secrets() {
    let (port, bodies) = server();
    let dsn = format!("http://key@127.0.0.1:{port}/42");
    let config = SentryConfig { dsn: Some(dsn.into()), ..SentryConfig::default() };
    let logs = Logs::start(&LogConfig::default(), Style::Json, Arc::new(Epoch)).unwrap();
    let sentry = Sentry::start(&config, "plinth@0.1.0+abc", "test").unwrap();

    let log = logs.root.new(slog::o!("request_id" => "r-7"));
    slog::warn!(log, "a warning is no report");
    slog::error!(log, "cannot reach postgres://ada:canary@db/x"; "token" => "canary", "attempt" => 3);
    let _ = thread::spawn(|| panic!("out of ideas")).join();
    drop(sentry);

    let received: Vec<String> = bodies.try_iter().collect();
    assert_eq!(received.len(), 2, "{received:#?}");
    let (error, panic) = (&received[0], &received[1]);
    for part in [
        r#""request_id":"r-7""#,
        "plinth@0.1.0+abc",
        r#""environment":"test""#,
        "ada:***@db",
        r#""attempt":3"#,
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    for part in [r#""type":"panic""#, "out of ideas", r#""stacktrace""#, r#""level":"fatal""#] {
        assert!(panic.contains(part), "{part} in {panic}");
    }
    assert!(!received.iter().any(|body| body.contains("canary")), "{received:#?}");
}

fn a_sentry_that_never_answers_delays_the_end_by_its_time_out_only() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let dsn = format!("http://key@127.0.0.1:{}/42", silent.local_addr().unwrap().port());
    let config = SentryConfig { dsn: Some(dsn.into()), ..SentryConfig::default() };
    let started = std::time::Instant::now();
    let sentry = Sentry::start(&config, "r", "test").unwrap();
    for _ in 0..100 {
        sentry::capture_message("lost", sentry::Level::Error);
    }
    assert!(started.elapsed() < Duration::from_secs(1));
    drop(sentry);
    assert!(started.elapsed() < Duration::from_secs(4));
}
