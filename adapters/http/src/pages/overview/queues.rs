//! Queues: how full each is, and how it did in the last hour.

use crate::pages::{
    chart::{self, Drawing},
    figures::Figures,
    hour::Hour,
    words::{Moment, count, micros, percent},
};
use application::QueueDepth;
use domain::QueueName;
use serde::Serialize;
use std::collections::BTreeSet;

/// One queue.
#[derive(Serialize)]
pub(super) struct QueueRow {
    name: String,
    queued: String,
    running: String,
    waiting: String,
    /// Since when the oldest task that is due has been due.
    oldest: Option<Moment>,
    /// Whether nobody takes its tasks, or not fast enough.
    late: bool,
    /// How many tasks ended in the last hour.
    ended: String,
    drawing: Drawing,
    /// None without runs.
    wait: Option<String>,
    failed: Option<String>,
}

/// Every queue that has tasks, or had some in the last hour, by name.
pub(super) fn rows(figures: &Figures) -> Vec<QueueRow> {
    let full = figures.depths.iter().map(|depth| &depth.queue);
    let names: BTreeSet<_> = full.chain(figures.minutes.iter().map(|minute| &minute.queue)).collect();
    names.into_iter().map(|name| QueueRow::new(name, figures)).collect()
}

impl QueueRow {
    fn new(name: &QueueName, figures: &Figures) -> Self {
        let depth = figures.depths.iter().find(|depth| depth.queue == *name);
        let of = |number: fn(&QueueDepth) -> u64| count(depth.map_or(0, number));
        let oldest = depth.and_then(|depth| depth.oldest_due);
        let hour = Hour::new(&figures.minutes, Some(name), figures.now);
        let sum = hour.sum();
        let failed = (sum.failed + sum.retried) as f64;
        Self {
            name: name.as_str().to_owned(),
            queued: of(|depth| depth.queued),
            running: of(|depth| depth.running),
            waiting: of(|depth| depth.waiting),
            oldest: Moment::maybe(oldest, figures.now),
            late: oldest.is_some_and(|due| super::alarms::is_late(due, figures.now)),
            ended: count(sum.succeeded + sum.failed),
            drawing: chart::sparkline(&hour),
            wait: sum.mean_wait().map(micros),
            failed: (sum.runs() > 0).then(|| percent(failed, sum.runs() as f64)),
        }
    }
}
