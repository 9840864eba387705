use super::*;
use crate::{
    MockClock, MockTaskStatistics, QueueDepth,
    tasks::testing::queue,
    testing::{Lines, at},
};
use mockall::predicate::eq;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

fn gauge(statistics: impl TaskStatistics + 'static) -> QueueGauge {
    telling(statistics, Logger::root(slog::Discard, slog::o!()))
}

fn telling(statistics: impl TaskStatistics + 'static, log: Logger) -> QueueGauge {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(at(9));
    QueueGauge::new(Arc::new(statistics), Arc::new(clock), 100, log)
}

fn depth(queued: u64) -> QueueDepth {
    QueueDepth { queue: queue("mail"), queued, running: 8, waiting: 2, oldest_due: None }
}

/// What a queue with so many queued tasks, 8 running and 2 waiting ones, of 100 at most, says to a further one.
async fn answer(queued: u64) -> Result<(), Error> {
    let mut statistics = MockTaskStatistics::new();
    statistics.expect_depths().with(eq(at(9))).once().returning(move |_| Ok(vec![depth(queued)]));
    let gauge = gauge(statistics);
    gauge.sample(&mut BTreeSet::new()).await;
    assert!(gauge.admit(&queue("other")).is_ok(), "a queue is full by itself");
    gauge.admit(&queue("mail"))
}

#[tokio::test]
async fn a_full_queue_refuses_for_a_time_that_grows_with_its_excess() {
    assert!(answer(89).await.is_ok());
    for (queued, seconds) in [(90, 1), (115, 2), (190, 5), (9_000, 5)] {
        let Err(Error::TooMany { what, retry_after }) = answer(queued).await else { panic!("admitted") };
        assert_eq!((what.as_str(), retry_after), ("the queue mail is full", Duration::from_secs(seconds)));
    }
}

#[tokio::test]
async fn while_nobody_can_count_the_last_count_stands() {
    let mut statistics = MockTaskStatistics::new();
    statistics.expect_depths().once().returning(|_| Ok(vec![depth(500)]));
    statistics.expect_depths().once().returning(|_| Err(Error::unavailable("the database", "away")));
    let gauge = gauge(statistics);
    assert!(gauge.admit(&queue("mail")).is_ok(), "before the first sample");
    gauge.sample(&mut BTreeSet::new()).await;
    assert!(gauge.admit(&queue("mail")).is_err());
    gauge.sample(&mut BTreeSet::new()).await;
    assert!(gauge.admit(&queue("mail")).is_err(), "after one that failed");
}

/// A ledger that takes two seconds to count.
struct Slow(Arc<AtomicU32>);

#[async_trait::async_trait]
impl TaskStatistics for Slow {
    async fn depths(&self, _: chrono::DateTime<chrono::Utc>) -> Result<Vec<QueueDepth>, Error> {
        self.0.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(Vec::new())
    }
    async fn minutes(&self, _: chrono::DateTime<chrono::Utc>) -> Result<Vec<crate::Minute>, Error> {
        unreachable!("nobody asks")
    }
    async fn sessions(&self) -> Result<Vec<crate::SessionStatus>, Error> {
        unreachable!("nobody asks")
    }
}

#[tokio::test(start_paused = true)]
async fn counting_takes_a_tenth_of_the_time_at_most() {
    let counts = Arc::new(AtomicU32::new(0));
    let gauge = gauge(Slow(counts.clone()));
    // The fifth count begins after 80 seconds: each takes 2 and is followed by 18 of rest.
    let _ended = tokio::time::timeout(Duration::from_secs(81), gauge.run(CancellationToken::new())).await;
    assert_eq!(counts.load(Ordering::Relaxed), 5);
}

#[tokio::test(start_paused = true)]
async fn that_nobody_can_count_is_told_once_in_ten_seconds_and_so_is_the_end_of_it() {
    let (lines, mut statistics) = (Arc::<AtomicUsize>::default(), MockTaskStatistics::new());
    statistics.expect_depths().times(12).returning(|_| Err(Error::unavailable("the database", "slow")));
    statistics.expect_depths().returning(|_| Ok(Vec::new()));
    let gauge = telling(statistics, Logger::root(Lines(lines.clone()), slog::o!()));
    let _ended = tokio::time::timeout(Duration::from_secs(20), gauge.run(CancellationToken::new())).await;
    assert_eq!(lines.load(Ordering::Relaxed), 2 + 1);
}
