//! Tasks that were lost with their worker.

use super::{super::suspects::Suspects, session::Session, slots::Cohort, *};
use crate::TaskContext;
use mockall::Sequence;
use std::sync::{Mutex, atomic::AtomicBool, mpsc as sync};
use tokio::time::Instant;

/// The first session of a worker.
fn first_session() -> SessionId {
    SessionId(uuid::Uuid::from_u128(1001))
}

/// Expects that the worker wants to be quiet at each of these seconds, and answers whether it may.
fn wants_silence(ledger: &mut MockTaskLedger, seconds: &'static [i64], answer: fn() -> Result<bool, Error>) {
    let mut expected = seconds.iter();
    ledger.expect_go_quiet().times(seconds.len()).returning(move |session, queues, now| {
        assert_eq!((session, queues), (first_session(), &[queue("default")][..]));
        assert_eq!(Some(now), expected.next().map(|second| at(*second)));
        answer()
    });
}

/// Expects that it takes that back so many times.
fn speaks_again(ledger: &mut MockTaskLedger, times: usize) {
    ledger.expect_end_quiet().withf(|session| *session == first_session()).times(times).returning(|_| Ok(()));
}

/// A suspect is due at each poll but the first, at which a task begins that takes very long. When the worker claims, in
/// seconds, is written down.
fn busy(ledger: &mut MockTaskLedger) -> Arc<Mutex<Vec<i64>>> {
    gives(ledger, vec![Claimed { timeout: seconds(1000), ..claimed(1) }]);
    ledger.expect_has_suspect().once().returning(|_, _| Ok(false));
    let claims = Arc::new(Mutex::new(Vec::new()));
    let seen = claims.clone();
    ledger.expect_claim().returning(move |claiming| {
        assert_eq!(claiming.limit, 15);
        locked(&seen).push((claiming.now - at(0)).num_seconds());
        Ok(Vec::new())
    });
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    claims
}

/// Works up to this second.
fn until(second: u64) -> Arc<Act> {
    Act::new(move |say, _| async move {
        tokio::time::sleep(seconds(second)).await;
        Ok(say)
    })
}

async fn work_up_to(second: u64, ledger: MockTaskLedger) {
    let act = until(second + 10);
    work_for(worker(quiet(ledger), act), seconds(second) + Duration::from_millis(500)).await;
}

