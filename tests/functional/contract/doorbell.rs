//! The contract of `Doorbell`, within a process and through Redis. What becomes of hints when the server fails is in
//! `doorbell/outages.rs`.

mod outages;

use adapter_redis::{Redis, RedisConfig, RedisDoorbell};
use application::{Bell, Doorbell, DoorbellState, Hint};
use domain::{QueueName, TaskId};
use futures_util::{FutureExt, future::join_all};
use plinth_tests::{PATIENCE, within};
use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};
use tokio::{task::JoinHandle, time::timeout};
use uuid::Uuid;

/// How long a test listens for what must not come.
const A_WHILE: Duration = Duration::from_millis(300);

/// Runs each function on both doorbells.
macro_rules! on_both_doorbells {
    ($($test:ident),* $(,)?) => { $(
        mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn local() {
                super::$test(&adapter_system::LocalDoorbell::default()).await;
            }

            plinth_tests::redis_test!(redis, through_redis);

            async fn through_redis(_: plinth_tests::Setup) {
                super::$test(&super::doorbell(plinth_tests::Redis::shared().await)).await;
            }
        }
    )* };
}

on_both_doorbells!(
    one_ring_wakes_one_of_two_free_listeners,
    as_many_rings_wake_as_many_listeners,
    a_busy_listener_leaves_rings_to_the_free_one,
    a_listener_that_becomes_busy_leaves_its_hint_to_the_free_one,
    a_ring_before_anybody_listens_is_heard,
    a_wait_that_is_given_up_loses_nothing,
    a_cancel_reaches_every_listener,
    hints_for_other_queues_are_not_heard,
);

