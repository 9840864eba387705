//! The least that can answer `GET /mon/ping` on hyper: one constant body, nothing else. `PORT` is required.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode, body::Incoming, header, http, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::env;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(("127.0.0.1", env::var("PORT")?.parse()?)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn answer(request: Request<Incoming>) -> http::Result<Response<Full<Bytes>>> {
    let found = request.uri().path() == "/mon/ping";
    Response::builder()
        .status(if found { StatusCode::OK } else { StatusCode::NOT_FOUND })
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from_static(b"\"pong\"")))
}
