//! Redis is flushed, cut, frozen, stopped, or was never there: nothing is lost, nothing happens twice.
//!
//! Red when a task is handed over through Redis instead of the ledger, or when a request waits for Redis.

use super::checker::Findings;
use crate::times;
use plinth_tests::{Fleet, Proxy, Redis, Setup, Weather, on_postgres, person};
use serde_json::json;
use std::time::{Duration, Instant};

on_postgres!(
    a_redis_that_is_flushed_loses_nothing,
    a_redis_that_comes_and_goes_loses_nothing,
    a_redis_that_was_never_there_is_not_missed,
);

async fn a_redis_that_is_flushed_loses_nothing(setup: Setup) {
    let redis = Redis::alone().await;
    let fleet = Fleet::start_with(setup, 2, redis.url()).await;
    let rounds = times(6, 60);
    schedule_through(&fleet, rounds, async |_| drop(redis.command("FLUSHALL").await)).await;
}

async fn a_redis_that_comes_and_goes_loses_nothing(setup: Setup) {
    let redis = Redis::alone().await;
    let port =
        redis.url().trim_start_matches("redis://127.0.0.1:").trim_end_matches("/0").parse().expect("a port");
    let proxy = Proxy::start(std::net::SocketAddr::from(([127, 0, 0, 1], port))).await;
    let fleet = Fleet::start_with(setup, 2, &format!("redis://{}/0", proxy.address())).await;
    let weather =
        [Weather::Freeze, Weather::Fair, Weather::Refuse, Weather::Fair, Weather::Cut, Weather::Fair];
    schedule_through(&fleet, times(6, 60), async |round| proxy.set(weather[round % weather.len()])).await;
}

async fn a_redis_that_was_never_there_is_not_missed(setup: Setup) {
    let started = Instant::now();
    let fleet = Fleet::start_with(setup, 2, "redis://127.0.0.1:1/0").await;
    assert_eq!(fleet.api.get("/health").await.expect(200).json()["status"], "degraded");
    schedule_through(&fleet, 3, async |_| {}).await;
    let log = fleet.api.log();
    let told = log.iter().filter(|line| line["component"] == "redis").count();
    let most = 2 + started.elapsed().as_secs() as usize / 10;
    assert!((1..=most).contains(&told), "an absent Redis is told of once in ten seconds, not {told} times");
}

/// Schedules twenty tasks in each of `rounds` rounds, while `happens` happens, and sees that each has run once.
async fn schedule_through(fleet: &Fleet, rounds: usize, mut happens: impl AsyncFnMut(usize)) {
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        happens(round).await;
        let ada = fleet.api.person(&person(json!({"age": 0}))).await;
        let path = format!("/v1/persons/{}/add-one-year", ada["id"].as_str().expect("an id"));
        for _ in 0..20 {
            let asked = Instant::now();
            fleet.api.client.request("POST", &path).await.expect(202);
            slowest = slowest.max(asked.elapsed());
        }
    }
    // Ringing is nobody's business but the publisher's: a request that waited for Redis would take its time-out.
    assert!(slowest < Duration::from_secs(2), "a request took {slowest:?}");
    let findings = Findings::of(fleet).await;
    assert_eq!((findings.tasks.len(), findings.count("succeeded")), (rounds * 20, rounds * 20));
    let mut ages = 0;
    let mut next = Some("/v1/persons?limit=100".to_owned());
    while let Some(url) = next {
        let page = fleet.api.get(&url).await.expect(200).json();
        let persons = page["objects"].as_array().expect("objects");
        ages += persons.iter().filter_map(|person| person["age"].as_u64()).sum::<u64>();
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!(ages, rounds as u64 * 20, "each task has run once");
}
