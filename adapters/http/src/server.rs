//! The accept loop: connections under limits of number and time, HTTP/1.1 and HTTP/2 without TLS, and an orderly end.
//!
//! What `warp::serve` lacks and this has: a bound on connections, altogether and for each address; bounds on silence, on
//! slow headers and on slow readers; and a stop with a deadline.

mod activity;
mod connection;
mod inbound;
mod stream;
mod streams;

use crate::{config::HttpConfig, edge::App, seats::Seats};
use connection::Connections;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream, ToSocketAddrs},
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// A listener and what it serves.
pub struct Server {
    listener: TcpListener,
    app: App,
    config: HttpConfig,
}

/// How long to wait after a failed accept: the cause, such as too many open files, does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Server {
    /// Listens on `address`; connections are taken up by [`Server::run`]. A port of 0 takes any that is free.
    pub async fn bind(address: impl ToSocketAddrs, app: App, config: &HttpConfig) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, app, config: config.clone() })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`. Then streams of events end, no connection is accepted, those at rest are closed, and requests under way are
    /// finished, their handlers too, up to the time-out `shutdown`; what is left then is cut.
    pub async fn run(self, stop: CancellationToken) {
        let Self { listener, app, config } = self;
        let connections = Connections::new(app.clone(), &config, stop.clone());
        tokio::select! {
            () = accept(listener, &connections, &config) => {}
            () = stop.cancelled() => {}
        }
        // First: they would not end by themselves, and hold up the end of their connections.
        app.close_streams();
        let deadline = Instant::now() + config.timeouts.shutdown;
        if timeout_at(deadline, connections.drained()).await.is_err() {
            connections.cut().await;
        }
        if timeout_at(deadline, app.drained()).await.is_err() {
            app.report_unfinished();
        }
    }
}

/// Never ends by itself. Dropped, it closes the listener.
async fn accept(listener: TcpListener, connections: &Connections, config: &HttpConfig) {
    let slots = Arc::new(Semaphore::new(config.limits.connections.min(Semaphore::MAX_PERMITS)));
    let seats = Seats::new(config, config.limits.connections_per_address);
    // Acquire before accepting: what finds no slot waits in the kernel's queue.
    while let Ok(slot) = slots.clone().acquire_owned().await {
        let (stream, peer): (TcpStream, SocketAddr) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_of_the_client(&error) => continue,
            Err(error) => {
                connections.accept_failed(&error);
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        match seats.take(peer.ip().to_canonical()) {
            Some(seat) => connections.serve(stream, peer, (slot, seat)),
            None => connections.refused(),
        }
    }
}

/// The client has gone before we could accept it: nothing is wrong here.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
