//! The peer that ours is measured against: persons on axum and sqlx, written straight down, without layers.
//!
//! `DATABASE_URL` and `PORT` are required. `BARE=1` leaves out what `duties.rs` adds to every request.

mod duties;
mod persons;

use axum::{Json, Router, routing::get, serve::ListenerExt};
use sqlx::postgres::PgPoolOptions;
use std::{env, net::SocketAddr, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = PgPoolOptions::new()
        .max_connections(env::var("POOL").map_or(Ok(16), |n| n.parse())?)
        // sqlx asks each connection whether it lives before it lends it: a round trip that a careful engineer saves.
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(3))
        .connect(&env::var("DATABASE_URL")?)
        .await?;
    let routes = Router::new()
        .route("/v1/persons", get(persons::list).post(persons::create))
        .route("/v1/persons/{id}", get(persons::show))
        .route("/mon/ping", get(|| async { Json("pong") }))
        .with_state(pool);
    let app = if env::var("BARE").is_ok_and(|bare| bare == "1") { routes } else { duties::add(routes)? };
    let address = SocketAddr::from(([127, 0, 0, 1], env::var("PORT")?.parse()?));
    let listener = tokio::net::TcpListener::bind(address).await?.tap_io(|tcp| _ = tcp.set_nodelay(true));
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
