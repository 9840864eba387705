//! Hints through Redis: a list for each queue, out of which each hint wakes one worker, and a channel on which all of them
//! hear of cancels.
//!
//! Nothing here is waited for or can fail: what cannot pass is dropped and counted, and workers look at the ledger by
//! themselves (`docs/adr/0014-redis-as-doorbell.md`). What goes out is in `doorbell/publisher.rs`, what comes in, in
//! `doorbell/bell.rs`.

mod backoff;
mod bell;
mod cancels;
mod link;
mod publisher;
mod rings;

use crate::{Redis, RedisConfig};
use application::{Bell, Doorbell, DoorbellState};
use bell::RedisBell;
use domain::{QueueName, TaskId};
use link::Link;
use metrics::{counter, describe_counter, describe_gauge};
use publisher::Publisher;
use slog::Logger;
use std::sync::Arc;

/// Workers and those who give them work, over one server. It works until it and all who listen are dropped.
pub struct RedisDoorbell {
    redis: Redis,
    link: Arc<Link>,
    publisher: Publisher,
}

impl RedisDoorbell {
    pub(crate) fn open(redis: &Redis, log: &Logger) -> Self {
        describe_gauge!("plinth_doorbell_connected", "Whether hints can pass through Redis: 1 or 0");
        describe_counter!(
            DROPPED,
            "Hints to workers that could not be sent; their tasks start a little later"
        );
        counter!(DROPPED).absolute(0);
        let link = Link::new(log.clone());
        let publisher = Publisher::start(redis.clone(), link.part("publishing"));
        Self { redis: redis.clone(), link, publisher }
    }
}

impl RedisDoorbell {
    /// Waits until all hints so far are sent, or given up: a tenth of a second at most. For a process that is about to end.
    pub async fn flush(&self) {
        self.publisher.flush().await;
    }
}

impl Doorbell for RedisDoorbell {
    fn ring(&self, queue: &QueueName) {
        self.publisher.ring(queue);
    }

    fn cancel(&self, task: TaskId) {
        self.publisher.cancel(task);
    }

    fn listen(&self, queues: &[QueueName]) -> Box<dyn Bell> {
        Box::new(RedisBell::listen(&self.redis, queues, self.publisher.clone(), &self.link))
    }

    fn state(&self) -> DoorbellState {
        match self.link.is_up() {
            true => DoorbellState::Connected,
            false => DoorbellState::Disconnected,
        }
    }
}

const DROPPED: &str = "plinth_doorbell_hints_dropped_total";

/// Hints waiting for workers, of one queue. More than there are workers serve nobody: whoever is free looks at the ledger
/// and takes all it can, and each hint after that is a look for nothing.
const KEPT: usize = 100;

/// The list of the hints for `queue`.
fn list_of(config: &RedisConfig, queue: &QueueName) -> String {
    format!("{}doorbell:{}", config.key_prefix, queue.as_str())
}

/// The channel of cancels.
fn channel_of(config: &RedisConfig) -> String {
    format!("{}cancel", config.key_prefix)
}
