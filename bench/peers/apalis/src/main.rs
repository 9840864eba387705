//! Background tasks with apalis 1.0 on PostgreSQL, as its README shows them. `driver/tasks` says what each command does.
//!
//! `DATABASE_URL` is required. Options are `--name value`; numbers all.

use apalis::prelude::*;
use apalis_postgres::{PgPool, PostgresStorage};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;
use std::{
    env,
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    task::JoinSet,
    time::{interval, sleep},
};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The one kind of task. `sent` is 0 where nobody asks for the latency.
#[derive(Serialize, Deserialize)]
struct Noop {
    n: u64,
    sent: u64,
}

/// When the first handler started, on the monotonic clock; 0 before.
static FIRST: AtomicU64 = AtomicU64::new(0);

async fn handle(task: Noop) -> Result<u64, BoxDynError> {
    let now = clock();
    if task.sent > 0 {
        println!("{}", now - task.sent);
    } else if FIRST.load(Relaxed) == 0 {
        _ = FIRST.compare_exchange(0, now, Relaxed, Relaxed);
    }
    Ok(task.n)
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    // sqlx asks each connection whether it lives before it lends it: a round trip that a careful engineer saves.
    let options = PgPoolOptions::new().max_connections(16).min_connections(16).test_before_acquire(false);
    let pool = options.connect(&env::var("DATABASE_URL")?).await?;
    PostgresStorage::setup(&pool).await?;
    match env::args().nth(1).as_deref() {
        Some("enqueue") => enqueue(&pool, option("--callers", 16), option("--count", 1_000)).await,
        Some("bulk") => bulk(&pool, option("--batch", 1_000), option("--count", 10_000)).await,
        Some("execute") => execute(&pool, option("--count", 10_000)).await,
        Some("latency") => latency(&pool, option("--rate", 50), option("--seconds", 5)).await,
        Some("work") => work(&pool).await,
        _ => Err("enqueue, bulk, execute, latency or work".into()),
    }
}

async fn enqueue(pool: &PgPool, callers: u64, count: u64) -> Result<(), Error> {
    enqueue_from(pool, callers, count / 10).await?;
    let begin = clock();
    enqueue_from(pool, callers, count - count / 10).await?;
    tell(count - count / 10, clock() - begin)
}

async fn enqueue_from(pool: &PgPool, callers: u64, count: u64) -> Result<(), Error> {
    let mut each = JoinSet::<Result<(), Error>>::new();
    for caller in 0..callers {
        let mut storage = PostgresStorage::new(pool);
        each.spawn(async move {
            for n in (caller..count).step_by(callers as usize) {
                storage.push(Noop { n, sent: 0 }).await?;
            }
            Ok(())
        });
    }
    each.join_all().await.into_iter().collect()
}

async fn bulk(pool: &PgPool, batch: u64, count: u64) -> Result<(), Error> {
    let mut storage = PostgresStorage::new(pool);
    let mut begin = clock();
    for at in (0..count).step_by(batch as usize) {
        if at == count / 10 / batch * batch {
            begin = clock();
        }
        storage.push_bulk((at..count.min(at + batch)).map(|n| Noop { n, sent: 0 }).collect()).await?;
    }
    tell(count - count / 10 / batch * batch, clock() - begin)
}

async fn execute(pool: &PgPool, count: u64) -> Result<(), Error> {
    let worker = tokio::spawn({
        let pool = pool.clone();
        async move { work(&pool).await }
    });
    let mut look = interval(Duration::from_millis(20));
    while unfinished(pool).await? && !worker.is_finished() {
        look.tick().await;
    }
    tell(count, clock() - FIRST.load(Relaxed))
}

async fn unfinished(pool: &PgPool) -> Result<bool, Error> {
    let sql = "SELECT EXISTS (SELECT FROM apalis.jobs WHERE status IS DISTINCT FROM 'Done')";
    Ok(sqlx::query_scalar(sql).fetch_one(pool).await?)
}

async fn latency(pool: &PgPool, rate: u64, seconds: u64) -> Result<(), Error> {
    let mut worker = Command::new(env::current_exe()?)
        .args(env::args().skip(1).map(|word| if word == "latency" { "work".to_owned() } else { word }))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(worker.stdout.take().ok_or("no output")?).lines();
    sleep(Duration::from_secs(2)).await;
    let (mut storage, mut tick) =
        (PostgresStorage::new(pool), interval(Duration::from_nanos(1_000_000_000 / rate)));
    let (warmup, mut seen) = (rate, Vec::new());
    for n in 0..warmup + rate * seconds {
        tick.tick().await;
        storage.push(Noop { n, sent: clock() }).await?;
    }
    while (seen.len() as u64) < warmup + rate * seconds {
        seen.push(lines.next_line().await?.ok_or("the worker has ended")?.parse::<u64>()? as f64 / 1e6);
    }
    println!("{}", serde_json::json!({ "ms": seen[warmup as usize..] }));
    Ok(())
}

/// Runs until it is killed.
async fn work(pool: &PgPool) -> Result<(), Error> {
    let mut workers = JoinSet::new();
    for number in 0..option("--workers", 2) {
        let storage = PostgresStorage::<Noop>::new(pool);
        let config = storage.config().clone().batch_size(option("--fetch", 10) as usize);
        let backend = storage.with_config(config).with_pubsub().poll_with_interval(Duration::from_secs(1));
        let worker = WorkerBuilder::new(format!("worker-{number}-{}", std::process::id()))
            .backend(backend)
            .concurrency(option("--concurrency", 16) as usize)
            .build(handle);
        workers.spawn(worker.run());
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(())
}

/// Nanoseconds on the machine's monotonic clock, alike in all of its processes.
fn clock() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn tell(count: u64, nanoseconds: u64) -> Result<(), Error> {
    println!("{}", serde_json::json!({ "count": count, "seconds": nanoseconds as f64 / 1e9 }));
    Ok(())
}

fn option(name: &str, default: u64) -> u64 {
    let mut words = env::args().skip_while(|word| word != name).skip(1);
    words.next().and_then(|word| word.parse().ok()).unwrap_or(default)
}
