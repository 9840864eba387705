//! Charts of minutes that are known.

use super::*;
use crate::testing::at;
use application::Minute;
use domain::QueueName;

/// The last minute shown begins here.
const NOW: i64 = 7200;

fn minute(ago: i64, [succeeded, failed, retried]: [u64; 3]) -> Minute {
    let runs = succeeded + failed + retried;
    Minute {
        queue: QueueName::parse("default").unwrap(),
        minute: at(NOW - ago * 60),
        succeeded,
        failed,
        retried,
        waited_us: runs * 1_500_000,
        ran_us: runs * 250_000,
    }
}

fn hour(minutes: &[Minute]) -> Hour {
    Hour::new(minutes, None, at(NOW + 30))
}

fn bar(class: &'static str, x: usize, y: f64, height: f64) -> Bar {
    Bar { class, x, y, height }
}

#[test]
fn a_minute_is_a_bar_in_layers_that_fill_the_scale() {
    let chart = throughput(&hour(&[minute(0, [6, 2, 0]), minute(59, [20, 0, 9]), minute(30, [1, 0, 0])]));
    assert_eq!((chart.figure.as_str(), chart.top.as_str()), ("29", "20 a minute"));
    assert_eq!(
        chart.drawing.bars,
        [
            bar("succeeded", 0, 0.0, 100.0),
            bar("succeeded", 290, 95.0, 5.0),
            bar("succeeded", 590, 70.0, 30.0),
            bar("failed", 590, 60.0, 10.0),
        ]
    );
    assert_eq!(chart.times, ["01:01", "01:31", "02:00 UTC"]);
    assert_eq!(
        chart.description,
        "Tasks that ended in each of the last 60 minutes: 27 succeeded, 2 failed for good; the most in a minute \
         were 20, at 01:01 UTC."
    );
    let said: Vec<_> = [0, 1].map(|i: usize| chart.drawing.minutes[i].text.as_str()).into();
    assert_eq!(said, ["01:01: 20 succeeded, 0 failed for good", "01:02: no run ended"]);
}

#[test]
fn what_is_older_or_of_another_queue_is_left_out() {
    let other = Minute { queue: QueueName::parse("imports").unwrap(), ..minute(0, [100, 0, 0]) };
    let figures = [other, minute(60, [1000, 0, 0]), minute(-1, [1000, 0, 0]), minute(0, [7, 0, 0])];
    let default = QueueName::parse("default").unwrap();
    assert_eq!(Hour::new(&figures, Some(&default), at(NOW)).sum().succeeded, 7);
    assert_eq!(hour(&figures).sum().succeeded, 107, "all queues together");
}

#[test]
fn a_wait_is_a_mean_over_runs() {
    let chart = wait(&hour(&[minute(0, [2, 1, 1]), minute(1, [1, 0, 0])]));
    assert_eq!((chart.figure.as_str(), chart.top.as_str()), ("1.5\u{a0}s", "2\u{a0}s"));
    assert_eq!(chart.drawing.bars, [bar("wait", 580, 25.0, 75.0), bar("wait", 590, 25.0, 75.0)]);
    assert_eq!(chart.note, "a run takes 250\u{a0}ms on average");
}

#[test]
fn a_failure_rate_is_a_share_of_runs() {
    let chart = failures(&hour(&[minute(0, [8, 1, 1]), minute(1, [10, 0, 0])]));
    assert_eq!((chart.figure.as_str(), chart.top.as_str()), ("10 %", "20 %"));
    assert_eq!(chart.drawing.bars, [bar("failed", 590, 50.0, 50.0), bar("retried", 590, 0.0, 50.0)]);
    let all = failures(&hour(&[minute(0, [0, 3, 0])]));
    assert_eq!((all.figure.as_str(), all.top.as_str()), ("100 %", "100 %"));
}

#[test]
fn an_hour_without_runs_has_no_bars_and_invents_nothing() {
    let nothing = hour(&[]);
    for (chart, figure) in [(throughput(&nothing), "0"), (wait(&nothing), "–"), (failures(&nothing), "0 %")]
    {
        assert_eq!(chart.drawing.bars, [], "{}", chart.id);
        assert_eq!(chart.figure, figure, "{}", chart.id);
        assert_eq!(chart.note, "");
    }
}

#[test]
fn what_is_little_beside_much_is_still_seen() {
    let drawing = sparkline(&hour(&[minute(0, [1, 0, 0]), minute(1, [1_000_000, 1, 0])]));
    assert_eq!(
        drawing.bars,
        [bar("succeeded", 580, 0.0, 100.0), bar("failed", 580, 0.0, 2.0), bar("succeeded", 590, 98.0, 2.0)]
    );
}

#[test]
fn scales_end_at_round_numbers() {
    assert_eq!([0.0, 1.0, 1.5, 3.0, 7.0, 11.0, 201.0].map(nice), [1.0, 1.0, 2.0, 5.0, 10.0, 20.0, 500.0]);
    let seconds = [0.0, 0.0004, 0.003, 0.4, 0.6, 25.0, 45.0, 1700.0, 4000.0, 90_000.0];
    let tops = seconds.map(|s| nice_time(s * 1e6) / 1e6);
    assert_eq!(tops, [0.001, 0.001, 0.005, 0.5, 1.0, 30.0, 60.0, 1800.0, 7200.0, 180_000.0]);
}
