use super::*;

fn running(attempt: u32) -> Standing {
    let queued = Standing { attempt: attempt - 1, ..Standing::new(false, 3) };
    queued.transition(TaskEvent::Claim).unwrap()
}

#[test]
fn an_error_is_retried_three_times() {
    let states: Vec<TaskState> =
        (1..=4).map(|attempt| running(attempt).transition(TaskEvent::Error).unwrap().state).collect();
    assert_eq!(states, [TaskState::Queued, TaskState::Queued, TaskState::Queued, TaskState::Failed]);
}

#[test]
fn what_is_given_back_costs_no_attempt() {
    assert_eq!(running(2).transition(TaskEvent::Release).unwrap().attempt, 1);
    let reclaimed = running(2).transition(TaskEvent::Reclaim).unwrap();
    assert_eq!((reclaimed.attempt, reclaimed.crashes, reclaimed.state), (1, 1, TaskState::Queued));
}

#[test]
fn the_third_crash_is_the_last() {
    let lost = Standing { crashes: MAX_CRASHES - 1, ..running(1) }.transition(TaskEvent::Reclaim).unwrap();
    assert_eq!((lost.state, lost.crashes), (TaskState::Failed, MAX_CRASHES));
}

#[test]
fn who_is_asked_to_end_does_not_go_back_to_the_queue() {
    let asked = running(1).transition(TaskEvent::Cancel).unwrap();
    assert_eq!(asked.state, TaskState::Running);
    use TaskEvent::{Error, Overdue, Reclaim, Release, Yield};
    for event in [Error, Overdue, Reclaim, Release, Yield] {
        assert_eq!(asked.transition(event).unwrap().state, TaskState::Cancelled, "{event:?}");
    }
    assert_eq!(asked.transition(TaskEvent::Success).unwrap().state, TaskState::Succeeded);
    assert_eq!(running(1).transition(Yield).unwrap_err().event, Yield);
}

#[test]
fn success_is_for_ever() {
    let done = running(1).transition(TaskEvent::Success).unwrap();
    for event in TaskEvent::ALL {
        assert!(done.transition(*event).is_err(), "{event:?}");
    }
}

#[test]
fn an_operator_gives_a_new_budget() {
    let failed = Standing { crashes: 2, ..running(4) }.transition(TaskEvent::Error).unwrap();
    assert_eq!(failed.transition(TaskEvent::Retry).unwrap(), Standing::new(false, 3));
}

#[test]
fn delays_grow_up_to_the_cap() {
    let longest = |attempt| RetryPolicy::DEFAULT.longest(attempt).as_secs();
    assert_eq!([1, 2, 3, 4, 9, 10, 99].map(longest), [2, 4, 8, 16, 512, 600, 600]);
    assert_eq!(RetryPolicy::DEFAULT.delay(3, 0.5), Duration::from_secs(4));
}

#[test]
fn a_queue_has_a_plain_name() {
    assert_eq!(QueueName::parse("mail-2_x").unwrap().as_str(), "mail-2_x");
    for wrong in ["", "Mail", "2mail", "a b", "a:b", &"a".repeat(51)] {
        assert_eq!(QueueName::parse(wrong).unwrap_err().code, "queue", "{wrong}");
    }
}

#[test]
fn progress_is_brought_into_its_bounds() {
    let progress = |fraction| Progress::new(fraction, "").fraction();
    assert_eq!([-1.0, 0.4, 7.0, f64::NAN].map(progress), [0.0, 0.4, 1.0, 0.0]);
    assert_eq!(Progress::new(0.0, " two\nlines\0 ").note(), "two lines");
    assert_eq!(Progress::new(0.0, &"é".repeat(300)).note().chars().count(), Progress::MAX_NOTE);
}

#[test]
fn a_fault_keeps_whole_characters() {
    let fault = Fault::new(FaultCode::Error, &format!("\0a{}", "é".repeat(4096)));
    assert!(fault.message.len() <= Fault::MAX_MESSAGE && fault.message.starts_with("aé"));
}

#[test]
fn who_waits_and_who_is_awaited() {
    let link = |position| Place::Link { chain: TaskId(Uuid::nil()), position, length: 3 };
    assert_eq!(
        [0, 1, 2].map(|n| (link(n).waits(), link(n).is_awaited())),
        [(false, true), (true, true), (true, false)]
    );
    let group = Uuid::nil();
    assert!(Place::Member { group }.is_awaited() && Place::Callback { group }.waits());
}
