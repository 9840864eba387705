use super::*;
use crate::{
    tasks::testing::{claimed, claimed_again, new_task},
    testing::at,
};
use domain::{Place, TaskId};

/// A first run, at second 1000, of a task that nobody waits for; half of the longest backoff.
fn circumstances<'r>(claimed: &'r Claimed, settings: &'r WorkerSettings) -> Circumstances<'r> {
    Circumstances {
        claimed,
        settings,
        policy: RetryPolicy::DEFAULT,
        cancelled: false,
        stopping: false,
        settled: false,
        oversize: None,
        scheduled: Then::nothing(),
        now: at(1000),
        chance: 0.5,
    }
}

/// What becomes of a first run that ended like this.
fn verdict(ended: Ended) -> Verdict {
    verdict_if(ended, |_| {})
}

fn verdict_if(ended: Ended, but: impl FnOnce(&mut Circumstances<'_>)) -> Verdict {
    let (claimed, settings) = (claimed(1), WorkerSettings::default());
    let mut circumstances = circumstances(&claimed, &settings);
    but(&mut circumstances);
    circumstances.verdict(ended)
}

fn settled(verdict: Verdict) -> Settlement {
    match verdict {
        Verdict::Settle(settlement) => settlement,
        Verdict::Finish(finished) => panic!("{finished:?} is finished"),
    }
}

fn failed(remedy: Remedy) -> Ended {
    Ended::Failed(Failure { remedy, message: "no".to_owned(), chain: "no: never".to_owned() })
}

fn answered() -> Ended {
    Ended::Answered("7".to_owned())
}

/// What a settlement says of an end without success.
fn told(settlement: &Settlement) -> (TaskEvent, Option<(FaultCode, &str)>, Option<EndReason>) {
    let fault = settlement.fault.as_ref().map(|fault| (fault.code, fault.message.as_str()));
    (settlement.event, fault, settlement.reason)
}

#[test]
fn a_success_that_concerns_nobody_else_is_finished_with_others() {
    let finished = Finished { claim: claimed(1).claim, result: "7".to_owned() };
    assert_eq!(verdict(answered()), Verdict::Finish(finished));
}

#[test]
fn a_success_that_somebody_waits_for_is_settled() {
    let link = |position| Place::Link { chain: TaskId(uuid::Uuid::nil()), position, length: 2 };
    let settings = WorkerSettings::default();
    let first = Claimed { place: link(0), ..claimed(1) };
    let settlement = settled(circumstances(&first, &settings).verdict(answered()));
    assert_eq!(
        (told(&settlement), settlement.result.as_deref()),
        ((TaskEvent::Success, None, None), Some("7"))
    );
    let last = Claimed { place: link(1), ..claimed(1) };
    assert!(matches!(circumstances(&last, &settings).verdict(answered()), Verdict::Finish(_)));
}

#[test]
fn what_a_handler_has_scheduled_goes_with_its_success_alone() {
    let then = Then { tasks: vec![new_task(2)], ..Then::default() };
    let success = settled(verdict_if(answered(), |run| run.scheduled = then.clone()));
    assert_eq!((success.event, success.then), (TaskEvent::Success, then.clone()));
    let failure = settled(verdict_if(failed(Remedy::Retry), |run| run.scheduled = then));
    assert_eq!(failure.then, Then::nothing());
}

#[test]
fn what_a_handler_may_have_settled_is_settled_and_not_finished() {
    let settlement = settled(verdict_if(answered(), |run| run.settled = true));
    assert_eq!(settlement.event, TaskEvent::Success);
}

#[test]
fn a_result_that_is_too_large_fails() {
    let settlement = settled(verdict(Ended::Answered("7".repeat(262_145))));
    let message = "the result has 262145 bytes, the most are 262144";
    assert_eq!(
        told(&settlement),
        (TaskEvent::Fatal, Some((FaultCode::ResultTooLarge, message)), Some(EndReason::Unrecoverable))
    );
}

#[test]
fn an_error_is_tried_again_after_the_backoff_of_its_run() {
    let settings = WorkerSettings::default();
    for (attempt, seconds) in [(1, 1), (2, 2), (3, 4)] {
        let claimed = claimed_again(1, attempt);
        let settlement = settled(circumstances(&claimed, &settings).verdict(failed(Remedy::Retry)));
        assert_eq!(told(&settlement), (TaskEvent::Error, Some((FaultCode::Error, "no")), None));
        assert_eq!(settlement.due_at, at(1000 + seconds), "half of the longest, run {attempt}");
    }
}

#[test]
fn settings_may_say_another_backoff_for_all_kinds() {
    let due = |backoff_base, backoff_cap| {
        let (claimed, settings) = (claimed_again(1, 4), WorkerSettings::default());
        let settings = WorkerSettings { backoff_base, backoff_cap, ..settings };
        let mut circumstances = circumstances(&claimed, &settings);
        circumstances.policy = RetryPolicy { base: Duration::from_secs(2), cap: Duration::from_secs(6) };
        (settled(circumstances.verdict(failed(Remedy::Retry))).due_at - at(1000)).num_milliseconds()
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(due(None, None), 3000, "half of the cap of the kind");
    assert_eq!(due(seconds(60), None), 3000, "the cap of the kind stands");
    assert_eq!(due(None, seconds(60)), 8000, "the base of the kind stands");
    assert_eq!(due(seconds(0), seconds(0)), 0);
}

#[test]
fn a_far_side_that_asks_for_time_gets_at_least_that_but_no_more_than_a_day() {
    let due = |seconds| {
        settled(verdict(failed(Remedy::RetryAfter(Duration::from_secs(seconds))))).due_at - at(1000)
    };
    assert_eq!(due(30), TimeDelta::seconds(30));
    assert_eq!(due(0), TimeDelta::seconds(1), "not before the backoff");
    assert_eq!(due(1_000_000), TimeDelta::hours(24));
}

#[test]
fn an_unrecoverable_error_fails() {
    let settlement = settled(verdict(failed(Remedy::Nothing)));
    assert_eq!(
        told(&settlement),
        (TaskEvent::Fatal, Some((FaultCode::Unrecoverable, "no")), Some(EndReason::Unrecoverable))
    );
}

#[test]
fn panics_and_time_outs_are_tried_again() {
    let panicked = settled(verdict(Ended::Panicked(Panic("help".to_owned()))));
    assert_eq!(told(&panicked), (TaskEvent::Error, Some((FaultCode::Panic, "help")), None));
    let late = settled(verdict(Ended::TimedOut));
    let message = "it took longer than 300 s";
    assert_eq!(told(&late), (TaskEvent::Error, Some((FaultCode::Timeout, message)), None));
    assert_eq!(late.due_at, at(1001));
}

#[test]
fn an_overdue_handler_has_used_up_an_attempt() {
    let (claimed, settings) = (claimed(1), WorkerSettings::default());
    let settlement = circumstances(&claimed, &settings).overdue();
    let message = "it took longer than 300 s, and goes on";
    assert_eq!(told(&settlement), (TaskEvent::Overdue, Some((FaultCode::Timeout, message)), None));
    assert_eq!(settlement.due_at, at(1001));
}

#[test]
fn a_payload_of_another_kind_fails() {
    let settlement = settled(verdict(Ended::Undecodable("missing field".to_owned())));
    let expected =
        (TaskEvent::Fatal, Some((FaultCode::Undecodable, "missing field")), Some(EndReason::Unrecoverable));
    assert_eq!(told(&settlement), expected);
}

#[test]
fn who_was_asked_to_end_and_ends_has_obeyed() {
    let event = |ended| settled(verdict_if(ended, |run| run.cancelled = true)).event;
    for ended in [failed(Remedy::Retry), failed(Remedy::Nothing), Ended::Dropped] {
        assert_eq!(event(ended.clone()), TaskEvent::Yield, "{ended:?}");
    }
    assert_eq!(event(Ended::TimedOut), TaskEvent::Error, "which the ledger takes for an end, too");
    let success = verdict_if(answered(), |run| run.cancelled = true);
    assert!(matches!(success, Verdict::Finish(_)), "a success that commits first wins");
}

#[test]
fn who_ends_because_the_worker_stops_is_given_back() {
    let event = |ended| settled(verdict_if(ended, |run| run.stopping = true)).event;
    assert_eq!(event(failed(Remedy::Retry)), TaskEvent::Release);
    assert_eq!(event(Ended::Dropped), TaskEvent::Release);
    assert_eq!(event(failed(Remedy::Nothing)), TaskEvent::Fatal, "that is no wish to try again");
}

#[test]
fn an_unknown_kind_is_left_to_others_for_a_day() {
    let settings = WorkerSettings::default();
    let after = |releases: i64| {
        let mut claimed = claimed(1);
        claimed.claim.fence = releases + 1;
        settled(circumstances(&claimed, &settings).verdict(Ended::Unknown))
    };
    for releases in [0, 2 * 60 * 24 - 1] {
        let settlement = after(releases);
        assert_eq!((told(&settlement), settlement.due_at), ((TaskEvent::Release, None, None), at(1030)));
    }
    let settlement = after(2 * 60 * 24);
    let message = "no worker knows the kind PROBE";
    assert_eq!(
        told(&settlement),
        (TaskEvent::Fatal, Some((FaultCode::UnknownKind, message)), Some(EndReason::UnknownKind))
    );
}
