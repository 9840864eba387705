//! How a worker works: its figures, and what they are unless somebody says otherwise.

use domain::QueueName;
use std::{collections::BTreeMap, time::Duration};

/// See the module. A lease must outlast several renewals and the margin.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerSettings {
    /// Name of the host, for people.
    pub host: String,
    /// Process id, for people.
    pub process: u32,
    /// Which queues, the most important one first; all queues of the registered kinds if there is none.
    pub queues: Vec<QueueName>,
    /// How many tasks at once.
    pub concurrency: u32,
    /// How many tasks of one queue at once, where that is less.
    pub queue_concurrency: BTreeMap<QueueName, u32>,
    /// How long a worker is taken to be alive after it has last said so.
    pub lease: Duration,
    /// How often it says so.
    pub renewal: Duration,
    /// So long before its lease ends it stops to rely on it.
    pub margin: Duration,
    /// How often it looks for tasks without a hint, give or take a fifth.
    pub poll: Duration,
    /// How often it looks for what dead workers hold, give or take a fifth.
    pub reclaim: Duration,
    /// How long after its time is up a handler that does not yield still counts as running.
    pub overdue_grace: Duration,
    /// How long a handler has to end once somebody wants its task to end.
    pub cancel_grace: Duration,
    /// How long tasks have to end once the worker is to stop.
    pub drain: Duration,
    /// The longest delay of the first retry; `None`: as the kind of the task says.
    pub backoff_base: Option<Duration>,
    /// The longest delay of any retry; `None`: as the kind of the task says.
    pub backoff_cap: Option<Duration>,
    /// How large a result may be, in bytes of JSON.
    pub max_result_bytes: usize,
    /// How long a success may wait for those that were claimed with it, to be committed together.
    pub group_commit: Duration,
    /// When a task of an unknown kind is due again, for a worker that knows it.
    pub release_unknown: Duration,
    /// After so long a task of an unknown kind fails.
    pub unknown_limit: Duration,
}

impl WorkerSettings {
    /// How many tasks of `queue` at once.
    pub(crate) fn cap(&self, queue: &QueueName) -> u32 {
        let cap = self.queue_concurrency.get(queue).copied();
        cap.map_or(self.concurrency, |cap| cap.min(self.concurrency))
    }
}

impl Default for WorkerSettings {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            host: "localhost".to_owned(),
            process: std::process::id(),
            queues: Vec::new(),
            concurrency: 16,
            queue_concurrency: BTreeMap::new(),
            lease: seconds(60),
            renewal: seconds(15),
            margin: seconds(10),
            poll: seconds(1),
            reclaim: seconds(5),
            overdue_grace: seconds(10),
            cancel_grace: seconds(10),
            drain: seconds(25),
            backoff_base: None,
            backoff_cap: None,
            max_result_bytes: 256 * 1024,
            group_commit: Duration::from_millis(5),
            release_unknown: seconds(30),
            unknown_limit: seconds(24 * 3600),
        }
    }
}
