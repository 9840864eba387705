//! Each weather, against a server that repeats what it hears.

use super::{Proxy, Weather};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

#[tokio::test]
async fn in_fair_weather_it_is_not_noticed() {
    let (proxy, mut connection) = connected().await;
    assert_eq!(echo(&mut connection).await, Some(*b"ping"));
    drop(proxy);
}

#[tokio::test]
async fn a_cut_ends_what_is_open_and_what_comes() {
    let (proxy, mut connection) = connected().await;
    proxy.set(Weather::Cut);
    assert_eq!(echo(&mut connection).await, None);
    let mut next = TcpStream::connect(proxy.address()).await.expect("somebody listens");
    assert_eq!(echo(&mut next).await, None);
    proxy.set(Weather::Fair);
    let mut next = TcpStream::connect(proxy.address()).await.expect("somebody listens");
    assert_eq!(echo(&mut next).await, Some(*b"ping"));
}

#[tokio::test]
async fn a_refusal_is_over_on_the_same_port() {
    let (proxy, mut connection) = connected().await;
    proxy.set(Weather::Refuse);
    assert_eq!(echo(&mut connection).await, None);
    let refused = async || TcpStream::connect(proxy.address()).await.is_err();
    crate::within(Duration::from_secs(5), "nobody listens", refused).await;
    proxy.set(Weather::Fair);
    let accepted = async || TcpStream::connect(proxy.address()).await.is_ok();
    crate::within(Duration::from_secs(5), "somebody listens again", accepted).await;
}

#[tokio::test]
async fn what_is_frozen_comes_when_it_thaws() {
    let (proxy, mut connection) = connected().await;
    assert_eq!(echo(&mut connection).await, Some(*b"ping"));
    proxy.set(Weather::Freeze);
    assert!(timeout(Duration::from_millis(100), echo(&mut connection)).await.is_err());
    proxy.set(Weather::Fair);
    let mut thawed = [0; 4];
    connection.read_exact(&mut thawed).await.expect("the answer");
    assert_eq!(thawed, *b"ping");
}

#[tokio::test]
async fn a_delay_counts_in_both_directions() {
    let (proxy, mut connection) = connected().await;
    proxy.set(Weather::Delay(Duration::from_millis(50)));
    let started = Instant::now();
    assert_eq!(echo(&mut connection).await, Some(*b"ping"));
    assert!(started.elapsed() >= Duration::from_millis(100));
}

async fn connected() -> (Proxy, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let server = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = socket.split();
                tokio::io::copy(&mut from, &mut to).await.ok();
            });
        }
    });
    let proxy = Proxy::start(server).await;
    let connection = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
    (proxy, connection)
}

/// What comes back; nothing if the connection has ended.
async fn echo(connection: &mut TcpStream) -> Option<[u8; 4]> {
    let mut heard = [0; 4];
    connection.write_all(b"ping").await.ok()?;
    connection.read_exact(&mut heard).await.ok()?;
    Some(heard)
}
