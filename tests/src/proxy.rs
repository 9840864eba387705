//! An outage on demand: a proxy in front of a server, which passes, cuts, refuses, freezes or delays. No root needed.

use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What the proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Nothing.
    Fair,
    /// Ends every connection, and each new one at once.
    Cut,
    /// Nobody listens any more; connections that are open are ended.
    Refuse,
    /// Connections are taken and stay, and no byte gets through.
    Freeze,
    /// Each piece of data comes later, in both directions.
    Delay(Duration),
}

/// A proxy on a port of its own. It ends with the test.
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    acceptor: JoinHandle<()>,
}

impl Proxy {
    /// In front of the server at `target`.
    pub async fn start(target: impl Into<SocketAddr>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let weather = watch::Sender::new(Weather::Fair);
        let acceptor = tokio::spawn(accept(listener, target.into(), weather.subscribe()));
        Self { address, weather, acceptor }
    }

    /// In front of the server of the database at `url`.
    pub async fn before(url: &str) -> Self {
        let url = url::Url::parse(url).expect("the address of a database");
        let server = (url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let mut addresses = tokio::net::lookup_host(server).await.expect("a host with an address");
        Self::start(addresses.next().expect("an address")).await
    }

    /// The address of the same database through the proxy.
    pub fn url(&self, database: &str) -> String {
        let mut url = url::Url::parse(database).expect("the address of a database");
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(self.address.port())).expect("a port");
        url.into()
    }

    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather, for open connections too.
    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, mut weather: watch::Receiver<Weather>) {
    let address = listener.local_addr().expect("bound");
    let mut listener = Some(listener);
    loop {
        let now = *weather.borrow_and_update();
        if now == Weather::Refuse {
            listener = None;
        } else if listener.is_none() {
            listener = Some(TcpListener::bind(address).await.expect("the port is still ours"));
        }
        let accepting = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = weather.changed() => if changed.is_err() { return },
            accepted = accepting => if let (Ok((client, _)), true) = (accepted, now != Weather::Cut) {
                tokio::spawn(serve(client, target, weather.clone()));
            },
        }
    }
}

async fn serve(client: TcpStream, target: SocketAddr, weather: watch::Receiver<Weather>) {
    let Ok(server) = TcpStream::connect(target).await else { return };
    client.set_nodelay(true).ok();
    server.set_nodelay(true).ok();
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut end = weather.clone();
    let is_end = |weather: &Weather| matches!(weather, Weather::Cut | Weather::Refuse);
    let weather = Arc::new(weather);
    tokio::select! {
        _ = end.wait_for(is_end) => {}
        () = copy(from_client, to_server, weather.clone()) => {}
        () = copy(from_server, to_client, weather.clone()) => {}
    }
}

async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, weather: Arc<watch::Receiver<Weather>>) {
    let mut weather = watch::Receiver::clone(&weather);
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let Ok(now) = weather.wait_for(|weather| *weather != Weather::Freeze).await.map(|now| *now) else {
            return;
        };
        if let Weather::Delay(delay) = now {
            tokio::time::sleep(delay).await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
