//! `plinth task …`: what operators see of tasks and do about them. Works beside running processes, on SQLite too.

mod tell;

pub(super) use tell::{aligned, time};

use super::{Failure, chain};
use crate::{
    cli::{Listing, Running, TaskCommand},
    config::{Config, Environment, Sources},
    print,
    wire::Core,
};
use application::{Context, Error, Expiry, KindReport, Then};
use chrono::TimeDelta;
use domain::{Limit, QueueName, Task, TaskFilter, TaskId, TaskQuery, TaskState, TaskStory};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::json;
use std::{fs, io::read_to_string, path::Path, pin::pin, process::ExitCode, time::Duration};
use uuid::Uuid;

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
        TaskCommand::Retry { ids } => each(&ids, async |id| core.tasks.retry(&ctx, id).await).await,
        TaskCommand::Cancel { ids } => each(&ids, async |id| core.tasks.cancel(&ctx, id).await).await,
        TaskCommand::Purge { state, older_than, yes } => {
            purge(core, &state, older_than, yes || config.env == Environment::Test).await
        }
        TaskCommand::Run(running) => schedule(core, &ctx, running).await,
        TaskCommand::Kinds { json } => kinds(core, json),
    }
}

/// Each of them, whatever becomes of the others: whoever hands over many wants to know which were refused.
async fn each(ids: &[Uuid], act: impl AsyncFn(TaskId) -> Result<TaskStory, Error>) -> Result<(), Failure> {
    let mut refused = 0;
    for id in ids {
        match act(TaskId(*id)).await {
            Ok(story) => print::line(tell::line(&story.task))?,
            Err(error) => {
                refused += 1;
                print::complaint(format_args!("{id}: {}", chain(&error)));
            }
        }
    }
    match refused {
        0 => Ok(()),
        _ => Err(format!("{refused} of {} were refused", ids.len()).into()),
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
    if query.cursor.is_some() {
        print::complaint("there are more; --limit shows them");
    }
    Ok(())
}

async fn purge(core: &Core, states: &[String], older_than: Duration, yes: bool) -> Result<(), Failure> {
    let now = core.clock.now();
    let before = TimeDelta::from_std(older_than).ok().and_then(|age| now.checked_sub_signed(age));
    let before = before.ok_or("--older-than is too long ago")?;
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
    let signature = |payload: &str| core.registry.signature(&running.kind, payload);
    // All of them before the first is written: a line that is wrong is to leave nothing behind.
    let signatures = match &running.each {
        None => vec![signature(&running.payload)?],
        Some(file) => {
            let read = |(number, line): (usize, String)| {
                signature(&line).map_err(|wrong| format!("{}:{number}: {wrong}", file.display()))
            };
            lines(file)?.into_iter().map(read).collect::<Result<_, _>>()?
        }
    };
    for signatures in signatures.chunks(BATCH.into()) {
        let mut all = Then::nothing();
        for signature in signatures {
            all = all.and(core.scheduler.schedule_task(ctx, signature.clone())?);
        }
        match core.database.tasks().schedule(&all).await?.as_slice() {
            [id] if running.follow => follow(core, *id).await?,
            ids => ids.iter().try_for_each(|id| print::line(id.0))?,
        }
    }
    Ok(())
}

fn kinds(core: &Core, json: bool) -> Result<(), Failure> {
    let kinds = core.registry.kinds();
    if json {
        let told = |kind: &KindReport| {
            json!({
                "name": kind.name, "queue": kind.queue, "priority": kind.priority.as_str(),
                "max_retries": kind.max_retries, "timeout_seconds": kind.timeout.as_secs_f64(),
            })
        };
        return Ok(kinds.iter().map(told).try_for_each(print::line)?);
    }
    let titles = ["KIND", "QUEUE", "PRIORITY", "RETRIES", "TIMEOUT"].map(str::to_owned);
    let row = |kind: &KindReport| {
        [
            kind.name.to_owned(),
            kind.queue.to_owned(),
            kind.priority.as_str().to_owned(),
            kind.max_retries.to_string(),
            humantime::format_duration(kind.timeout).to_string(),
        ]
    };
    let rows = std::iter::once(titles).chain(kinds.iter().map(row));
    Ok(print::line(aligned(&rows.collect::<Vec<_>>()))?)
}

/// The lines of a file that hold something, with their numbers.
fn lines(file: &Path) -> Result<Vec<(usize, String)>, Failure> {
    let read = match file.as_os_str() == "-" {
        true => read_to_string(std::io::stdin()),
        false => fs::read_to_string(file),
    };
    let text = read.map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let numbered = (1..).zip(text.lines().map(str::to_owned));
    Ok(numbered.filter(|(_, line)| !line.trim().is_empty()).collect())
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
