//! Hints through a Redis that fails. Whatever happens to it, ringing neither fails nor takes time, and once it is back
//! hints pass again.

use super::{PATIENCE, doorbell, heard, is_silent, queue, settled};
use adapter_redis::{Redis as Adapter, RedisConfig};
use application::{Bell, Doorbell, DoorbellState, Hint};
use plinth_tests::{Folder, Proxy, Redis, Setup, Weather, on_redis, within};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::time::{Duration, Instant};
use tokio::time::timeout;

on_redis!(
    a_redis_that_is_absent_at_first_is_found,
    a_flush_costs_no_connection,
    lost_connections_are_made_again,
    a_restarted_redis_is_found,
    a_frozen_redis_holds_nobody_up,
    a_redis_that_falls_silent_is_given_up,
    a_wrong_password_stops_nothing,
    who_hears_nothing_for_long_keeps_the_connection,
    whoever_is_busy_asks_for_nothing,
    hints_that_nobody_takes_are_bounded,
    hints_pass_through_tls,
    a_process_that_ends_lets_its_hints_out,
);

/// Rings come and go in microseconds. Their mean is looked at: one alone may meet a busy machine.
fn ringing_takes_no_time(doorbell: &dyn Doorbell) {
    let started = Instant::now();
    (0..10_000).for_each(|_| doorbell.ring(&queue("mail")));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?} for 10,000 rings", started.elapsed());
}

async fn disconnected(doorbell: &dyn Doorbell) {
    let disconnected = async || doorbell.state() == DoorbellState::Disconnected;
    within(PATIENCE, "that it is gone is known", disconnected).await;
}

/// Rings until a ring is heard: some may get lost before it is noticed that the server was away.
async fn hints_pass(doorbell: &dyn Doorbell, bell: &mut dyn Bell) {
    settled(doorbell).await;
    while !is_silent(bell, true).await {} // of before
    let heard = async || {
        doorbell.ring(&queue("mail"));
        !is_silent(bell, true).await
    };
    within(PATIENCE, "a ring is heard", heard).await;
}

async fn a_redis_that_is_absent_at_first_is_found(_: Setup) {
    let mut redis = Redis::absent();
    let doorbell = doorbell(redis.url());
    let mut bell = doorbell.listen(&[queue("mail")]);
    assert_eq!(doorbell.state(), DoorbellState::Disconnected);
    ringing_takes_no_time(&doorbell);
    assert!(is_silent(bell.as_mut(), true).await);
    redis.resume().await;
    hints_pass(&doorbell, bell.as_mut()).await;
}

