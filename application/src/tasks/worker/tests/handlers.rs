//! What becomes of handlers: done, failed, panicked, out of time, asked to end.

use super::*;
use crate::{Signature, TaskContext, TaskError, Then};
use domain::{Place, Progress};

/// Runs task 1 once, and expects its end to be written like this.
async fn ends(act: Arc<Act>, event: TaskEvent, code: Option<FaultCode>, state: TaskState) {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    settles(&mut ledger, event, code, state);
    assert_eq!(worker(quiet(ledger), act).drain().await.unwrap(), 1);
}

struct Grenade;

impl Drop for Grenade {
    fn drop(&mut self) {
        panic!("it goes off");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_claimed_together_is_finished_together() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1), claimed(2), claimed(3)]);
    ledger
        .expect_finish()
        .withf(|finished, now| finished == successes(&[1, 2, 3]) && *now == at(0))
        .once()
        .returning(|_, _| Ok(vec![true; 3]));
    assert_eq!(worker(quiet(ledger), Arc::default()).drain().await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn errors_are_tried_again_or_not_as_they_say() {
    let retry = Act::new(|_, _| async { Err(TaskError::retry("no")) });
    ends(retry, TaskEvent::Error, Some(FaultCode::Error), TaskState::Queued).await;
    let never = Act::new(|_, _| async { Err(TaskError::unrecoverable("never")) });
    ends(never, TaskEvent::Fatal, Some(FaultCode::Unrecoverable), TaskState::Failed).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error() {
    let panic = Act::new(|_, _| async { panic!("help") });
    ends(panic, TaskEvent::Error, Some(FaultCode::Panic), TaskState::Queued).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_time_is_up_is_dropped_and_told() {
    let (told, mut dropped) = mpsc::unbounded_channel();
    let act = Act::new(move |_, ctx: TaskContext<Act>| {
        let told = told.clone();
        async move {
            let _ended = scopeguard(move |()| told.send((ctx.is_cancelled(), ctx.now())).unwrap());
            std::future::pending().await
        }
    });
    ends(act, TaskEvent::Error, Some(FaultCode::Timeout), TaskState::Queued).await;
    assert_eq!(dropped.recv().await, Some((true, at(300))));
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_it_is_dropped_is_an_error_too() {
    let act = Act::new(|_, _| async {
        let _grenade = Grenade;
        std::future::pending().await
    });
    ends(act, TaskEvent::Error, Some(FaultCode::Panic), TaskState::Queued).await;
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_cannot_be_decoded_fails() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![Claimed { payload: "{}".to_owned(), ..claimed(1) }]);
    settles(&mut ledger, TaskEvent::Fatal, Some(FaultCode::Undecodable), TaskState::Failed);
    worker(quiet(ledger), Arc::default()).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_task_of_an_unknown_kind_is_given_back_for_half_a_minute() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![Claimed { kind: "NEW".to_owned(), ..claimed(1) }]);
    ledger
        .expect_settle()
        .withf(|settlement| told(settlement) == (TaskEvent::Release, None) && settlement.due_at == at(30))
        .once()
        .returning(|_| Ok(Settled::As(TaskState::Queued)));
    worker(quiet(ledger), Arc::default()).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_success_that_the_handler_has_settled_stands() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    ledger
        .expect_settle()
        .withf(|settlement| settlement.event == TaskEvent::Success && settlement.result.is_some())
        .once()
        .returning(|_| Ok(Settled::Already));
    let act = Act::new(|say, ctx: TaskContext<Act>| async move {
        let then = ctx.settle(&say)?;
        assert_eq!(then.settle.unwrap().result, "\"1\"");
        Ok(say)
    });
    worker(quiet(ledger), act).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_schedules_is_its_own_and_is_written_with_its_success() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    ledger
        .expect_settle()
        .withf(|settlement| {
            let Then { tasks, groups, .. } = &settlement.then;
            let [first, second, a, b, callback, alone] = tasks.as_slice() else { return false };
            let chain = |position| Place::Link { chain: first.id, position, length: 2 };
            let [group] = groups.as_slice() else { return false };
            assert_eq!((group.size, group.callback), (2, callback.id));
            assert_eq!((first.place, second.place), (chain(0), chain(1)));
            assert_eq!(
                (a.place, b.place),
                (Place::Member { group: group.id }, Place::Member { group: group.id })
            );
            assert_eq!((callback.place, alone.place), (Place::Callback { group: group.id }, Place::Alone));
            assert_eq!(alone.due_at, at(90));
            tasks.iter().all(|task| task.parent == Some(id(1)))
        })
        .once()
        .returning(|_| Ok(Settled::As(TaskState::Succeeded)));
    let act = Act::new(|say, ctx: TaskContext<Act>| async move {
        let probe = |say| Signature::of(&Probe::says(say)).unwrap();
        assert_eq!(ctx.schedule_chain(vec![probe("1"), probe("2")]).len(), 2);
        assert_eq!(ctx.schedule_group(vec![probe("a"), probe("b")], probe("all")).len(), 3);
        assert_eq!(ctx.schedule_group(Vec::new(), probe("at once").at(at(90))).len(), 1);
        Ok(say)
    });
    worker(quiet(ledger), act).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_too_large_to_be_settled_is_not_tried_again() {
    let act = Act::new(|_, ctx: TaskContext<Act>| async move {
        let said = "7".repeat(262_143); // and two quotes
        let then = ctx.settle(&said)?;
        panic!("{then:?} is written");
    });
    ends(act, TaskEvent::Fatal, Some(FaultCode::ResultTooLarge), TaskState::Failed).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_asked_to_end_may_end_by_itself() {
    let act = Act::new(|_, ctx: TaskContext<Act>| async move {
        ctx.cancelled().await;
        assert_eq!(ctx.now(), at(15), "at the first renewal");
        Err(TaskError::retry("asked to end"))
    });
    cancelled(act, None).await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_end_ten_seconds_after_it_was_asked_is_dropped() {
    let (told, mut dropped) = mpsc::unbounded_channel();
    let act = Act::new(move |_, ctx: TaskContext<Act>| {
        let told = told.clone();
        async move {
            let _ended = scopeguard(move |()| told.send(ctx.now()).unwrap());
            std::future::pending().await
        }
    });
    cancelled(act, None).await;
    assert_eq!(dropped.recv().await, Some(at(25)));
}

#[tokio::test(start_paused = true)]
async fn a_hint_to_cancel_is_looked_after_at_once() {
    let (hint, hints) = Hints::new();
    let act = Act::new(move |_, ctx: TaskContext<Act>| {
        hint.send(Hint::Cancel(id(77))).unwrap(); // another's
        hint.send(Hint::Cancel(id(1))).unwrap();
        async move {
            ctx.cancelled().await;
            assert_eq!(ctx.now(), at(0));
            Err(TaskError::retry("asked to end"))
        }
    });
    cancelled(act, Some(hints)).await;
}

/// The first renewal that names task 1 says that somebody wants it to end; it then yields.
async fn cancelled(act: Arc<Act>, hints: Option<Hints>) {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    let wanted = Renewed { alive: true, cancelled: vec![id(1)] };
    ledger.expect_renew().withf(|renewal| renewal.running == [id(1)]).once().return_once(|_| Ok(wanted));
    settles(&mut ledger, TaskEvent::Yield, None, TaskState::Cancelled);
    let worker = heeding(quiet(ledger), hints.unwrap_or_default(), act, WorkerSettings::default());
    work_for(worker, seconds(40)).await;
}

#[tokio::test(start_paused = true)]
async fn progress_is_written_twice_a_second_and_the_last_word_wins() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    let begun = tokio::time::Instant::now();
    // Said every 100 ms from 0 on: written at 0, 0.5 and 1 s.
    for (tenths, millis) in [(0, 0), (5, 500), (10, 1000)] {
        let progress = Progress::new(f64::from(tenths) / 100.0, "");
        let after = Duration::from_millis(millis);
        ledger
            .expect_progress()
            .withf(move |claimed, said| (*claimed, said, begun.elapsed()) == (claim(1), &progress, after))
            .once()
            .returning(|_, _| Ok(Some(false)));
    }
    ledger.expect_finish().once().returning(|_, _| Ok(vec![true]));
    let act = Act::new(|say, ctx: TaskContext<Act>| async move {
        for tenth in 0..=12 {
            ctx.progress(f64::from(tenth) / 100.0, "");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(say)
    });
    worker(quiet(ledger), act).drain().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_progress_may_be_that_it_is_to_end() {
    let mut ledger = MockTaskLedger::new();
    gives(&mut ledger, vec![claimed(1)]);
    ledger.expect_progress().once().returning(|_, _| Ok(Some(true)));
    settles(&mut ledger, TaskEvent::Yield, None, TaskState::Cancelled);
    let act = Act::new(|_, ctx: TaskContext<Act>| async move {
        ctx.progress(0.5, "half-way");
        ctx.cancelled().await;
        Err(TaskError::retry("asked to end"))
    });
    worker(quiet(ledger), act).drain().await.unwrap();
}

/// Calls `then` when it is dropped.
fn scopeguard(then: impl FnOnce(()) + Send + 'static) -> impl Drop + Send {
    struct Guard<F: FnOnce(())>(Option<F>);
    impl<F: FnOnce(())> Drop for Guard<F> {
        fn drop(&mut self) {
            if let Some(then) = self.0.take() {
                then(());
            }
        }
    }
    Guard(Some(then))
}
