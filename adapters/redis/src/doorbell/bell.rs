//! Listening: a connection of its own waits for a hint as long as somebody can take it.

use super::{
    backoff::Backoff,
    cancels,
    link::{Link, Part},
    list_of,
    publisher::Publisher,
};
use crate::Redis;
use application::{Bell, Hint};
use async_trait::async_trait;
use domain::{QueueName, TaskId};
use redis::{AsyncConnectionConfig, RedisError, RedisResult, aio::MultiplexedConnection};
use std::{future::pending, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::sleep,
};

/// How long the server lets a listener wait before it answers that there was nothing.
const BLOCK: Duration = Duration::from_secs(5);
/// An answer that is later than that does not come any more.
const ANSWER: Duration = BLOCK.saturating_add(Duration::from_secs(1));
/// Cancels that may wait to be heard.
const CANCELS: usize = 1024;

/// Between attempts to connect, at first and at most.
pub(super) const RECONNECT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

type Wanted = Arc<watch::Sender<bool>>;

/// One listener, with two connections in the background.
pub(super) struct RedisBell {
    /// Whether a hint about a queue is to be fetched: one for each time that it is asked for.
    wanted: Wanted,
    hints: mpsc::Receiver<QueueName>,
    cancels: mpsc::Receiver<TaskId>,
    publisher: Publisher,
    /// Ends both when dropped.
    _connections: JoinSet<()>,
}

impl RedisBell {
    pub(super) fn listen(
        redis: &Redis,
        queues: &[QueueName],
        publisher: Publisher,
        link: &Arc<Link>,
    ) -> Self {
        let wanted = Wanted::default();
        let (hint, hints) = mpsc::channel(1);
        let (cancel, cancels) = mpsc::channel(CANCELS);
        let mut connections = JoinSet::new();
        if !queues.is_empty() {
            let lists = queues.iter().map(|queue| (list_of(redis.config(), queue), queue.clone())).collect();
            let part = link.part("listening");
            let fetching = Fetching { redis: redis.clone(), lists, wanted: wanted.clone(), hint, part };
            connections.spawn(fetching.run());
        }
        connections.spawn(cancels::follow(redis.clone(), link.part("cancelling"), cancel));
        Self { wanted, hints, cancels, publisher, _connections: connections }
    }
}

fn want(this: &Wanted, wanted: bool) {
    this.send_if_modified(|current| std::mem::replace(current, wanted) != wanted);
}

#[async_trait]
impl Bell for RedisBell {
    async fn next(&mut self, free: bool) -> Hint {
        // One that came while nobody asked comes first.
        want(&self.wanted, free && self.hints.is_empty());
        loop {
            tokio::select! {
                biased;
                Some(task) = self.cancels.recv() => return Hint::Cancel(task),
                Some(queue) = self.hints.recv() => match free {
                    true => return Hint::Work(queue),
                    // It was asked for when this listener was still free. Others may be now.
                    false => self.publisher.ring(&queue),
                },
                else => pending().await,
            }
        }
    }
}

impl Drop for RedisBell {
    fn drop(&mut self) {
        if let Ok(queue) = self.hints.try_recv() {
            self.publisher.ring(&queue);
        }
    }
}

struct Fetching {
    redis: Redis,
    lists: Vec<(String, QueueName)>,
    wanted: Wanted,
    hint: mpsc::Sender<QueueName>,
    part: Part,
}

impl Fetching {
    async fn run(self) {
        let mut backoff = Backoff::new(RECONNECT.0, RECONNECT.1);
        loop {
            let failed = match self.connect().await {
                Ok(connection) => {
                    self.part.up();
                    match self.fetch(connection, &mut backoff).await {
                        Ok(()) => return,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            self.part.down(&failed);
            sleep(backoff.failed()).await;
        }
    }

    // Not from the pool: what blocks for seconds needs another time-out than the pool's connections have.
    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let times = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.redis.config().connect_timeout))
            .set_response_timeout(Some(ANSWER));
        self.redis.client().get_multiplexed_async_connection_with_config(&times).await
    }

    /// Until nobody listens any more.
    async fn fetch(
        &self,
        mut connection: MultiplexedConnection,
        backoff: &mut Backoff,
    ) -> Result<(), RedisError> {
        let mut pop = redis::cmd("BRPOP");
        self.lists.iter().for_each(|(list, _)| _ = pop.arg(list));
        pop.arg(BLOCK.as_secs());
        let mut wanting = self.wanted.subscribe();
        while wanting.wait_for(|wanted| *wanted).await.is_ok() {
            let popped: Option<(String, redis::Value)> = pop.query_async(&mut connection).await?;
            backoff.succeeded();
            let queue = popped.and_then(|(list, _)| self.lists.iter().find(|(name, _)| *name == list));
            if let Some((_, queue)) = queue {
                want(&self.wanted, false);
                if self.hint.send(queue.clone()).await.is_err() {
                    break;
                }
            }
        }
        Ok(())
    }
}
