//! What the parts of a worker share: ports, settings, and what each has to know of the others.

use super::{
    WorkerPorts, doubt::Doubt, finisher::Finisher, reach::Reach, session::Session, slots::Slots, tally::Tally,
};
use crate::{
    Chance, Clock, Doorbell, Ids, TaskLedger,
    tasks::{registry::Registry, settings::WorkerSettings},
};
use chrono::{DateTime, Utc};
use domain::QueueName;
use slog::Logger;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::Instant,
};

/// How many ends may be settled at once, beside the claim and the finish that are under way: the ledger's pool is small.
const SETTLING: usize = 2;

/// See the module.
pub(super) struct Core {
    pub(super) ledger: Arc<dyn TaskLedger>,
    pub(super) doorbell: Arc<dyn Doorbell>,
    pub(super) registry: Arc<Registry>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
    pub(super) chance: Arc<dyn Chance>,
    pub(super) settings: WorkerSettings,
    pub(super) log: Logger,
    /// In order, and how many tasks of each at once.
    pub(super) queues: Vec<(QueueName, u32)>,
    /// The current one.
    pub(super) session: watch::Sender<Option<Arc<Session>>>,
    pub(super) slots: Arc<Slots>,
    pub(super) finisher: Finisher,
    pub(super) settling: Semaphore,
    /// By the claim loop, each time it is polled: it proves that the runtime lives.
    pub(super) pulse: Pulse,
    /// Renew at once: somebody may want a task to end.
    pub(super) renew: Notify,
    /// Whether handlers that end with an error do so because the worker has to stop.
    pub(super) stopping: AtomicBool,
    /// Whether the session may hold what nobody here runs.
    pub(super) doubt: Mutex<Option<Doubt>>,
    pub(super) reach: Reach,
    pub(super) tally: Tally,
    pub(super) vitals: Mutex<Vitals>,
    /// Runs begun.
    pub(super) begun: AtomicU64,
}

/// When something was last done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Vitals {
    pub(super) renewed_at: Option<DateTime<Utc>>,
    pub(super) claimed_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
}

impl Core {
    pub(super) fn new(ports: WorkerPorts, settings: WorkerSettings, log: Logger) -> Self {
        let WorkerPorts { ledger, doorbell, registry, clock, ids, chance } = ports;
        let queues = if settings.queues.is_empty() { registry.queues() } else { &settings.queues };
        Self {
            queues: queues.iter().map(|queue| (queue.clone(), settings.cap(queue))).collect(),
            session: watch::Sender::new(None),
            slots: Arc::new(Slots::new(settings.concurrency)),
            finisher: Finisher::new(settings.group_commit),
            settling: Semaphore::new(SETTLING),
            pulse: Pulse::new(),
            renew: Notify::new(),
            stopping: AtomicBool::new(false),
            doubt: Mutex::default(),
            reach: Reach::new(log.clone()),
            tally: Tally::default(),
            vitals: Mutex::default(),
            begun: AtomicU64::new(0),
            ledger,
            doorbell,
            registry,
            clock,
            ids,
            chance,
            settings,
            log,
        }
    }

    /// The session, as long as anything may be started under it.
    pub(super) fn trusted_session(&self) -> Option<Arc<Session>> {
        self.session.borrow().clone().filter(|session| session.is_trusted())
    }

    /// `duration`, give or take a fifth, so that workers that have begun together do not stay together.
    pub(super) fn about(&self, duration: Duration) -> Duration {
        duration.mul_f64(0.8 + 0.4 * self.chance.unit())
    }
}

/// Says when something last happened.
pub(super) struct Pulse(Mutex<Instant>);

impl Pulse {
    fn new() -> Self {
        Self(Mutex::new(Instant::now()))
    }

    pub(super) fn tick(&self) {
        *locked(&self.0) = Instant::now();
    }

    /// Since then.
    pub(super) fn age(&self) -> Duration {
        locked(&self.0).elapsed()
    }
}

/// The lock. Nothing that is done under one can panic half-way, so that a poisoned one is as good as any.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
