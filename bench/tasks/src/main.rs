//! Background tasks with Plinth's own crates: the full ledger, fences checked, results stored. `driver/tasks` says what each
//! command does.
//!
//! `DATABASE_URL` is required; on PostgreSQL `REDIS_URL` too. Options are `--name value`; numbers all.

mod system;

use application::{Context, RequestId, Signature, TaskContext, TaskError, TaskKind};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use std::{
    env,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};
use system::System;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    task::JoinSet,
    time::{interval, sleep},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The one kind of task. `sent` is 0 where nobody asks for the latency.
#[derive(Serialize, Deserialize)]
struct Noop {
    n: u64,
    sent: u64,
}

/// When the first handler started, on the monotonic clock; 0 before.
static FIRST: AtomicU64 = AtomicU64::new(0);

impl TaskKind for Noop {
    const NAME: &'static str = "NOOP";
    type Services = ();
    type Output = u64;

    async fn run(self, _: TaskContext<()>) -> Result<u64, TaskError> {
        let now = clock();
        if self.sent > 0 {
            note(now - self.sent);
        } else if FIRST.load(Relaxed) == 0 {
            _ = FIRST.compare_exchange(0, now, Relaxed, Relaxed);
        }
        Ok(self.n)
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    _ = rustls::crypto::ring::default_provider().install_default();
    let system = Arc::new(System::open().await?);
    match env::args().nth(1).as_deref() {
        Some("enqueue") => enqueue(&system, option("--callers", 16), option("--count", 1_000)).await,
        Some("bulk") => bulk(&system, option("--batch", 1_000), option("--count", 10_000)).await,
        Some("execute") => execute(system, option("--count", 10_000)).await,
        Some("latency") => latency(system, option("--rate", 50), option("--seconds", 5)).await,
        Some("work") => {
            system.work().await;
            Ok(())
        }
        _ => Err("enqueue, bulk, execute, latency or work".into()),
    }
}

async fn enqueue(system: &Arc<System>, callers: u64, count: u64) -> Result<(), Error> {
    enqueue_from(system, callers, count / 10).await?;
    let begin = clock();
    enqueue_from(system, callers, count - count / 10).await?;
    tell(count - count / 10, clock() - begin)
}

async fn enqueue_from(system: &Arc<System>, callers: u64, count: u64) -> Result<(), Error> {
    let mut each = JoinSet::<Result<(), Error>>::new();
    for caller in 0..callers {
        let system = system.clone();
        each.spawn(async move {
            for n in (caller..count).step_by(callers as usize) {
                push(&system, n..n + 1, 0).await?;
            }
            Ok(())
        });
    }
    each.join_all().await.into_iter().collect()
}

async fn bulk(system: &System, batch: u64, count: u64) -> Result<(), Error> {
    let mut begin = clock();
    for at in (0..count).step_by(batch as usize) {
        if at == count / 10 / batch * batch {
            begin = clock();
        }
        push(system, at..count.min(at + batch), 0).await?;
    }
    tell(count - count / 10 / batch * batch, clock() - begin)
}

async fn execute(system: Arc<System>, count: u64) -> Result<(), Error> {
    let worker = tokio::spawn({
        let system = system.clone();
        async move { system.work().await }
    });
    let mut look = interval(Duration::from_millis(20));
    while system.unfinished().await? > 0 && !worker.is_finished() {
        look.tick().await;
    }
    tell(count, clock() - FIRST.load(Relaxed))
}

async fn latency(system: Arc<System>, rate: u64, seconds: u64) -> Result<(), Error> {
    let (warmup, total) = (rate as usize, (rate + rate * seconds) as usize);
    let mut worker = if system.is_alone() { Worker::here(system.clone()) } else { Worker::elsewhere()? };
    sleep(Duration::from_secs(2)).await;
    let mut tick = interval(Duration::from_nanos(1_000_000_000 / rate));
    for n in 0..total as u64 {
        tick.tick().await;
        push(&system, n..n + 1, clock()).await?;
    }
    let seen = worker.lines(total).await?;
    println!("{}", serde_json::json!({ "ms": seen[warmup..] }));
    Ok(())
}

/// One transaction with a task for each of `numbers`.
async fn push(system: &System, numbers: std::ops::Range<u64>, sent: u64) -> Result<(), Error> {
    let ctx = Context { request_id: RequestId::parse("bench").ok_or("no id")?, log: system.log.clone() };
    let mut then = application::Then::nothing();
    for n in numbers {
        let task = Signature::of(&Noop { n, sent })?.after(TimeDelta::zero());
        then = then.and(system.scheduler.schedule_task(&ctx, task)?);
    }
    system.repository.schedule(&then).await?;
    Ok(())
}

/// Where the handlers of the latency run.
enum Worker {
    /// SQLite belongs to one process.
    Here(Arc<System>, tokio::task::JoinHandle<()>),
    Elsewhere(tokio::process::Child),
}

impl Worker {
    fn here(system: Arc<System>) -> Self {
        let work = system.clone();
        Self::Here(system, tokio::spawn(async move { work.work().await }))
    }

    fn elsewhere() -> Result<Self, Error> {
        let words = env::args().skip(1).map(|word| if word == "latency" { "work".to_owned() } else { word });
        let mut command = Command::new(env::current_exe()?);
        let child = command.args(words).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        Ok(Self::Elsewhere(child))
    }

    async fn lines(&mut self, count: usize) -> Result<Vec<f64>, Error> {
        let mut seen = Vec::new();
        match self {
            Self::Elsewhere(child) => {
                let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
                while seen.len() < count {
                    let line = lines.next_line().await?.ok_or("the worker has ended")?;
                    seen.push(line.parse::<u64>()? as f64 / 1e6);
                }
            }
            Self::Here(system, work) => {
                while system.unfinished().await? > 0 && !work.is_finished() {
                    sleep(Duration::from_millis(20)).await;
                }
                let mut samples = SAMPLES.lock().map_err(|_| "a handler panicked")?;
                seen.append(&mut samples);
            }
        }
        Ok(seen)
    }
}

/// How long a task has been on its way: for the process that waits for it, here or at the other end of the pipe.
fn note(nanoseconds: u64) {
    if env::args().nth(1).as_deref() == Some("work") {
        println!("{nanoseconds}");
    } else if let Ok(mut samples) = SAMPLES.lock() {
        samples.push(nanoseconds as f64 / 1e6);
    }
}

/// Of handlers in this process.
static SAMPLES: std::sync::Mutex<Vec<f64>> = std::sync::Mutex::new(Vec::new());

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
