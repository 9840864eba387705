//! `plinth schedule …`: when tasks are scheduled by themselves.

use super::{
    Failure,
    task::{aligned, time},
};
use crate::{
    cli::ScheduleCommand,
    config::{Schedules, Sources},
    print,
    wire::Core,
};
use application::ScheduleReport;
use serde_json::json;
use std::process::ExitCode;

pub(super) fn run(command: ScheduleCommand, sources: &Sources) -> ExitCode {
    super::beside(sources, async |core, loaded| {
        core.schedule(loaded)?;
        match command {
            ScheduleCommand::List { json } => list(core, json).await,
            ScheduleCommand::Run { name } => start(core, &loaded.config.schedules, &name).await,
        }
    })
}

async fn list(core: &Core, json: bool) -> Result<(), Failure> {
    let schedules = core.beat.statuses().await?;
    if json {
        schedules.iter().map(as_json).try_for_each(print::line)?;
        return Ok(());
    }
    let titles = ["NAME", "CRON", "ZONE", "KIND", "MISFIRE", "OVERLAP", "NEXT", "DONE UNTIL", "LAST TASK"];
    let row = |schedule: &ScheduleReport| {
        [
            schedule.name.as_str().to_owned(),
            schedule.cron.clone(),
            schedule.zone.to_owned(),
            schedule.kind.clone(),
            schedule.misfire.as_str().to_owned(),
            schedule.overlap.as_str().to_owned(),
            schedule.next.map_or_else(|| "never".to_owned(), time),
            schedule.last_slot.map_or_else(|| "none".to_owned(), time),
            schedule.last_task.map_or_else(|| "none".to_owned(), |task| task.0.to_string()),
        ]
    };
    let rows = std::iter::once(titles.map(str::to_owned)).chain(schedules.iter().map(row));
    Ok(print::line(aligned(&rows.collect::<Vec<_>>()))?)
}

fn as_json(schedule: &ScheduleReport) -> serde_json::Value {
    json!({
        "name": schedule.name.as_str(),
        "cron": schedule.cron,
        "time_zone": schedule.zone,
        "kind": schedule.kind,
        "misfire": schedule.misfire.as_str(),
        "overlap": schedule.overlap.as_str(),
        "next": schedule.next.map(time),
        "last_slot": schedule.last_slot.map(time),
        "last_task": schedule.last_task.map(|task| task.0),
    })
}

async fn start(core: &Core, schedules: &Schedules, name: &str) -> Result<(), Failure> {
    let enabled = schedules.enabled();
    if !enabled.iter().any(|schedule| schedule.name.as_str() == name) {
        let names: Vec<&str> = schedules.names().collect();
        return Err(match names.contains(&name) {
            true => format!("the schedule {name} is disabled"),
            false => format!("there is no schedule {name}; there are: {}", names.join(", ")),
        }
        .into());
    }
    let story = core.beat.run_now(&super::context(core), name).await?;
    Ok(print::line(story.task.id.0)?)
}