#[tokio::test(start_paused = true)]
async fn a_suspect_runs_with_nothing_beside_it() {
    let (told, mut began) = mpsc::unbounded_channel();
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    // Seen at the second poll, while task 1 runs up to the fifth second. What is claimed next is claimed alone.
    ledger
        .expect_has_suspect()
        .withf(|queues, now| queues == [queue("default")] && *now == at(0))
        .once()
        .returning(|_, _| Ok(false));
    ledger.expect_has_suspect().withf(|_, now| *now <= at(5)).returning(|_, _| Ok(true));
    ledger
        .expect_claim_suspect()
        .withf(|claiming| {
            (claiming.now, claiming.limit) == (at(5), 1) && claiming.queues == [(queue("default"), 1)]
        })
        .once()
        .returning(|_| Ok(Some(claimed(2))));
    wants_silence(&mut ledger, &[1], || Ok(true));
    speaks_again(&mut ledger, 1);
    // It runs up to the tenth second; only then the others go on.
    ledger.expect_claim().withf(|claiming| claiming.now < at(1)).returning(|_| Ok(Vec::new()));
    ledger.expect_claim().withf(|claiming| claiming.now == at(10)).once().returning(|_| Ok(vec![claimed(3)]));
    ledger.expect_finish().times(3).returning(|_, _| Ok(vec![true]));
    let act = Act::new(move |say, ctx: TaskContext<Act>| {
        told.send((say.clone(), ctx.now())).unwrap();
        async move {
            tokio::time::sleep(seconds(5)).await;
            Ok(say)
        }
    });
    work_for(worker(quiet(ledger), act), seconds(14)).await;
    for expected in [("1", 0), ("2", 5), ("3", 10)] {
        assert_eq!(began.recv().await, Some((expected.0.to_owned(), at(expected.1))));
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspect_that_another_worker_takes_holds_up_nobody() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_has_suspect().once().returning(|_, _| Ok(true));
    ledger.expect_claim_suspect().once().returning(|_| Ok(None));
    ledger.expect_claim().withf(|claiming| claiming.limit == 16).times(1..).returning(|_| Ok(Vec::new()));
    worker(quiet(ledger), Arc::default()).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_drain_runs_suspects_too() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_has_suspect().once().returning(|_, _| Ok(true));
    ledger.expect_claim_suspect().once().returning(|_| Ok(Some(claimed(1))));
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    assert_eq!(worker(quiet(ledger), Arc::default()).drain().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn suspects_run_one_after_the_other_before_anything_else() {
    let mut ledger = MockTaskLedger::new();
    ledger.expect_has_suspect().times(2).returning(|_, _| Ok(true));
    ledger.expect_has_suspect().returning(|_, _| Ok(false));
    ledger.expect_claim_suspect().once().returning(|_| Ok(Some(claimed(1))));
    ledger
        .expect_claim_suspect()
        .withf(|claiming| claiming.now < at(1))
        .once()
        .returning(|_| Ok(Some(claimed(2))));
    ledger.expect_claim().withf(|claiming| claiming.now == at(0)).once().returning(|_| Ok(vec![claimed(3)]));
    ledger.expect_finish().times(3).returning(|_, _| Ok(vec![true]));
    let (told, mut began) = mpsc::unbounded_channel();
    let act = Act::new(move |say, _: TaskContext<Act>| {
        told.send(say.clone()).unwrap();
        async move { Ok(say) }
    });
    work_for(worker(quiet(ledger), act), seconds(4)).await;
    for expected in ["1", "2", "3"] {
        assert_eq!(began.recv().await.as_deref(), Some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn while_another_worker_is_quiet_this_one_goes_on() {
    let mut ledger = MockTaskLedger::new();
    let claims = busy(&mut ledger);
    ledger.expect_has_suspect().returning(|_, _| Ok(true));
    wants_silence(&mut ledger, &[1, 2, 3], || Ok(false));
    work_up_to(3, ledger).await;
    assert_eq!(*locked(&claims), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_become_empty_lets_others_try_and_is_more_patient_the_next_time() {
    let mut ledger = MockTaskLedger::new();
    let claims = busy(&mut ledger);
    ledger.expect_has_suspect().returning(|_, _| Ok(true));
    // For one minute, and after another one for two.
    wants_silence(&mut ledger, &[1, 121], || Ok(true));
    speaks_again(&mut ledger, 2);
    work_up_to(243, ledger).await;
    let expected: Vec<i64> = (61..=120).chain(241..=243).collect();
    assert_eq!(*locked(&claims), expected);
}

#[tokio::test(start_paused = true)]
async fn a_quiet_worker_goes_on_once_there_is_nothing_to_wait_for() {
    let mut ledger = MockTaskLedger::new();
    let claims = busy(&mut ledger);
    // Another worker was empty and has taken it; what is lost then is a new reason.
    let mut due = [true, true, false, true].into_iter();
    ledger.expect_has_suspect().times(4).returning(move |_, _| Ok(due.next().unwrap()));
    wants_silence(&mut ledger, &[1, 4], || Ok(true));
    speaks_again(&mut ledger, 2);
    work_up_to(4, ledger).await;
    assert_eq!(*locked(&claims), [3]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_stops_leaves_silence_to_others_at_once() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    ledger.expect_has_suspect().once().returning(|_, _| Ok(false));
    ledger.expect_has_suspect().once().returning(|_, _| Ok(true));
    wants_silence(&mut ledger, &[1], || Ok(true));
    let mut order = Sequence::new();
    ledger
        .expect_end_quiet()
        .withf(|session| *session == first_session())
        .once()
        .in_sequence(&mut order)
        .returning(|_| Ok(()));
    ledger.expect_finish().once().in_sequence(&mut order).returning(|_, _| Ok(vec![true]));
    work_up_to(1, ledger).await;
}

#[tokio::test(start_paused = true)]
async fn where_the_answer_is_lost_a_worker_is_quiet_and_takes_it_back() {
    let mut ledger = MockTaskLedger::new();
    let claims = busy(&mut ledger);
    ledger.expect_has_suspect().times(2).returning(|_, _| Ok(true));
    wants_silence(&mut ledger, &[1], away);
    ledger.expect_end_quiet().once().returning(|_| away());
    speaks_again(&mut ledger, 1);
    work_up_to(4, ledger).await;
    assert_eq!(*locked(&claims), [4]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_under_another_session_is_said_anew() {
    let sessions = [1, 2].map(|number| {
        let (id, trusted_until) = (SessionId(uuid::Uuid::from_u128(number)), Instant::now() + seconds(50));
        Arc::new(Session::new(id, trusted_until))
    });
    let mut ledger = MockTaskLedger::new();
    ledger.expect_has_suspect().times(3).returning(|_, _| Ok(true));
    for id in [sessions[0].id, sessions[1].id] {
        ledger
            .expect_go_quiet()
            .withf(move |session, _, _| *session == id)
            .once()
            .returning(|_, _, _| Ok(true));
    }
    let core = worker(ledger, Arc::default()).core.clone();
    let _busy = run::seat(&core, claimed(1), &sessions[0], &Arc::new(Cohort::new(1)));
    let mut suspects = Suspects::new(&core);
    for session in [&sessions[0], &sessions[0], &sessions[1]] {
        suspects.look(session).await.unwrap();
    }
}

/// In real time, as what is in `overdue.rs`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_a_handler_that_was_given_up_nobody_waits_for_a_suspect() {
    let (release, released) = sync::channel::<()>();
    let (told, mut ended) = mpsc::unbounded_channel();
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![Claimed { timeout: Duration::from_millis(500), ..claimed(1) }]);
    let given_up = Arc::new(AtomicBool::new(false));
    let (told_so, seen) = (given_up.clone(), given_up.clone());
    ledger.expect_has_suspect().once().returning(|_, _| Ok(false));
    ledger.expect_has_suspect().returning(move |_, _| {
        assert!(!seen.load(Ordering::Acquire), "it is not even looked for");
        Ok(true)
    });
    ledger.expect_go_quiet().once().returning(|_, _, _| Ok(true));
    ledger.expect_end_quiet().once().returning(move |_| {
        told_so.store(true, Ordering::Release);
        Ok(())
    });
    settles(&mut ledger, TaskEvent::Overdue, Some(FaultCode::Timeout), TaskState::Queued);
    // Others are claimed, once nobody is quiet any more.
    ledger.expect_claim().withf(|claiming| claiming.limit == 15).times(2..).returning(move |_| {
        told.send(()).ok();
        Ok(Vec::new())
    });
    let released = Mutex::new(released);
    let act = Act::new(move |say, _| {
        released.lock().unwrap().recv().ok(); // blocks the thread
        async move { Ok(say) }
    });
    let settings = WorkerSettings {
        poll: Duration::from_millis(10),
        overdue_grace: Duration::from_millis(20),
        ..WorkerSettings::default()
    };
    let stop = CancellationToken::new();
    let working = tokio::spawn(Arc::new(with(quiet(ledger), act, settings)).run(stop.clone()));
    for _ in 0..3 {
        tokio::time::timeout(seconds(10), ended.recv()).await.unwrap().unwrap();
    }
    given_up.store(false, Ordering::Release);
    drop(release);
    stop.cancel();
    working.await.unwrap();
}
