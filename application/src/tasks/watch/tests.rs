use super::*;
use crate::{
    MockTaskRepository, TaskRepository,
    tasks::testing::{id, new_task},
    testing::story,
};
use domain::{TaskState, Version};
use mockall::predicate::eq;
use std::pin::Pin;

const INTERVAL: Duration = Duration::from_millis(250);

/// A task of this version and state.
fn told(number: u128, version: i64, state: TaskState) -> TaskStory {
    let mut story = story(new_task(number));
    story.task.version = Version::new(version).unwrap();
    story.task.standing.state = state;
    story
}

type Stories = Pin<Box<dyn Stream<Item = Result<TaskStory, Error>> + Send>>;

fn follow(tasks: MockTaskRepository, seen: Option<i64>) -> Stories {
    TaskWatch::new(Arc::new(tasks), INTERVAL).follow(id(1), seen).boxed()
}

/// Expects one question for task 1, answered by `answer`.
fn once(tasks: &mut MockTaskRepository, answer: Result<Vec<TaskStory>, Error>) {
    tasks.expect_stories().with(eq([id(1)])).once().return_once(move |_| answer);
}

async fn revisions(mut stories: Stories) -> Vec<i64> {
    let mut revisions = Vec::new();
    while let Some(story) = stories.next().await {
        revisions.push(story.unwrap().revision());
    }
    revisions
}

#[tokio::test(start_paused = true)]
async fn each_change_is_told_once_up_to_the_end() {
    let mut tasks = MockTaskRepository::new();
    for version in [1, 1, 2, 2] {
        once(&mut tasks, Ok(vec![told(1, version, TaskState::Running)]));
    }
    once(&mut tasks, Err(Error::unavailable("the database", "away")));
    once(&mut tasks, Ok(vec![told(1, 5, TaskState::Succeeded)]));
    assert_eq!(revisions(follow(tasks, None)).await, [1, 2, 5]);
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_is_not_told_again() {
    let mut tasks = MockTaskRepository::new();
    once(&mut tasks, Ok(vec![told(1, 4, TaskState::Running)]));
    once(&mut tasks, Ok(vec![told(1, 5, TaskState::Failed)]));
    assert_eq!(revisions(follow(tasks, Some(4))).await, [5]);
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_seen_ends_the_stream() {
    let mut tasks = MockTaskRepository::new();
    once(&mut tasks, Ok(vec![told(1, 5, TaskState::Failed)]));
    assert!(revisions(follow(tasks, Some(5))).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_pruned_is_not_found_from_then_on() {
    let mut tasks = MockTaskRepository::new();
    once(&mut tasks, Ok(vec![told(1, 4, TaskState::Running)]));
    once(&mut tasks, Ok(vec![]));
    let mut stories = follow(tasks, None);
    assert!(stories.next().await.unwrap().is_ok());
    assert!(matches!(stories.next().await, Some(Err(Error::NotFound { kind: "task", .. }))));
    assert!(stories.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_cannot_be_asked_at_first_is_an_error() {
    let mut tasks = MockTaskRepository::new();
    once(&mut tasks, Err(Error::unavailable("the database", "away")));
    let mut stories = follow(tasks, None);
    assert!(matches!(stories.next().await, Some(Err(Error::Unavailable { .. }))));
    assert!(stories.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn all_followers_share_one_question_and_none_is_asked_without_them() {
    let mut tasks = MockTaskRepository::new();
    // Three look for themselves; then one question for both tasks tells all three the end.
    for number in [1, 1, 2] {
        let now = told(number, 1, TaskState::Running);
        tasks.expect_stories().with(eq([id(number)])).once().return_once(move |_| Ok(vec![now]));
    }
    let end = vec![told(1, 2, TaskState::Succeeded), told(2, 2, TaskState::Cancelled)];
    tasks.expect_stories().withf(|ids| ids.len() == 2).once().return_once(move |_| Ok(end));
    let watch = TaskWatch::new(Arc::new(tasks) as Arc<dyn TaskRepository>, INTERVAL);
    let followers = [1, 1, 2].map(|number| revisions(watch.follow(id(number), None).boxed()));
    let told = futures_util::future::join_all(followers).await;
    assert_eq!(told, [[1, 2], [1, 2], [1, 2]]);
    tokio::time::sleep(INTERVAL * 10).await; // the mock expects no further question
    assert!(watch.watched.channels().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_story_that_cannot_be_told_ends_its_own_stream_alone() {
    let mut tasks = MockTaskRepository::new();
    let broken = |ids: &[TaskId]| -> Result<Vec<TaskStory>, Error> {
        let running = |id: &TaskId| told(id.0.as_u128(), 1, TaskState::Running);
        let ended = |id: &TaskId| told(id.0.as_u128(), 2, TaskState::Succeeded);
        match ids {
            [first] if *first == id(1) => Err(Error::internal("cannot read a task", "it breaks a rule")),
            [other] => Ok(vec![ended(other)]),
            ids if ids.contains(&id(1)) => Err(Error::internal("cannot read tasks", "one breaks a rule")),
            ids => Ok(ids.iter().map(running).collect()),
        }
    };
    let calls = std::sync::atomic::AtomicU32::new(0);
    tasks.expect_stories().returning(move |ids| {
        // Each is told when its stream is opened; the rule is broken afterwards.
        match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 | 1 => Ok(ids.iter().map(|id| told(id.0.as_u128(), 1, TaskState::Running)).collect()),
            _ => broken(ids),
        }
    });
    let watch = TaskWatch::new(Arc::new(tasks), INTERVAL);
    let (first, other) = (watch.follow(id(1), None).boxed(), watch.follow(id(2), None).boxed());
    let (first, other) = tokio::join!(revisions(first), revisions(other));
    assert_eq!((first, other), (vec![1], vec![1, 2]));
}
