//! What tasks and schedules tell Prometheus. Label values are names of queues, kinds and schedules, all of which
//! are few.

use super::statistics::QueueDepth;
use chrono::{DateTime, Utc};
use domain::QueueName;
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::{collections::BTreeSet, time::Duration};

const DEPTH: &str = "plinth_task_queue_depth";
const OLDEST_DUE: &str = "plinth_task_oldest_due_seconds";
const CLAIMS: &str = "plinth_task_claims_total";
const ATTEMPTS: &str = "plinth_task_attempts_total";
const WAIT: &str = "plinth_task_wait_seconds";
const RUNNING: &str = "plinth_task_running";
const RUNS: &str = "plinth_task_runs_total";
const RUN_SECONDS: &str = "plinth_task_run_seconds";
const RECLAIMED: &str = "plinth_task_reclaimed_total";
const STALE: &str = "plinth_task_stale_finishes_total";
const LAG: &str = "plinth_schedule_lag_seconds";
const FIRES: &str = "plinth_schedule_fires_total";

/// Says what each metric of this crate means; to be called once a recorder is installed.
pub fn describe() {
    describe_gauge!(DEPTH, "Unfinished tasks, by queue and state.");
    describe_gauge!(
        OLDEST_DUE,
        Unit::Seconds,
        "How long the oldest task that is due has been due, by queue."
    );
    describe_counter!(CLAIMS, "Tasks that this process has claimed, by queue.");
    describe_counter!(ATTEMPTS, "Runs that this process has begun, by kind.");
    describe_counter!(RUNS, "Runs that have ended in this process, by kind and outcome.");
    describe_histogram!(RUN_SECONDS, Unit::Seconds, "How long runs took, by kind.");
    describe_histogram!(WAIT, Unit::Seconds, "From the time a task was due to its claim, by queue.");
    describe_counter!(RECLAIMED, "Tasks taken from lost or closed sessions, by what became of them.");
    describe_counter!(
        STALE,
        "Ends of runs that were dropped, because the task was not this worker's any more."
    );
    describe_gauge!(RUNNING, "Tasks that this process holds.");
    describe_gauge!(LAG, Unit::Seconds, "How late the last slot was fired, by schedule.");
    describe_counter!(FIRES, "Slots dealt with, by schedule and outcome.");
    // They are there from the start: an alert on a rise does not see a first value that comes out of nowhere.
    counter!(STALE).absolute(0);
    for outcome in ["requeued", "released", "failed", "cancelled"] {
        counter!(RECLAIMED, "outcome" => outcome).absolute(0);
    }
}

/// A sample of the queues, and 0 for those that were `shown` before and have nothing unfinished any more.
pub(super) fn depths(depths: &[QueueDepth], shown: &BTreeSet<QueueName>, now: DateTime<Utc>) {
    let show = |queue: &QueueName, state, number: u64| {
        gauge!(DEPTH, "queue" => queue.as_str().to_owned(), "state" => state).set(number as f64);
    };
    let show_all = |queue: &QueueName, queued, running, waiting, oldest: f64| {
        show(queue, "queued", queued);
        show(queue, "running", running);
        show(queue, "waiting", waiting);
        gauge!(OLDEST_DUE, "queue" => queue.as_str().to_owned()).set(oldest);
    };
    for QueueDepth { queue, queued, running, waiting, oldest_due } in depths {
        let oldest = oldest_due.map_or(0.0, |due| seconds_between(due, now));
        show_all(queue, *queued, *running, *waiting, oldest);
    }
    for queue in shown.iter().filter(|queue| depths.iter().all(|depth| depth.queue != **queue)) {
        show_all(queue, 0, 0, 0, 0.0);
    }
}

/// A run begins.
pub(super) fn begun(queue: &QueueName, kind: &str, waited: Duration) {
    counter!(CLAIMS, "queue" => queue.as_str().to_owned()).increment(1);
    counter!(ATTEMPTS, "kind" => kind.to_owned()).increment(1);
    histogram!(WAIT, "queue" => queue.as_str().to_owned()).record(waited);
}

/// A run has ended.
pub(super) fn ended(kind: &str, outcome: &'static str, ran: Duration) {
    counter!(RUNS, "kind" => kind.to_owned(), "outcome" => outcome).increment(1);
    histogram!(RUN_SECONDS, "kind" => kind.to_owned()).record(ran);
}

/// The end of a run was dropped.
pub(super) fn stale() {
    counter!(STALE).increment(1);
}

/// How many tasks this process holds.
pub(super) fn running(number: usize) {
    gauge!(RUNNING).set(number as f64);
}

/// Tasks taken from dead and closed sessions.
pub(super) fn reclaimed(taken: &super::ledger::Reclaimed) {
    let super::ledger::Reclaimed { requeued, released, cancelled, .. } = *taken;
    for (outcome, number) in [("requeued", requeued), ("released", released), ("cancelled", cancelled)] {
        counter!(RECLAIMED, "outcome" => outcome).increment(u64::from(number));
    }
    counter!(RECLAIMED, "outcome" => "failed").increment(taken.failed.len() as u64);
}

/// A slot was dealt with.
pub(crate) fn fired(schedule: &str, outcome: &'static str) {
    counter!(FIRES, "schedule" => schedule.to_owned(), "outcome" => outcome).increment(1);
}

/// A slot is fired, or could not be, at `now`.
pub(crate) fn lag(schedule: &str, slot: DateTime<Utc>, now: DateTime<Utc>) {
    gauge!(LAG, "schedule" => schedule.to_owned()).set(seconds_between(slot, now));
}

/// From one instant to a later one; 0 if it is not later.
fn seconds_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).to_std().unwrap_or_default().as_secs_f64()
}
