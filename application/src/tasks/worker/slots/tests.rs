use super::*;
use crate::tasks::{handler::TaskContext, testing};
use domain::SessionId;
use futures_util::FutureExt;

/// A run of the task of this number, in this queue.
fn entry(number: u128, queue: &str) -> Arc<Entry> {
    Arc::new(Entry {
        claimed: Claimed { queue: testing::queue(queue), ..testing::claimed(number) },
        session: Arc::new(Session::new(SessionId(uuid::Uuid::nil()), Instant::now())),
        run: TaskContext::for_test(Arc::new(())).run,
        cohort: Arc::new(Cohort::new(1)),
        started: Instant::now(),
        started_at: crate::testing::at(0),
        cancelled: AtomicBool::new(false),
        given_up: AtomicBool::new(false),
        ended: OnceLock::new(),
    })
}

#[tokio::test]
async fn room_is_what_slots_and_caps_leave() {
    let slots = Arc::new(Slots::new(4));
    let queues = [(testing::queue("a"), 2), (testing::queue("b"), 4)];
    assert_eq!(slots.room(&queues), (4, vec![2, 4]));
    let _first = slots.take(entry(1, "a"));
    let second = slots.take(entry(2, "a"));
    assert_eq!(slots.room(&queues), (2, vec![0, 2]));
    drop(second);
    assert_eq!(slots.room(&queues), (3, vec![1, 3]));
    assert!(slots.has_room() && !slots.is_empty() && slots.holds(testing::claim(1)));
}

#[tokio::test]
async fn who_waits_for_free_slots_finds_all_of_a_group() {
    let slots = Arc::new(Slots::new(3));
    let seats = [1, 2, 3].map(|number| slots.take(entry(number, "a")));
    let waiting = async {
        slots.freed().await;
        slots.room(&[]).0
    };
    let (free, ()) = futures_util::future::join(waiting, async { slots.free(seats) }).await;
    assert_eq!(free, 3);
}

#[tokio::test]
async fn whoever_waits_for_the_end_of_some_does_not_wait_for_others() {
    let slots = Arc::new(Slots::new(2));
    let (first, _second) = (slots.take(entry(1, "a")), slots.take(entry(2, "a")));
    let mut gone = std::pin::pin!(slots.free_of(|entry| entry.id() == testing::id(1)));
    assert_eq!((&mut gone).now_or_never(), None);
    drop(first);
    assert_eq!((&mut gone).now_or_never(), Some(()));
}

#[tokio::test]
async fn the_right_to_write_an_end_is_given_once() {
    let entry = entry(1, "a");
    assert!(!entry.has_ended() && entry.end());
    assert!(entry.has_ended() && !entry.end());
}
