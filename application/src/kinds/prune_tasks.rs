//! Retention, as a task: what ended long ago goes, and what was left behind by imports that did not end well.

use super::count::count;
use crate::{Imports, Retention, TaskContext, TaskError, TaskKind, TaskRepository};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// How many tasks are deleted in one transaction.
const BATCH: u32 = 1000;

/// How many imports are deleted in one go: each may have a hundred thousand rows.
const IMPORTS: u32 = 10;

/// Deletes tasks that have ended and whose time is over, then uploads that no task is left of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneTasks {}

/// What it needs.
pub struct Pruning {
    /// The tasks.
    pub tasks: Arc<dyn TaskRepository>,
    /// The uploads.
    pub imports: Arc<dyn Imports>,
    /// How long tasks are kept.
    pub retention: Retention,
}

/// What was deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// Tasks that had ended.
    pub tasks: u64,
    /// Uploads that nobody needs any more.
    pub imports: u64,
}

impl TaskKind for PruneTasks {
    const NAME: &'static str = "PRUNE_TASKS";
    const QUEUE: &'static str = "maintenance";
    const TIMEOUT: Duration = Duration::from_secs(3600);

    type Services = Pruning;
    type Output = Pruned;

    async fn run(self, ctx: TaskContext<Pruning>) -> Result<Pruned, TaskError> {
        let Pruning { tasks, imports, retention } = &*ctx.services;
        let now = ctx.now();
        let expired = retention.expired(now);
        let mut pruned = Pruned::default();
        while !is_done(&ctx, tasks.prune(&expired, BATCH).await?, &mut pruned.tasks)? {
            ctx.progress(0.0, &format!("{} tasks deleted", count(pruned.tasks)));
        }
        // An upload is as old as its tasks: of a younger one they are still kept.
        let old = now - retention.succeeded.min(retention.failed);
        while !is_done(&ctx, imports.prune(old, IMPORTS).await?, &mut pruned.imports)? {
            let (tasks, imports) = (count(pruned.tasks), count(pruned.imports));
            ctx.progress(0.5, &format!("{tasks} tasks and {imports} uploads deleted"));
        }
        Ok(pruned)
    }
}

/// Adds what one batch has deleted to `all`: it was the last one if that is nothing. What is deleted stays so if
/// the task is stopped.
fn is_done(ctx: &TaskContext<Pruning>, deleted: u32, all: &mut u64) -> Result<bool, TaskError> {
    *all += u64::from(deleted);
    match deleted {
        0 => Ok(true),
        _ if ctx.is_cancelled() => Err(TaskError::retry("stopped before everything was deleted")),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MockImports, MockTaskRepository, testing::at};
    use chrono::TimeDelta;
    use mockall::{Sequence, predicate::eq};

    const RETENTION: Retention =
        Retention { succeeded: TimeDelta::seconds(7), failed: TimeDelta::seconds(90) };

    fn context(tasks: MockTaskRepository, imports: MockImports) -> TaskContext<Pruning> {
        let (tasks, imports) = (Arc::new(tasks), Arc::new(imports));
        TaskContext::for_test(Arc::new(Pruning { tasks, imports, retention: RETENTION }))
    }

    #[tokio::test]
    async fn batches_go_until_nothing_is_left_tasks_before_their_uploads() {
        let (mut tasks, mut imports, mut order) =
            (MockTaskRepository::new(), MockImports::new(), Sequence::new());
        // A batch may be smaller because a chain did not fit in.
        for deleted in [1000, 998, 3, 0] {
            let prune = tasks.expect_prune().with(eq(RETENTION.expired(at(0))), eq(1000));
            prune.once().in_sequence(&mut order).returning(move |_, _| Ok(deleted));
        }
        for deleted in [2, 0] {
            let prune = imports.expect_prune().with(eq(at(-7)), eq(10));
            prune.once().in_sequence(&mut order).returning(move |_, _| Ok(deleted));
        }
        let ctx = context(tasks, imports);
        assert_eq!(PruneTasks {}.run(ctx.clone()).await.unwrap(), Pruned { tasks: 2001, imports: 2 });
        assert_eq!(ctx.said().unwrap().note(), "2,001 tasks and 2 uploads deleted");
    }

    #[tokio::test]
    async fn it_stops_between_batches_when_asked() {
        let mut tasks = MockTaskRepository::new();
        tasks.expect_prune().once().returning(|_, _| Ok(1000));
        let ctx = context(tasks, MockImports::new());
        ctx.cancel_for_test();
        assert!(matches!(PruneTasks {}.run(ctx).await, Err(TaskError::Retry(_))));
    }

    #[test]
    fn a_schedule_says_nothing_more() {
        assert_eq!(serde_json::from_str::<PruneTasks>("{}").unwrap(), PruneTasks {});
    }
}
