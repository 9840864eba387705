//! `plinth task …`: what operators see of tasks and do about them. Works beside running processes, on SQLite too.

mod tell;

pub(super) use tell::{aligned, time};

use super::Failure;
use crate::{
    cli::{Listing, Running, TaskCommand},
    config::{Config, Environment, Sources},
    print,
    wire::Core,
};
use application::{Context, Expiry, Then};
use chrono::TimeDelta;
use domain::{Limit, QueueName, Task, TaskFilter, TaskId, TaskQuery, TaskState, TaskStory};
use futures_util::{StreamExt, TryStreamExt};
use std::{fs, io::read_to_string, path::Path, pin::pin, process::ExitCode, time::Duration};

/// How many tasks are deleted or scheduled in one transaction.
const BATCH: u16 = 1000;

pub(super) fn run(command: TaskCommand, sources: &Sources) -> ExitCode {
    super::beside(sources, async |core, loaded| act(command, core, &loaded.config).await)
}

async fn act(command: TaskCommand, core: &Core, config: &Config) -> Result<(), Failure> {
    let ctx = super::context(core);
    match command {
        TaskCommand::List(listing) => list(core, &ctx, listing).await,
        TaskCommand::Show { id, json } => {
            let story = core.tasks.get(&ctx, TaskId(id)).await?;
            let told = if json { adapter_http::story_as_json(&story) } else { tell::story(&story) };
            Ok(print::line(told)?)
        }
        TaskCommand::Retry { ids } => {
            for id in ids {
                print::line(tell::line(&core.tasks.retry(&ctx, TaskId(id)).await?.task))?;
            }
            Ok(())
        }
        TaskCommand::Cancel { ids } => {
            for id in ids {
                print::line(tell::line(&core.tasks.cancel(&ctx, TaskId(id)).await?.task))?;
            }
            Ok(())
        }
        TaskCommand::Purge { state, older_than, yes } => {
            purge(core, &state, older_than, yes || config.env == Environment::Test).await
        }
        TaskCommand::Run(running) => schedule(core, &ctx, running).await,
    }
}

async fn list(core: &Core, ctx: &Context, listing: Listing) -> Result<(), Failure> {
    let queue = listing.queue.as_deref().map(QueueName::parse).transpose();
    let filter = TaskFilter {
        state: listing.state.as_deref().and_then(TaskState::parse),
        kind: listing.kind,
        queue: queue.map_err(|violation| format!("--queue {}", violation.message))?,
        request_id: listing.request_id,
    };
    let most = usize::try_from(listing.limit)?;
    let mut tasks: Vec<Task> = Vec::new();
    let mut query = TaskQuery { filter, limit: Limit::MAX, cursor: None };
    loop {
        let missing = i64::try_from(most - tasks.len())?;
        query.limit = Limit::new(missing).unwrap_or(Limit::MAX);
        let page = core.tasks.list(ctx, &query).await?;
        tasks.extend(page.items);
        query.cursor = page.next;
        if query.cursor.is_none() || tasks.len() >= most {
            break;
        }
    }
    if listing.json {
        tasks.iter().map(adapter_http::task_as_json).try_for_each(print::line)?;
    } else {
        print::line(tell::table(&tasks))?;
    }
    Ok(())
}

async fn purge(core: &Core, states: &[String], older_than: Duration, yes: bool) -> Result<(), Failure> {
    let now = core.clock.now();
    let before = now - TimeDelta::from_std(older_than)?;
    let known = states.iter().filter_map(|state| TaskState::parse(state));
    let expired = Expiry { before: known.map(|state| (state, before)).collect() };
    let question =
        format!("This deletes tasks that ended as {} before {before}. Go on?", states.join(" or "));
    if !yes && !print::confirm(question) {
        return Err("nothing was done; --yes goes on without asking".into());
    }
    let (tasks, mut deleted) = (core.database.tasks(), 0);
    loop {
        match tasks.prune(&expired, BATCH.into()).await? {
            0 => return Ok(print::line(format_args!("deleted: {deleted}"))?),
            some => deleted += u64::from(some),
        }
    }
}

async fn schedule(core: &Core, ctx: &Context, running: Running) -> Result<(), Failure> {
    let payloads = match running.each {
        None => vec![running.payload],
        Some(file) => lines(&file)?,
    };
    let mut ids = Vec::new();
    for payloads in payloads.chunks(BATCH.into()) {
        let mut all = Then::nothing();
        for payload in payloads {
            let signature = core.registry.signature(&running.kind, payload)?;
            all = all.and(core.scheduler.schedule_task(ctx, signature)?);
        }
        ids.extend(core.database.tasks().schedule(&all).await?);
    }
    match ids.as_slice() {
        [id] if running.follow => follow(core, *id).await,
        ids => Ok(ids.iter().try_for_each(|id| print::line(id.0))?),
    }
}

/// The lines of a file that hold something.
fn lines(file: &Path) -> Result<Vec<String>, Failure> {
    let read = match file.as_os_str() == "-" {
        true => read_to_string(std::io::stdin()),
        false => fs::read_to_string(file),
    };
    let text = read.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Ok(text.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect())
}

/// Tells of each change; fails if the task does.
async fn follow(core: &Core, id: TaskId) -> Result<(), Failure> {
    let mut stories = pin!(core.watch.follow(id, None).map_err(Failure::from));
    let mut last: Option<TaskStory> = None;
    while let Some(story) = stories.next().await {
        let story = story?;
        print::line(tell::change(last.as_ref(), &story))?;
        last = Some(story);
    }
    match last.map(|story| story.task.standing.state) {
        Some(TaskState::Succeeded) => Ok(()),
        Some(state) => Err(format!("the task has {}", ended(state)).into()),
        None => Err("the task is gone".into()),
    }
}

fn ended(state: TaskState) -> &'static str {
    match state {
        TaskState::Cancelled => "been cancelled",
        _ => state.as_str(),
    }
}
