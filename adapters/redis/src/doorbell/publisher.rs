//! The one task that publishes. Whoever rings leaves a note and goes on.

use super::{backoff::Backoff, link::Part, rings::Rings};
use crate::Redis;
use application::Error;
use domain::{QueueName, TaskId};
use std::{
    error::Error as _,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

/// For everything that waits, a connection included.
const LIMIT: Duration = Duration::from_millis(100);
/// A server that nothing is sent to is asked whether it is there.
const IDLE: Duration = Duration::from_secs(10);
/// After a failure nothing is sent for a while, so that a server that hangs costs little; then one attempt decides.
const OPEN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// Notes for the task; it ends when the last one is dropped.
#[derive(Clone)]
pub(super) struct Publisher {
    notes: Arc<Mutex<Notes>>,
    wake: mpsc::Sender<()>,
}

#[derive(Default)]
struct Notes {
    rings: Rings,
    /// Dropped once the rings are sent, or given up.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Publisher {
    pub(super) fn start(redis: Redis, part: Part) -> Self {
        let (wake, woken) = mpsc::channel(1);
        let notes = Arc::default();
        let breaker = Breaker { backoff: Backoff::new(OPEN.0, OPEN.1), open_until: None };
        tokio::spawn(Publishing { redis, part, notes: Arc::clone(&notes), breaker }.run(woken));
        Self { notes, wake }
    }

    pub(super) fn ring(&self, queue: &QueueName) {
        self.note(|notes| notes.rings.ring(queue));
    }

    pub(super) fn cancel(&self, task: TaskId) {
        self.note(|notes| notes.rings.cancel(task));
    }

    /// Waits until all that was noted is sent, or given up.
    pub(super) async fn flush(&self) {
        let (waiting, done) = oneshot::channel();
        self.note(|notes| notes.waiting.push(waiting));
        let _dropped = done.await;
    }

    fn note(&self, write: impl FnOnce(&mut Notes)) {
        write(&mut self.notes.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.try_send(()).ok(); // full: it is awake already
    }
}

struct Publishing {
    redis: Redis,
    part: Part,
    notes: Arc<Mutex<Notes>>,
    breaker: Breaker,
}

struct Breaker {
    backoff: Backoff,
    open_until: Option<Instant>,
}

impl Publishing {
    async fn run(mut self, mut woken: mpsc::Receiver<()>) {
        let mut next = Instant::now(); // says at once whether the server is there
        loop {
            let goes_on = tokio::select! {
                note = woken.recv() => note.is_some(),
                () = sleep_until(next) => true,
            };
            let Notes { rings, waiting } =
                mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner));
            if self.breaker.is_open() {
                rings.drop();
            } else {
                self.publish(rings).await;
                next = self.breaker.open_until.unwrap_or_else(|| Instant::now() + IDLE);
            }
            drop(waiting);
            if !goes_on {
                return;
            }
        }
    }

    async fn publish(&mut self, rings: Rings) {
        let commands = rings.commands(self.redis.config());
        let sent = timeout(LIMIT, self.redis.run(&commands)).await;
        match sent.unwrap_or_else(|_| Err(self.redis.no_connection())) {
            Ok(()) => {
                self.breaker.close();
                self.part.up();
            }
            Err(error) => {
                rings.drop();
                self.breaker.open();
                self.part.down(&reason(&error));
            }
        }
    }
}

fn reason(error: &Error) -> String {
    error.source().map_or_else(|| error.to_string(), ToString::to_string)
}

impl Breaker {
    fn is_open(&self) -> bool {
        self.open_until.is_some_and(|until| Instant::now() < until)
    }

    fn open(&mut self) {
        self.open_until = Some(Instant::now() + self.backoff.failed());
    }

    fn close(&mut self) {
        self.backoff.succeeded();
        self.open_until = None;
    }
}
