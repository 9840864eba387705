//! Handlers that do not yield, in real time on two threads: in paused time nothing would go on beside them.

use super::*;
use std::sync::{Barrier, mpsc as sync};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_task_of_a_handler_that_does_not_yield_goes_on_without_it() {
    let (release, released) = sync::channel::<()>();
    let (overdue, mut was_overdue) = mpsc::unbounded_channel();
    let mut ledger = MockTaskLedger::new();
    let late = Claimed { timeout: Duration::from_millis(20), ..claimed(1) };
    gives(&mut ledger, vec![late]);
    // Its end is written once, by who supervises it: what the handler answers later is dropped.
    ledger
        .expect_settle()
        .withf(|settlement| told(settlement) == (TaskEvent::Overdue, Some(FaultCode::Timeout)))
        .once()
        .returning(move |_| {
            overdue.send(()).unwrap();
            Ok(Settled::As(TaskState::Queued))
        });
    let (released, begun) = (std::sync::Mutex::new(released), Arc::new(Barrier::new(1)));
    let act = Act::new(move |say, _| {
        begun.wait();
        released.lock().unwrap().recv().ok(); // blocks the thread
        async move { Ok(say) }
    });
    let settings = WorkerSettings {
        poll: Duration::from_millis(10),
        overdue_grace: Duration::from_millis(20),
        ..WorkerSettings::default()
    };
    let worker = Arc::new(with(quiet(ledger), act, settings));
    let stop = CancellationToken::new();
    let working = tokio::spawn(worker.clone().run(stop.clone()));
    was_overdue.recv().await.unwrap();
    assert_eq!(worker.progress().running, 1, "the slot is taken until the handler ends");
    drop(release);
    stop.cancel();
    working.await.unwrap();
    assert_eq!(worker.progress().running, 0);
}
