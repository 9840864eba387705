use super::*;
use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

/// Noon of some day, in a database far from this host's time.
fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(4_102_488_000, 0).unwrap()
}

fn silent() -> Logger {
    Logger::root(slog::Discard, slog::o!())
}

fn unavailable() -> Error {
    Error::unavailable("the database", "it is down")
}

/// A database whose clock starts at noon and goes as the runtime's does, and whose answers take `trip`, each way the same.
#[derive(Clone)]
struct FakeDatabase {
    trip: Arc<Mutex<Duration>>,
    down: Arc<Mutex<bool>>,
    error: Arc<Mutex<TimeDelta>>,
    asked: Arc<AtomicU32>,
    started: Instant,
}

impl FakeDatabase {
    fn new() -> Self {
        Self {
            trip: Arc::default(),
            down: Arc::default(),
            error: Arc::default(),
            asked: Arc::default(),
            started: Instant::now(),
        }
    }

    fn now(&self) -> DateTime<Utc> {
        noon() + self.started.elapsed() + *self.error.lock().unwrap()
    }

    async fn tell(self) -> Result<Option<DateTime<Utc>>, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let trip = *self.trip.lock().unwrap();
        sleep(trip / 2).await;
        let answer = self.now();
        sleep(trip / 2).await;
        if *self.down.lock().unwrap() { Err(unavailable()) } else { Ok(Some(answer)) }
    }

    async fn clock(&self) -> DatabaseClock {
        let this = self.clone();
        DatabaseClock::follow(move || this.clone().tell(), silent()).await
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_as_late_as_in_the_database_however_long_the_answer_takes() {
    let database = FakeDatabase::new();
    *database.trip.lock().unwrap() = Duration::from_millis(300);
    let clock = database.clock().await;
    assert_eq!(clock.now(), database.now());
    sleep(Duration::from_micros(7_000_123)).await;
    assert_eq!(clock.now(), database.now());
}

#[tokio::test(start_paused = true)]
async fn of_several_trips_the_shortest_counts() {
    let asked = Arc::new(AtomicU32::new(0));
    let started = Instant::now();
    let source = move || {
        let asked = asked.fetch_add(1, Ordering::Relaxed);
        async move {
            let answer = noon() + started.elapsed();
            // All of it on the way back, which looks like a clock that is slow by half of it.
            sleep(Duration::from_millis([400, 2, 90][asked as usize % 3])).await;
            Ok(Some(answer))
        }
    };
    let clock = DatabaseClock::follow(source, silent()).await;
    assert_eq!(clock.now(), noon() + started.elapsed() - TimeDelta::milliseconds(1));
}

#[tokio::test(start_paused = true)]
async fn it_is_corrected_every_half_minute() {
    let database = FakeDatabase::new();
    let clock = database.clock().await;
    *database.error.lock().unwrap() = TimeDelta::milliseconds(40);
    sleep(EVERY - Duration::from_millis(1)).await;
    assert_eq!(database.now() - clock.now(), TimeDelta::milliseconds(40));
    sleep(Duration::from_millis(2)).await;
    assert_eq!(database.now(), clock.now());
}

/// Nobody's session looks dead, or young, because of one wrong answer.
#[tokio::test(start_paused = true)]
async fn a_step_is_followed_once_it_has_lasted() {
    for seconds in [-90, 6, 90] {
        let database = FakeDatabase::new();
        let clock = database.clock().await;
        sleep(EVERY - Duration::from_millis(100)).await;
        let step = TimeDelta::seconds(seconds);
        *database.error.lock().unwrap() = step;
        sleep(Duration::from_millis(200) + CONFIRMATION - SOON).await;
        assert_eq!((database.now() - clock.now(), clock.stepped_at()), (step, None));
        sleep(SOON).await;
        assert_eq!(database.now(), clock.now());
        assert!(clock.stepped_at().unwrap().elapsed() <= Duration::from_millis(200));
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_that_is_taken_back_was_none() {
    let database = FakeDatabase::new();
    let clock = database.clock().await;
    for seconds in [90, 0, 90, 0] {
        *database.error.lock().unwrap() = TimeDelta::seconds(seconds);
        sleep(EVERY + Duration::from_millis(1)).await;
        assert_eq!(database.now() - clock.now(), TimeDelta::seconds(seconds));
    }
    assert_eq!(clock.stepped_at(), None);
}

#[tokio::test(start_paused = true)]
async fn a_step_must_be_the_same_all_the_time() {
    let database = FakeDatabase::new();
    let clock = database.clock().await;
    for seconds in (1..12).map(|n| n * 30) {
        *database.error.lock().unwrap() = TimeDelta::seconds(seconds);
        sleep(SOON * 2).await;
        assert_eq!(database.now() - clock.now(), TimeDelta::seconds(seconds));
    }
    sleep(CONFIRMATION + SOON).await;
    assert_eq!(database.now(), clock.now());
}

#[tokio::test(start_paused = true)]
async fn while_the_database_is_away_or_slow_the_clock_goes_on() {
    let database = FakeDatabase::new();
    let clock = database.clock().await;
    *database.down.lock().unwrap() = true;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(clock.now(), database.now());

    *database.down.lock().unwrap() = false;
    *database.error.lock().unwrap() = TimeDelta::milliseconds(40);
    *database.trip.lock().unwrap() = SLOW + Duration::from_millis(1);
    sleep(EVERY * 3).await;
    assert_eq!(database.now() - clock.now(), TimeDelta::milliseconds(40));
    *database.trip.lock().unwrap() = Duration::from_secs(3600); // nor does it hang for ever
    sleep(EVERY * 3).await;
    *database.trip.lock().unwrap() = Duration::ZERO;
    sleep(EVERY * 3).await;
    assert_eq!(clock.now(), database.now());
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_absent_at_first_is_followed_once_it_is_there() {
    let database = FakeDatabase::new();
    *database.down.lock().unwrap() = true;
    let clock = database.clock().await;
    assert!((clock.now() - SystemClock.now()).abs() < TimeDelta::seconds(5));
    *database.down.lock().unwrap() = false;
    sleep(AGAIN + Duration::from_millis(1)).await;
    assert_eq!(clock.now(), database.now());
}

#[tokio::test(start_paused = true)]
async fn a_database_without_a_clock_of_its_own_is_asked_once() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = asked.clone();
    let source = move || {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok(None) }
    };
    let clock = DatabaseClock::follow(source, silent()).await;
    sleep(EVERY * 3).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert!((clock.now() - SystemClock.now()).abs() < TimeDelta::seconds(5));
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_for_a_clock_that_is_gone() {
    let database = FakeDatabase::new();
    drop(database.clock().await);
    let asked = database.asked.load(Ordering::Relaxed);
    sleep(EVERY * 3).await;
    assert_eq!(database.asked.load(Ordering::Relaxed), asked);
}