async fn a_process_that_ends_lets_its_hints_out(_: Setup) {
    let redis = Redis::alone().await;
    let doorbell = doorbell(redis.url());
    doorbell.ring(&queue("mail"));
    doorbell.flush().await;
    assert_eq!(redis.command("DBSIZE").await, ":1"); // the list of the queue
    drop(redis);
    doorbell.ring(&queue("mail"));
    let started = Instant::now();
    doorbell.flush().await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

async fn a_flush_costs_no_connection(_: Setup) {
    let redis = Redis::alone().await;
    let doorbell = doorbell(redis.url());
    let mut bell = doorbell.listen(&[queue("mail")]);
    settled(&doorbell).await;
    for _ in 0..10 {
        redis.command("FLUSHALL").await;
        doorbell.ring(&queue("mail"));
        assert_eq!(heard(bell.as_mut()).await, Hint::Work(queue("mail")));
        assert_eq!(doorbell.state(), DoorbellState::Connected);
    }
}

async fn lost_connections_are_made_again(_: Setup) {
    let redis = Redis::alone().await;
    let doorbell = doorbell(redis.url());
    let mut bell = doorbell.listen(&[queue("mail")]);
    hints_pass(&doorbell, bell.as_mut()).await;
    for _ in 0..3 {
        redis.command("CLIENT KILL TYPE normal").await;
        redis.command("CLIENT KILL TYPE pubsub").await;
        hints_pass(&doorbell, bell.as_mut()).await;
    }
}

async fn a_restarted_redis_is_found(_: Setup) {
    let mut redis = Redis::alone().await;
    let doorbell = doorbell(redis.url());
    let mut bell = doorbell.listen(&[queue("mail")]);
    hints_pass(&doorbell, bell.as_mut()).await;
    redis.stop();
    disconnected(&doorbell).await;
    ringing_takes_no_time(&doorbell);
    redis.resume().await;
    hints_pass(&doorbell, bell.as_mut()).await;
}

async fn a_frozen_redis_holds_nobody_up(_: Setup) {
    let redis = Redis::alone().await;
    let doorbell = doorbell(redis.url());
    let mut bell = doorbell.listen(&[queue("mail")]);
    hints_pass(&doorbell, bell.as_mut()).await;
    redis.freeze();
    ringing_takes_no_time(&doorbell);
    disconnected(&doorbell).await;
    ringing_takes_no_time(&doorbell);
    redis.thaw();
    hints_pass(&doorbell, bell.as_mut()).await;
}

/// As if packets were dropped on the way: nothing tells either end that the other is gone.
async fn a_redis_that_falls_silent_is_given_up(_: Setup) {
    let redis = Redis::start().await;
    let proxy = Proxy::before(redis.url()).await;
    let doorbell = doorbell(&proxy.url(redis.url()));
    let mut bell = doorbell.listen(&[queue("mail")]);
    hints_pass(&doorbell, bell.as_mut()).await;
    proxy.set(Weather::Freeze);
    doorbell.ring(&queue("mail"));
    disconnected(&doorbell).await;
    proxy.set(Weather::Cut);
    proxy.set(Weather::Fair);
    hints_pass(&doorbell, bell.as_mut()).await;
}

async fn a_wrong_password_stops_nothing(_: Setup) {
    let redis = Redis::guarded("correct").await;
    let right = doorbell(redis.url());
    settled(&right).await;
    let wrong = doorbell(&redis.url().replace("correct", "wrong"));
    let mut bell = wrong.listen(&[queue("mail")]);
    ringing_takes_no_time(&wrong);
    assert!(is_silent(bell.as_mut(), true).await);
    assert_eq!(wrong.state(), DoorbellState::Disconnected);
}

async fn who_hears_nothing_for_long_keeps_the_connection(_: Setup) {
    let redis = Redis::alone().await;
    let doorbell = doorbell(redis.url());
    let mut bell = doorbell.listen(&[queue("mail")]);
    hints_pass(&doorbell, bell.as_mut()).await;
    let connections = async || redis.command("CLIENT ID").await[1..].parse::<u32>().expect("a number");
    let before = connections().await;
    // Longer than the server lets a listener wait for a hint.
    assert!(timeout(Duration::from_secs(7), bell.next(true)).await.is_err());
    assert_eq!(connections().await, before + 1, "the connection that asks is the only new one");
}

async fn whoever_is_busy_asks_for_nothing(_: Setup) {
    let redis = Redis::alone().await;
    let doorbell = doorbell(redis.url());
    let mut bell = doorbell.listen(&[queue("mail")]);
    settled(&doorbell).await;
    let waits = async || redis.command("INFO clients").await.contains("blocked_clients:1");
    assert!(is_silent(bell.as_mut(), false).await && !waits().await);
    assert!(is_silent(bell.as_mut(), true).await && waits().await);
}

async fn hints_that_nobody_takes_are_bounded(_: Setup) {
    let redis = Redis::alone().await;
    let config = RedisConfig { url: Some(redis.url().into()), ..RedisConfig::default() };
    let doorbell = Adapter::open(&config).expect("a URL").expect("a URL").doorbell(&super::super::silent());
    settled(&doorbell).await;
    let full = async || {
        ringing_takes_no_time(&doorbell);
        redis.command("LLEN plinth:doorbell:mail").await == ":100"
    };
    within(PATIENCE, "the list is full", full).await;
    ringing_takes_no_time(&doorbell);
    assert_eq!(redis.command("LLEN plinth:doorbell:mail").await, ":100");
}

async fn hints_pass_through_tls(_: Setup) {
    rustls::crypto::ring::default_provider().install_default().ok();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer =
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an issuer");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let redis = Redis::secured(&certificate.pem(), &key.serialize_pem()).await;
    let folder = Folder::new();
    let root = folder.path().join("root.pem");
    std::fs::write(&root, issuer.pem()).expect("written");

    let config = RedisConfig { url: Some(redis.url().into()), ..RedisConfig::default() };
    let trusting = RedisConfig { root_certificates: Some(root), ..config.clone() };
    let open =
        |config| Adapter::open(config).expect("a URL").expect("a URL").doorbell(&super::super::silent());
    let doorbell = open(&trusting);
    let mut bell = doorbell.listen(&[queue("mail")]);
    hints_pass(&doorbell, bell.as_mut()).await;

    let suspicious = open(&config);
    assert!(is_silent(suspicious.listen(&[queue("mail")]).as_mut(), true).await);
    assert_eq!(suspicious.state(), DoorbellState::Disconnected);
}
