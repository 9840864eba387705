//! Large bodies share a budget, and small ones need none of it.

use crate::{
    App, HttpConfig,
    testing::{Answer, json, send, services, untouched},
};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http_body::Frame;
use http_body_util::StreamBody;
use std::{convert::Infallible, time::Duration};
use tokio::{task::JoinHandle, time::Instant};

const KIB: usize = 1024;

fn app(change: impl FnOnce(&mut HttpConfig)) -> App {
    let mut config = HttpConfig::default();
    config.limits.body_bytes = 64 * KIB;
    config.limits.upload_bytes = 40 * KIB;
    config.limits.bodies_bytes = 100 * KIB;
    change(&mut config);
    crate::public(&config, &services(untouched()))
}

/// What is no object: read to its end, it is 422.
async fn post(app: &App, length: usize) -> Answer {
    send(app, json("POST", "/v1/persons"), format!("\"{}\"", "x".repeat(length - 2))).await
}

/// Sends so many bytes of a body that does not end.
async fn stuck(app: &App, length: usize) -> JoinHandle<()> {
    let chunk = Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b' '; length])));
    let body = StreamBody::new(stream::iter([chunk]).chain(stream::pending()));
    let (app, request) = (app.clone(), json("POST", "/v1/persons").body(body).unwrap());
    let task = tokio::spawn(async move { drop(app.call(request).await) });
    tokio::time::sleep(Duration::from_millis(1)).await;
    task
}

#[tokio::test(start_paused = true)]
async fn large_bodies_beyond_the_budget_are_503_after_a_short_wait_and_small_ones_are_read() {
    let app = app(|_| ());
    let stuck = stuck(&app, 64 * KIB).await;
    let asked = Instant::now();
    let refused = post(&app, 60 * KIB).await;
    refused.is_problem(503, &[]);
    assert_eq!((refused.header("retry-after"), refused.header("connection")), (Some("1"), Some("close")));
    assert_eq!(asked.elapsed().as_millis() / 100, 5);
    post(&app, 4 * KIB).await.is_problem(422, &[("", "type")]);
    post(&app, 30 * KIB).await.is_problem(422, &[("", "type")]);
    stuck.abort();
    assert!(stuck.await.is_err());
    post(&app, 60 * KIB).await.is_problem(422, &[("", "type")]);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_gives_up_gives_back_what_it_had() {
    let app = app(|config| config.timeouts.body = Duration::from_millis(100));
    stuck(&app, 64 * KIB).await.await.unwrap();
    for _ in 0..3 {
        post(&app, 64 * KIB).await.is_problem(422, &[("", "type")]);
    }
}

#[tokio::test]
async fn a_body_of_the_greatest_length_always_fits() {
    let app = app(|config| config.limits.bodies_bytes = KIB);
    post(&app, 64 * KIB).await.is_problem(422, &[("", "type")]);
}
