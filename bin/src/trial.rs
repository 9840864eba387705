//! A kind of task for the fault tests: it does as it is told, and keeps a journal outside of the database, so that what
//! really ran can be compared with what the ledger says. Not in a binary that is built without the feature `faults`.

use application::{Claim, PersonController, TaskContext, TaskError, TaskKind};
use domain::{PersonId, RetryPolicy};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{fs::File, io::Write, path::PathBuf, time::Duration};
use uuid::Uuid;

/// What to do, and where to write it down.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trial {
    /// A line of JSON for each step, on disk before the step after it.
    journal: PathBuf,
    /// To find the task again.
    name: String,
    /// How long the work takes, in milliseconds.
    #[serde(default)]
    run_ms: u64,
    /// Whose age is the effect within the database.
    #[serde(default)]
    person_id: Option<Uuid>,
    /// How it ends.
    #[serde(default)]
    act: Act,
}

/// The end of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// Well.
    #[default]
    Succeed,
    /// With an error, in each of so many runs.
    Fail(u32),
    /// With an error that no retry can heal.
    GiveUp,
    /// With a panic.
    Panic,
    /// With a panic while its future is dropped: it never ends by itself.
    PanicInDrop,
    /// With the process.
    Abort,
    /// With the process, by a stack overflow.
    Overflow,
    /// Not before so many milliseconds, in which it does not yield.
    Block(u64),
    /// When it is asked to.
    Wait,
}

/// Who has done it.
#[derive(Debug, Serialize)]
pub(crate) struct Done {
    fence: i64,
    attempt: u32,
}

impl TaskKind for Trial {
    const NAME: &'static str = "TRIAL";
    const RETRY: RetryPolicy =
        RetryPolicy { base: Duration::from_millis(50), cap: Duration::from_millis(500) };
    const TIMEOUT: Duration = Duration::from_secs(5);

    type Services = PersonController;
    type Output = Done;

    async fn run(self, ctx: TaskContext<PersonController>) -> Result<Done, TaskError> {
        let Claim { fence, .. } = ctx.claim();
        let done = || Done { fence, attempt: ctx.attempt() };
        self.note(&ctx, "started").await?;
        if self.run_ms > 0 && self.act != Act::Wait {
            tokio::time::sleep(Duration::from_millis(self.run_ms)).await;
        }
        match self.act {
            Act::Fail(runs) if ctx.attempt() <= runs => {
                return Err(TaskError::retry(format!("run {} fails", ctx.attempt())));
            }
            Act::GiveUp => return Err(TaskError::unrecoverable("it is of no use")),
            Act::Block(ms) => block(Duration::from_millis(ms)),
            Act::Wait => {
                ctx.cancelled().await;
                return Err(TaskError::retry("asked to end"));
            }
            Act::Succeed | Act::Fail(_) => {}
            _ => self.end_badly(),
        }
        if matches!(self.act, Act::PanicInDrop) {
            let _bomb = Bomb;
            std::future::pending::<()>().await;
        }
        self.note(&ctx, "effect").await?;
        application::faults::failpoint("after_effect_before_finish");
        if let Some(person) = self.person_id {
            let settle = |_: &domain::Person| ctx.settle(&done());
            ctx.services.add_one_year(ctx.context(), PersonId(person), settle).await?;
        }
        self.note(&ctx, "ended").await?;
        Ok(done())
    }
}

impl Trial {
    async fn note(&self, ctx: &TaskContext<PersonController>, event: &str) -> Result<(), TaskError> {
        let Claim { id, fence } = ctx.claim();
        let line = json!({
            "event": event, "task": id.0, "name": self.name, "attempt": ctx.attempt(), "fence": fence,
            "at_us": ctx.now().timestamp_micros(), "process": std::process::id(),
        });
        let journal = self.journal.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut file = File::options().append(true).create(true).open(journal)?;
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_data()
        });
        written.await.map_err(TaskError::retry)?.map_err(TaskError::retry)
    }

    #[expect(clippy::panic, reason = "what the fault tests ask for")]
    fn end_badly(&self) {
        match self.act {
            Act::Panic => panic!("{} panics", self.name),
            Act::Abort => std::process::abort(),
            Act::Overflow => drop(overflow(0)),
            _ => {}
        }
    }
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    #[expect(clippy::panic, reason = "what the fault tests ask for")]
    fn drop(&mut self) {
        panic!("a panic while dropping");
    }
}

#[expect(clippy::disallowed_methods, reason = "what a handler must not do, and some will")]
fn block(time: Duration) {
    std::thread::sleep(time);
}

fn overflow(depth: u64) -> [u64; 64] {
    let mut frame = [depth; 64];
    if let Some(last) = frame.last_mut() {
        *last = std::hint::black_box(overflow(depth + 1)).iter().sum();
    }
    frame
}