/// A doorbell of one test's own: nobody else has its prefix.
fn doorbell(url: &str) -> RedisDoorbell {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let key_prefix = format!("test-{}-{}:", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let config = RedisConfig { url: Some(url.into()), key_prefix, ..RedisConfig::default() };
    Redis::open(&config).expect("a URL of Redis").expect("a URL").doorbell(&super::silent())
}

fn queue(name: &str) -> QueueName {
    QueueName::parse(name).expect("a name of a queue")
}

/// What `bell` hears next while its listener is free.
async fn heard(bell: &mut dyn Bell) -> Hint {
    timeout(PATIENCE, bell.next(true)).await.expect("a hint")
}

/// Whether `bell` hears nothing for a while.
async fn is_silent(bell: &mut dyn Bell, free: bool) -> bool {
    timeout(A_WHILE, bell.next(free)).await.is_err()
}

/// A listener that waits in the background until it hears something.
fn wait(mut bell: Box<dyn Bell>, free: bool) -> JoinHandle<(Hint, Box<dyn Bell>)> {
    tokio::spawn(async move { (bell.next(free).await, bell) })
}

/// Until everybody who listens would hear.
async fn settled(doorbell: &dyn Doorbell) {
    let settled = async || doorbell.state() != DoorbellState::Disconnected;
    within(PATIENCE, "hints can pass", settled).await;
}

async fn one_ring_wakes_one_of_two_free_listeners(doorbell: &dyn Doorbell) {
    let mut listeners =
        [doorbell.listen(&[queue("mail")]), doorbell.listen(&[queue("mail")])].map(|b| wait(b, true));
    settled(doorbell).await;
    doorbell.ring(&queue("mail"));
    let [first, second] = &mut listeners;
    let (woken, mut other) = tokio::select! {
        woken = first => (woken, &mut listeners[1]),
        woken = second => (woken, &mut listeners[0]),
    };
    let (hint, mut bell) = woken.expect("no panic");
    assert_eq!(hint, Hint::Work(queue("mail")));
    assert!(is_silent(bell.as_mut(), false).await);
    assert!(!other.is_finished(), "one ring has woken two");
    doorbell.ring(&queue("mail"));
    let (hint, _) = timeout(PATIENCE, &mut other).await.expect("woken").expect("no panic");
    assert_eq!(hint, Hint::Work(queue("mail")));
}

async fn as_many_rings_wake_as_many_listeners(doorbell: &dyn Doorbell) {
    let mut bells: Vec<_> = (0..8).map(|_| doorbell.listen(&[queue("mail")])).collect();
    settled(doorbell).await;
    let mut waiting: Vec<_> = bells.iter_mut().map(|bell| bell.next(true)).collect();
    assert!(waiting.iter_mut().all(|bell| bell.now_or_never().is_none()));
    (0..8).for_each(|_| doorbell.ring(&queue("mail")));
    let hints = timeout(PATIENCE, join_all(waiting)).await.expect("all are woken");
    assert_eq!(hints, vec![Hint::Work(queue("mail")); 8]);
}

async fn a_busy_listener_leaves_rings_to_the_free_one(doorbell: &dyn Doorbell) {
    let (busy, mut free) = (doorbell.listen(&[queue("mail")]), doorbell.listen(&[queue("mail")]));
    let busy = wait(busy, false);
    settled(doorbell).await;
    for _ in 0..20 {
        doorbell.ring(&queue("mail"));
        assert_eq!(heard(free.as_mut()).await, Hint::Work(queue("mail")));
    }
    assert!(!busy.is_finished());
}

async fn a_listener_that_becomes_busy_leaves_its_hint_to_the_free_one(doorbell: &dyn Doorbell) {
    let (mut first, mut second) = (doorbell.listen(&[queue("mail")]), doorbell.listen(&[queue("mail")]));
    settled(doorbell).await;
    assert!(is_silent(first.as_mut(), true).await); // and now waits at the server, if there is one
    doorbell.ring(&queue("mail"));
    let first = wait(first, false);
    assert_eq!(heard(second.as_mut()).await, Hint::Work(queue("mail")));
    assert!(!first.is_finished());
}

async fn a_ring_before_anybody_listens_is_heard(doorbell: &dyn Doorbell) {
    settled(doorbell).await;
    doorbell.ring(&queue("mail"));
    let mut bell = doorbell.listen(&[queue("default"), queue("mail")]);
    assert_eq!(heard(bell.as_mut()).await, Hint::Work(queue("mail")));
    assert!(is_silent(bell.as_mut(), true).await);
}

async fn a_wait_that_is_given_up_loses_nothing(doorbell: &dyn Doorbell) {
    let mut bell = doorbell.listen(&[queue("mail")]);
    settled(doorbell).await;
    for _ in 0..20 {
        let mut waiting = bell.next(true);
        assert!((&mut waiting).now_or_never().is_none(), "nobody has rung");
        doorbell.ring(&queue("mail"));
        drop(waiting);
        assert_eq!(heard(bell.as_mut()).await, Hint::Work(queue("mail")));
    }
    assert!(is_silent(bell.as_mut(), true).await);
}

async fn a_cancel_reaches_every_listener(doorbell: &dyn Doorbell) {
    let free = wait(doorbell.listen(&[queue("mail")]), true);
    let busy = wait(doorbell.listen(&[queue("mail")]), false);
    let elsewhere = wait(doorbell.listen(&[queue("default")]), true);
    settled(doorbell).await;
    let task = TaskId(Uuid::from_u128(7));
    doorbell.cancel(task);
    for listener in [free, busy, elsewhere] {
        let (hint, _) = timeout(PATIENCE, listener).await.expect("told").expect("no panic");
        assert_eq!(hint, Hint::Cancel(task));
    }
}

async fn hints_for_other_queues_are_not_heard(doorbell: &dyn Doorbell) {
    let (mut mail, mut others) =
        (doorbell.listen(&[queue("mail")]), doorbell.listen(&[queue("mail2"), queue("default")]));
    settled(doorbell).await;
    doorbell.ring(&queue("default"));
    assert!(is_silent(mail.as_mut(), true).await);
    assert_eq!(heard(others.as_mut()).await, Hint::Work(queue("default")));
}
