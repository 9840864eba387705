//! `/mon/tasks`: how the queues, the processes and the schedules are doing.

mod alarms;
mod processes;
mod queues;
mod schedules;

use super::{
    Pages,
    chart::{self, Chart},
    figures::Figures,
    frame::Page,
    hour::Hour,
    rows::TaskRow,
    words::{count, duration, plural},
};
use crate::{
    extract::query,
    problem::ApiError,
    route::{Request, Response},
};
use alarms::Alarm;
use application::ScheduleReport;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{QueueName, Task};
use futures_util::try_join;
use http::StatusCode;
use processes::Process;
use queues::QueueRow;
use schedules::ScheduleRow;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Serialize)]
struct Overview {
    alarms: Vec<Alarm>,
    tiles: Vec<Tile>,
    /// Whose charts are shown; empty for all.
    queue: String,
    charts: [Chart; 3],
    queues: Vec<QueueRow>,
    running: Vec<TaskRow>,
    failed: Vec<TaskRow>,
    processes: Vec<Process>,
    schedules: Vec<ScheduleRow>,
}

/// One number, and where to see what it counts.
#[derive(Serialize)]
struct Tile {
    label: &'static str,
    value: String,
    /// Below the value.
    note: String,
    /// The state of the tasks that it leads to.
    state: &'static str,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Params {
    queue: Option<String>,
}

/// The page.
pub(super) async fn overview(pages: Arc<Pages>, request: Request) -> Result<Response, ApiError> {
    let params = query::<Params>(request.query()).unwrap_or_default();
    let queue = params.queue.and_then(|queue| QueueName::parse(&queue).ok());
    let ctx = request.context();
    let known = try_join!(pages.counter.figures(&ctx, pages.clock.now()), pages.beat.statuses());
    let (figures, schedules) = match known {
        Ok(known) => known,
        Err(error) => return pages.failed(&request, error),
    };
    let view = Overview::new(&figures, &schedules, queue.as_ref());
    let page = Page {
        template: "overview.html",
        status: StatusCode::OK,
        title: "Tasks".to_owned(),
        place: "overview",
        every: 2,
        now: figures.now,
    };
    pages.frame.answer(&request, page, &view)
}

impl Overview {
    fn new(figures: &Figures, schedules: &[ScheduleReport], queue: Option<&QueueName>) -> Self {
        let now = figures.now;
        let hour = Hour::new(&figures.minutes, queue, now);
        let rows = |tasks: &[Task]| tasks.iter().map(|task| TaskRow::new(task, now)).collect();
        Self {
            alarms: alarms::alarms(figures, schedules),
            tiles: tiles(figures, now),
            queue: queue.map_or("", QueueName::as_str).to_owned(),
            charts: [chart::throughput(&hour), chart::wait(&hour), chart::failures(&hour)],
            queues: queues::rows(figures),
            running: rows(&figures.running),
            failed: rows(&figures.failed),
            processes: processes::rows(figures),
            schedules: schedules.iter().map(|schedule| ScheduleRow::new(schedule, now)).collect(),
        }
    }
}

fn tiles(figures: &Figures, now: DateTime<Utc>) -> Vec<Tile> {
    let sum = |count: fn(&application::QueueDepth) -> u64| figures.depths.iter().map(count).sum::<u64>();
    let all = Hour::new(&figures.minutes, None, now).sum();
    let oldest = figures.depths.iter().filter_map(|depth| depth.oldest_due).min();
    let oldest = match oldest.map(|due| now - due) {
        None => "none is due".to_owned(),
        Some(time) if time < TimeDelta::seconds(1) => "the oldest is due now".to_owned(),
        Some(time) => format!("oldest due for {}", duration(time)),
    };
    let tile = |label, value, note, state| Tile { label, value: count(value), note, state };
    let hour = || "in the last hour".to_owned();
    vec![
        tile("Running", sum(|depth| depth.running), slots(figures), "running"),
        tile("Queued", sum(|depth| depth.queued), oldest, "queued"),
        tile("Waiting", sum(|depth| depth.waiting), "for other tasks".to_owned(), "waiting"),
        tile("Succeeded", all.succeeded, hour(), "succeeded"),
        tile("Failed", all.failed, hour(), "failed"),
    ]
}

/// How many tasks the workers can run at once.
fn slots(figures: &Figures) -> String {
    let alive = figures.sessions.iter().filter(|session| processes::is_working(session, figures.now));
    match alive.map(|session| u64::from(session.concurrency)).sum() {
        0 => "no worker is alive".to_owned(),
        slots => format!("of {}", plural(slots, "slot", "slots")),
    }
}
