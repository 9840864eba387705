//! Schedules: when each fired last, and when it fires next.

use crate::pages::{labels, words::Moment};
use application::ScheduleReport;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// One schedule.
#[derive(Serialize)]
pub(super) struct ScheduleRow {
    name: String,
    cron: String,
    zone: &'static str,
    kind: String,
    /// What becomes of slots that are late or that overlap.
    policy: String,
    last: Option<Moment>,
    /// The task of the last slot that fired.
    last_task: Option<String>,
    next: Option<Moment>,
}

impl ScheduleRow {
    pub(super) fn new(report: &ScheduleReport, now: DateTime<Utc>) -> Self {
        Self {
            name: report.name.as_str().to_owned(),
            cron: report.cron.clone(),
            zone: report.zone,
            kind: report.kind.clone(),
            policy: format!("{}; {}", labels::misfire(report.misfire), labels::overlap(report.overlap)),
            last: Moment::maybe(report.last_slot, now),
            last_task: report.last_task.map(|task| task.0.to_string()),
            next: Moment::maybe(report.next, now),
        }
    }
}
