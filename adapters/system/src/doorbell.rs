//! Hints within this process: where it is API and worker in one, or where there is no Redis.

use application::{Bell, Doorbell, DoorbellState, Hint};
use async_trait::async_trait;
use domain::{QueueName, TaskId};
use std::{
    collections::{BTreeSet, VecDeque},
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{
    broadcast::{self, error::RecvError},
    oneshot,
};

/// Cancels that a listener may leave unheard; it learns of older ones when it renews its lease.
const CANCELS: usize = 1024;

/// Clones are the same doorbell.
#[derive(Clone)]
pub struct LocalDoorbell(Arc<House>);

struct House {
    hall: Mutex<Hall>,
    cancels: broadcast::Sender<TaskId>,
}

#[derive(Default)]
struct Hall {
    /// Queues that were rung for while nobody was free: once or often, somebody has to look.
    unheard: BTreeSet<QueueName>,
    /// Who waits, the longest first.
    waiting: VecDeque<Waiting>,
    /// Counts those who have waited.
    count: u64,
}

struct Waiting {
    id: u64,
    queues: Arc<[QueueName]>,
    wake: oneshot::Sender<QueueName>,
}

impl Default for LocalDoorbell {
    fn default() -> Self {
        let cancels = broadcast::Sender::new(CANCELS);
        Self(Arc::new(House { hall: Mutex::default(), cancels }))
    }
}

impl Doorbell for LocalDoorbell {
    fn ring(&self, queue: &QueueName) {
        self.0.ring(queue);
    }

    fn cancel(&self, task: TaskId) {
        self.0.cancels.send(task).ok(); // an error says that nobody listens
    }

    fn listen(&self, queues: &[QueueName]) -> Box<dyn Bell> {
        let cancels = self.0.cancels.subscribe();
        Box::new(LocalBell { house: self.0.clone(), queues: queues.into(), cancels })
    }

    fn state(&self) -> DoorbellState {
        DoorbellState::Local
    }
}

struct LocalBell {
    house: Arc<House>,
    queues: Arc<[QueueName]>,
    cancels: broadcast::Receiver<TaskId>,
}

#[async_trait]
impl Bell for LocalBell {
    async fn next(&mut self, free: bool) -> Hint {
        let cancelled = cancelled(&mut self.cancels);
        if !free {
            return Hint::Cancel(cancelled.await);
        }
        let mut place = self.house.wait(&self.queues);
        tokio::select! {
            biased;
            task = cancelled => Hint::Cancel(task),
            queue = place.woken() => Hint::Work(queue),
        }
    }
}

async fn cancelled(cancels: &mut broadcast::Receiver<TaskId>) -> TaskId {
    loop {
        match cancels.recv().await {
            Ok(task) => return task,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => pending().await,
        }
    }
}

impl House {
    fn ring(&self, queue: &QueueName) {
        let mut hall = self.hall();
        while let Some(first) = hall.waiting.iter().position(|waiting| waiting.queues.contains(queue)) {
            let waiting = hall.waiting.remove(first);
            if waiting.is_some_and(|waiting| waiting.wake.send(queue.clone()).is_ok()) {
                return;
            }
        }
        hall.unheard.insert(queue.clone());
    }

    fn wait(&self, queues: &Arc<[QueueName]>) -> Place<'_> {
        let (wake, woken) = oneshot::channel();
        let mut hall = self.hall();
        hall.count += 1;
        let id = hall.count;
        // In the order of the listener, not of the alphabet.
        match queues.iter().find(|queue| hall.unheard.contains(*queue)) {
            Some(queue) => {
                hall.unheard.remove(queue);
                wake.send(queue.clone()).ok(); // the other end is in this function
            }
            None => hall.waiting.push_back(Waiting { id, queues: queues.clone(), wake }),
        }
        Place { house: self, id, woken }
    }

    fn hall(&self) -> MutexGuard<'_, Hall> {
        self.hall.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Among those who wait. Whoever leaves unserved passes on what has been meant for it.
struct Place<'h> {
    house: &'h House,
    id: u64,
    woken: oneshot::Receiver<QueueName>,
}

impl Place<'_> {
    async fn woken(&mut self) -> QueueName {
        match (&mut self.woken).await {
            Ok(queue) => queue,
            Err(_) => pending().await, // cannot be: the other end is used before it is dropped
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.house.hall().waiting.retain(|waiting| waiting.id != self.id);
        if let Ok(queue) = self.woken.try_recv() {
            self.house.ring(&queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn queue(name: &str) -> QueueName {
        QueueName::parse(name).unwrap()
    }

    #[tokio::test]
    async fn whoever_gives_up_waiting_leaves_nothing_behind() {
        let doorbell = LocalDoorbell::default();
        let mut bell = doorbell.listen(&[queue("mail")]);
        for _ in 0..100 {
            assert_eq!(bell.next(true).now_or_never(), None);
        }
        assert!(doorbell.0.hall().waiting.is_empty());
    }

    #[tokio::test]
    async fn rings_that_nobody_hears_are_one() {
        let doorbell = LocalDoorbell::default();
        doorbell.ring(&queue("mail"));
        doorbell.ring(&queue("mail"));
        let mut bell = doorbell.listen(&[queue("mail")]);
        assert_eq!(bell.next(true).now_or_never(), Some(Hint::Work(queue("mail"))));
        assert_eq!(bell.next(true).now_or_never(), None);
    }

    #[tokio::test]
    async fn a_hint_for_somebody_who_left_goes_to_the_next() {
        let doorbell = LocalDoorbell::default();
        let (mut first, mut second) = (doorbell.listen(&[queue("mail")]), doorbell.listen(&[queue("mail")]));
        let mut leaving = first.next(true);
        assert_eq!((&mut leaving).now_or_never(), None);
        let mut staying = second.next(true);
        assert_eq!((&mut staying).now_or_never(), None);
        doorbell.ring(&queue("mail"));
        drop(leaving);
        assert_eq!(staying.now_or_never(), Some(Hint::Work(queue("mail"))));
    }

    #[tokio::test]
    async fn whoever_waits_longest_is_woken_first() {
        let doorbell = LocalDoorbell::default();
        let (mut first, mut second) = (doorbell.listen(&[queue("mail")]), doorbell.listen(&[queue("mail")]));
        let mut later = second.next(true);
        let mut earlier = first.next(true);
        assert_eq!((&mut earlier).now_or_never(), None);
        assert_eq!((&mut later).now_or_never(), None);
        doorbell.ring(&queue("mail"));
        assert_eq!(later.now_or_never(), None);
        assert_eq!(earlier.now_or_never(), Some(Hint::Work(queue("mail"))));
    }

    #[tokio::test]
    async fn a_flood_of_cancels_is_heard_from_where_memory_ends() {
        let doorbell = LocalDoorbell::default();
        let mut bell = doorbell.listen(&[]);
        let task = |n: u128| TaskId(uuid::Uuid::from_u128(n));
        (0..CANCELS as u128 + 5).for_each(|n| doorbell.cancel(task(n)));
        assert_eq!(bell.next(false).now_or_never(), Some(Hint::Cancel(task(5))));
        assert_eq!(bell.next(true).now_or_never(), Some(Hint::Cancel(task(6))));
    }
}
