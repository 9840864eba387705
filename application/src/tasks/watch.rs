//! Stories of tasks as they change, for those who follow them live.
//!
//! However many follow, one poller asks the ledger for all their tasks together, and only while somebody follows.

use super::TaskRepository;
use crate::Error;
use domain::{TaskId, TaskStory};
use futures_util::{Stream, StreamExt, stream};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior},
};

/// How many tasks are asked for at once.
const BATCH: usize = 100;

/// See the module.
pub struct TaskWatch {
    watched: Arc<Watched>,
}

impl TaskWatch {
    /// Asks `tasks` once in each `interval`.
    pub fn new(tasks: Arc<dyn TaskRepository>, interval: Duration) -> Self {
        Self { watched: Arc::new(Watched { tasks, interval, channels: Mutex::default() }) }
    }

    /// The story of a task: at once, unless its revision is the one that was `seen`, then each time it has changed, up to
    /// and including its end. `NotFound` if there is no such task, or none any more; an error ends the stream. A database
    /// that cannot be reached later on is waited for.
    pub fn follow(
        &self,
        id: TaskId,
        seen: Option<i64>,
    ) -> impl Stream<Item = Result<TaskStory, Error>> + Send + use<> {
        let watched = self.watched.clone();
        // Subscribes before it looks: what changes between the two would otherwise be seen late.
        let first = async move {
            let follower = Follower::new(&watched, id);
            let story = watched.tasks.stories(&[id]).await.map(|mut found| found.pop());
            Next { follower, seen, story: Some(story) }
        };
        stream::once(first)
            .flat_map(|next| stream::unfold(Some(next), |next| async move { next?.step().await }))
    }
}

/// What a follower is to say next.
struct Next {
    follower: Follower,
    seen: Option<i64>,
    /// As it was found; `None` if the poller is to be waited for.
    story: Option<Result<Option<TaskStory>, Error>>,
}

impl Next {
    /// An item, and what comes after it, if anything does.
    async fn step(mut self) -> Option<(Result<TaskStory, Error>, Option<Self>)> {
        let id = self.follower.id;
        loop {
            let found = match self.story.take() {
                Some(found) => found,
                None => Ok(self.follower.heard().await?),
            };
            let story = match found {
                Ok(Some(story)) => story,
                Ok(None) => return Some((Err(Error::not_found("task", id.0)), None)),
                Err(error) => return Some((Err(error), None)),
            };
            let revision = Some(story.revision());
            let ended = story.task.standing.state.is_terminal();
            if self.seen != revision {
                self.seen = revision;
                return Some((Ok(story), (!ended).then_some(self)));
            }
            if ended {
                return None;
            }
        }
    }
}

/// Everybody who follows.
struct Watched {
    tasks: Arc<dyn TaskRepository>,
    interval: Duration,
    channels: Mutex<HashMap<TaskId, watch::Sender<Found>>>,
}

/// What the poller has found: nothing yet, or the story, if there still is one.
type Found = Option<Option<TaskStory>>;

impl Watched {
    fn channels(&self) -> MutexGuard<'_, HashMap<TaskId, watch::Sender<Found>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks until nobody follows any more.
    async fn poll(self: Arc<Self>) {
        let _end = EndStreams(&self);
        let mut ticks = tokio::time::interval_at(Instant::now() + self.interval, self.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let ids: Vec<TaskId> = {
                let mut channels = self.channels();
                channels.retain(|_, channel| channel.receiver_count() > 0);
                // Decided under the lock: whoever follows next finds the map empty, and begins to poll.
                if channels.is_empty() {
                    return;
                }
                channels.keys().copied().collect()
            };
            for ids in ids.chunks(BATCH) {
                self.ask(ids).await;
            }
        }
    }

    async fn ask(&self, ids: &[TaskId]) {
        match self.tasks.stories(ids).await {
            Ok(stories) => self.tell(ids, stories),
            // One whose story cannot be told does not silence the others: its own streams end.
            Err(Error::Internal { .. }) => match ids {
                [only] => drop(self.channels().remove(only)),
                ids => {
                    for id in ids {
                        Box::pin(self.ask(&[*id])).await;
                    }
                }
            },
            // A database that cannot be reached is asked again the next time.
            Err(_) => {}
        }
    }

    fn tell(&self, ids: &[TaskId], stories: Vec<TaskStory>) {
        let mut stories: HashMap<TaskId, TaskStory> =
            stories.into_iter().map(|story| (story.task.id, story)).collect();
        let channels = self.channels();
        for id in ids {
            let Some(channel) = channels.get(id) else { continue };
            let found = stories.remove(id);
            channel.send_if_modified(|last| {
                let revision = |story: &Option<TaskStory>| story.as_ref().map(TaskStory::revision);
                let news = last.as_ref().is_none_or(|last| revision(last) != revision(&found));
                *last = Some(found);
                news
            });
        }
    }
}

/// Ends all streams when the poller panics, so that clients come back and another one begins.
struct EndStreams<'w>(&'w Watched);

impl Drop for EndStreams<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.channels().clear();
        }
    }
}

/// One who follows a task.
struct Follower {
    id: TaskId,
    stories: watch::Receiver<Found>,
}

impl Follower {
    fn new(watched: &Arc<Watched>, id: TaskId) -> Self {
        let mut channels = watched.channels();
        if channels.is_empty() {
            tokio::spawn(watched.clone().poll());
        }
        let stories = channels.entry(id).or_default().subscribe();
        Self { id, stories }
    }

    /// What the poller finds next; `None` if it is gone.
    async fn heard(&mut self) -> Option<Option<TaskStory>> {
        loop {
            self.stories.changed().await.ok()?;
            if let Some(found) = self.stories.borrow_and_update().clone() {
                return Some(found);
            }
        }
    }
}

#[cfg(test)]
mod tests;
