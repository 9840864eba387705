//! HTTP by the byte, for what no well-behaved client sends.

use crate::PATIENCE;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// One connection.
pub struct Raw(TcpStream);

impl Raw {
    /// To `address`, host and port.
    pub async fn connect(address: &str) -> Self {
        Self(TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}")))
    }

    /// Sends bytes as they are. That the other side has hung up already is for [`Self::rest`] to find.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.write_all(bytes.as_ref()).await.ok();
        self
    }

    /// Everything until the other side hangs up.
    pub async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        let reading = async {
            // A reset ends the answer as well as an orderly end does.
            while let Ok(length @ 1..) = self.0.read(&mut buffer).await {
                all.extend_from_slice(&buffer[..length]);
            }
        };
        timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("still open after {PATIENCE:?}"));
        String::from_utf8_lossy(&all).into_owned()
    }

    /// The next `length` bytes.
    pub async fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let read = timeout(PATIENCE, self.0.read_exact(&mut bytes)).await;
        read.unwrap_or_else(|_| panic!("no answer within {PATIENCE:?}")).expect("the connection is open");
        bytes
    }

    /// The answer up to the end of its head.
    pub async fn head(&mut self) -> String {
        let mut all = Vec::new();
        let reading = async {
            while !all.ends_with(b"\r\n\r\n") {
                match self.0.read_u8().await {
                    Ok(byte) => all.push(byte),
                    Err(_) => break,
                }
            }
        };
        timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("no answer within {PATIENCE:?}"));
        String::from_utf8_lossy(&all).into_owned()
    }
}
