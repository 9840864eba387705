//! Whether a server accepts connections.

use application::{
    BoxError,
    kinds::wait_for_servers::{Server, Servers},
};
use async_trait::async_trait;
use futures_util::future::select_ok;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};

/// Over TCP.
#[derive(Debug, Default, Clone, Copy)]
pub struct TcpServers;

#[async_trait]
impl Servers for TcpServers {
    async fn dial(&self, server: &Server, limit: Duration) -> Result<(), BoxError> {
        let answer = tokio::time::timeout(limit, connect(server)).await;
        answer.unwrap_or_else(|_| Err(format!("no answer within {limit:?}").into()))
    }
}

async fn connect(server: &Server) -> Result<(), BoxError> {
    let addresses = lookup_host((server.host.as_str(), server.port)).await?;
    // All at once: tried one after the other, an address that does not answer would use up the time of the others.
    let attempts: Vec<_> = addresses.map(|address| Box::pin(TcpStream::connect(address))).collect();
    if attempts.is_empty() {
        return Err("the name has no address".into());
    }
    select_ok(attempts).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        net::{TcpListener, TcpSocket},
        time::timeout,
    };

    const LIMIT: Duration = Duration::from_secs(5);

    fn server(host: &str, port: u16) -> Server {
        Server { host: host.to_owned(), port }
    }

    #[tokio::test]
    async fn a_server_that_listens_answers_by_name_and_by_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost"] {
            TcpServers.dial(&server(host, port), LIMIT).await.unwrap();
        }
    }

    #[tokio::test]
    async fn who_does_not_listen_is_told_with_the_reason() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let error = TcpServers.dial(&server("127.0.0.1", port), LIMIT).await.unwrap_err();
        assert!(error.to_string().contains("refused"), "{error}");
        // RFC 6761, section 6.4: never a name of anything.
        TcpServers.dial(&server("nobody.invalid", port), LIMIT).await.unwrap_err();
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_is_given_up() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        // Nobody accepts them; once the queue is full the kernel answers no more.
        let mut queue = Vec::new();
        while let Ok(connected) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
            queue.push(connected.unwrap());
        }
        let limit = Duration::from_millis(50);
        let error = TcpServers.dial(&server("127.0.0.1", address.port()), limit).await.unwrap_err();
        assert_eq!(error.to_string(), "no answer within 50ms");
    }
}
