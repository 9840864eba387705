use super::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn schedule(cron: &str, zone: &str, misfire: Misfire) -> Schedule {
    Schedule {
        name: ScheduleName::parse("test").unwrap(),
        timing: Timing::parse(cron, zone).unwrap(),
        misfire,
        overlap: Overlap::Allow,
        kind: "NOOP".to_owned(),
        payload: "null".to_owned(),
    }
}

#[test]
fn a_beat_that_was_down_for_three_hours_does_as_the_policy_says() {
    let (after, now) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T03:00:00Z"));
    let count = |misfire| schedule("*/10 * * * *", "UTC", misfire).due(after, now).len();
    // The slot at 03:00 is punctual under every policy.
    assert_eq!([Misfire::Skip, Misfire::RunOnce, Misfire::CatchUp].map(count), [1, 2, 18]);
    assert_eq!(schedule("* * * * *", "UTC", Misfire::CatchUp).due(after, now).len(), 100 + 2);
}

#[test]
fn slots_within_the_grace_fire_one_by_one() {
    let (after, now) = (at("2026-01-01T00:00:00Z"), at("2026-01-01T00:00:05Z"));
    let due = schedule("* * * * * *", "UTC", Misfire::RunOnce).due(after, now);
    assert_eq!(due, (1..=5).map(|s| after + TimeDelta::seconds(s)).collect::<Vec<_>>());
}

#[test]
fn every_slot_fires_once_however_often_one_looks() {
    let every_second = schedule("* * * * * *", "Asia/Tokyo", Misfire::Skip);
    let start = at("2026-03-01T00:00:00Z");
    let (mut last, mut fired) = (start, Vec::new());
    for tick in 0..600 {
        let due = every_second.due(last, start + TimeDelta::milliseconds(tick * 733));
        last = due.last().copied().unwrap_or(last);
        fired.extend(due);
    }
    assert_eq!(fired, (1..=439).map(|s| start + TimeDelta::seconds(s)).collect::<Vec<_>>());
}

#[test]
fn a_fixed_time_runs_once_when_clocks_change() {
    for (zone, gap, overlap, cron) in [
        ("Europe/Berlin", "2026-03-29", "2026-10-25", "30 2 * * *"),
        ("America/New_York", "2026-03-08", "2026-11-01", "30 2 * * *"),
        ("Australia/Lord_Howe", "2026-10-04", "2026-04-05", "15 2 * * *"),
    ] {
        for day in [gap, overlap] {
            let midnight = at(&format!("{day}T00:00:00Z")) - TimeDelta::hours(14);
            let daily = schedule(cron, zone, Misfire::CatchUp).due(midnight, midnight + TimeDelta::hours(48));
            assert_eq!(daily.len(), 2, "{zone} {day}: {daily:?}");
        }
    }
}

#[test]
fn a_time_in_the_gap_runs_at_the_first_instant_after_it() {
    let timing = Timing::parse("30 2 * * *", "Europe/Berlin").unwrap();
    assert_eq!(timing.next(at("2026-03-29T00:00:00Z")), Some(at("2026-03-29T01:00:00Z")));
}

#[test]
fn an_interval_goes_on_by_real_time() {
    let half_hours = schedule("*/30 * * * *", "Europe/Berlin", Misfire::CatchUp);
    for night in ["2026-03-28T22:00:00Z", "2026-10-24T22:00:00Z"] {
        let due = half_hours.due(at(night), at(night) + TimeDelta::hours(8));
        assert_eq!(due.len(), 16, "{night}");
        assert!(due.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(30)), "{due:?}");
    }
}

#[test]
fn backwards_the_slots_are_the_same() {
    for (zone, nights) in [
        ("Europe/Berlin", ["2026-03-29", "2026-10-25"]),
        ("America/New_York", ["2026-03-08", "2026-11-01"]),
        ("Australia/Lord_Howe", ["2026-10-04", "2026-04-05"]),
        ("UTC", ["2026-02-28", "2026-12-31"]),
    ] {
        for cron in [
            "30 2 * * *",
            "0 2,3 * * *",
            "15,45 1-3 * * *",
            "30 0 2 * * *",
            "*/20 * * * *",
            "7 */2 * * *",
            "* 2 * * *",
        ] {
            let timing = Timing::parse(cron, zone).unwrap();
            for night in nights {
                let begin = at(&format!("{night}T00:00:00Z")) - TimeDelta::hours(30);
                let end = begin + TimeDelta::hours(60);
                let until = |slot: &DateTime<Utc>| *slot < end;
                let forward = std::iter::successors(timing.next(begin), |slot| timing.next(*slot));
                let forward: Vec<_> = forward.take_while(until).collect();
                let since = |slot: &DateTime<Utc>| *slot > begin;
                let backward = std::iter::successors(timing.previous(end), |slot| timing.previous(*slot));
                let mut backward: Vec<_> = backward.take_while(since).collect();
                backward.reverse();
                assert_eq!(forward, backward, "{zone} {night} {cron}");
            }
        }
    }
}

/// Walked through, it would be thirty million slots.
#[test]
fn a_year_of_seconds_is_caught_up_with_at_once() {
    let now = at("2026-01-01T00:00:00.5Z");
    let due = schedule("* * * * * *", "Europe/Berlin", Misfire::CatchUp).due(now - TimeDelta::days(365), now);
    let first = at("2026-01-01T00:00:00Z") - TimeDelta::seconds(159);
    assert_eq!(due, (0..160).map(|s| first + TimeDelta::seconds(s)).collect::<Vec<_>>());
}

#[test]
fn what_is_no_schedule_is_refused_with_what_would_be_right() {
    assert_eq!(Timing::parse("61 * * * *", "UTC").unwrap_err().code, "cron");
    assert_eq!(Timing::parse("* * *", "UTC").unwrap_err().code, "cron");
    assert_eq!(Timing::parse("* * * * *", "Europe/Atlantis").unwrap_err().code, "time_zone");
}
