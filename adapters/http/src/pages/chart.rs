//! Charts of the last hour: a bar for each minute, in layers. Only shares of width and height are decided here; what is
//! around the bars is HTML, so that its letters keep their size at every width.

use super::{
    hour::{Hour, MINUTES, Tally},
    words::{count, micros, percent, plural},
};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// Of a bar with the gap beside it, in the units of the drawing.
const STEP: usize = 10;
const HEIGHT: f64 = 100.0;
/// What is little is still seen.
const LEAST: f64 = 2.0;

/// One chart with its words.
#[derive(Serialize)]
pub(super) struct Chart {
    /// Of its elements.
    id: &'static str,
    title: &'static str,
    /// The hour in one number.
    figure: String,
    /// What the number is.
    unit: &'static str,
    /// The same chart for those who do not see it.
    description: String,
    /// Colour and meaning, from the bottom up.
    legend: Vec<Legend>,
    drawing: Drawing,
    /// At the upper end of the scale.
    top: String,
    /// In place of bars, if there are none.
    nothing: &'static str,
    /// Below the bars: begin, middle and end.
    times: [String; 3],
    /// What else is to be known.
    note: String,
}

#[derive(Serialize)]
struct Legend {
    class: &'static str,
    text: String,
}

/// Bars alone.
#[derive(Serialize)]
pub(super) struct Drawing {
    width: usize,
    bars: Vec<Bar>,
    /// What each minute was, for whoever points at it.
    minutes: Vec<Label>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Bar {
    class: &'static str,
    x: usize,
    y: f64,
    height: f64,
}

#[derive(Serialize)]
struct Label {
    x: usize,
    text: String,
}

/// One colour.
struct Layer {
    class: &'static str,
    value: fn(&Tally) -> f64,
}

const SUCCEEDED: Layer = Layer { class: "succeeded", value: |tally| tally.succeeded as f64 };
const FAILED: Layer = Layer { class: "failed", value: |tally| tally.failed as f64 };
const WAITED: Layer = Layer { class: "wait", value: |tally| tally.mean_wait().unwrap_or(0.0) };
const SHARE_FAILED: Layer = Layer { class: "failed", value: |tally| share(tally.failed, tally) };
const SHARE_RETRIED: Layer = Layer { class: "retried", value: |tally| share(tally.retried, tally) };

/// How many tasks ended in each minute.
pub(super) fn throughput(hour: &Hour) -> Chart {
    let sum = hour.sum();
    let top = nice(highest(hour, &[SUCCEEDED, FAILED]));
    let text = |tally: &Tally| {
        format!("{} succeeded, {} failed for good", count(tally.succeeded), count(tally.failed))
    };
    Chart {
        id: "throughput",
        title: "Throughput",
        figure: count(sum.succeeded + sum.failed),
        unit: "tasks ended",
        description: format!(
            "Tasks that ended in each of the last {MINUTES} minutes: {}{}.",
            said(&sum, text),
            peak(hour)
        ),
        legend: vec![
            Legend { class: "succeeded", text: format!("{} succeeded", count(sum.succeeded)) },
            Legend { class: "failed", text: format!("{} failed", count(sum.failed)) },
        ],
        drawing: Drawing::new(hour, &[SUCCEEDED, FAILED], top, text),
        top: format!("{} a minute", count(top as u64)),
        nothing: "No task has ended",
        times: times(hour),
        note: String::new(),
    }
}

/// How long runs waited for a worker.
pub(super) fn wait(hour: &Hour) -> Chart {
    let sum = hour.sum();
    let top = nice_time(highest(hour, &[WAITED]));
    let mean = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), micros);
    let text = |tally: &Tally| format!("{} on average", mean(tally.mean_wait()));
    Chart {
        id: "wait",
        title: "Wait for a worker",
        figure: mean(sum.mean_wait()),
        unit: "on average",
        description: format!(
            "How long tasks that were due waited for a worker in each of the last {MINUTES} minutes: {}.",
            said(&sum, text)
        ),
        legend: vec![Legend { class: "wait", text: "from due to start".to_owned() }],
        drawing: Drawing::new(hour, &[WAITED], top, text),
        top: micros(top),
        nothing: if sum.runs() == 0 { "No run has ended" } else { "No run had to wait" },
        times: times(hour),
        note: sum.mean_run().map(|run| format!("a run takes {} on average", micros(run))).unwrap_or_default(),
    }
}

/// Which share of the runs failed.
pub(super) fn failures(hour: &Hour) -> Chart {
    let sum = hour.sum();
    let top = nice(highest(hour, &[SHARE_FAILED, SHARE_RETRIED])).min(100.0);
    let of = |part: u64, tally: &Tally| percent(part as f64, tally.runs() as f64);
    let text = |tally: &Tally| {
        let runs = plural(tally.runs(), "run", "runs");
        format!(
            "of {runs} {} failed for good, {} to be retried",
            of(tally.failed, tally),
            of(tally.retried, tally)
        )
    };
    Chart {
        id: "failures",
        title: "Failure rate",
        figure: of(sum.failed + sum.retried, &sum),
        unit: "of runs failed",
        description: format!(
            "Share of runs that failed in each of the last {MINUTES} minutes: {}.",
            said(&sum, text)
        ),
        legend: vec![
            Legend { class: "failed", text: format!("{} for good", count(sum.failed)) },
            Legend { class: "retried", text: format!("{} to be retried", count(sum.retried)) },
        ],
        drawing: Drawing::new(hour, &[SHARE_FAILED, SHARE_RETRIED], top, text),
        top: percent(top, 100.0),
        nothing: if sum.runs() == 0 { "No run has ended" } else { "No run has failed" },
        times: times(hour),
        note: String::new(),
    }
}

/// The throughput of a queue, in a line of a table.
pub(super) fn sparkline(hour: &Hour) -> Drawing {
    let top = highest(hour, &[SUCCEEDED, FAILED]).max(1.0);
    Drawing { minutes: Vec::new(), ..Drawing::new(hour, &[SUCCEEDED, FAILED], top, |_| String::new()) }
}

impl Drawing {
    /// `layers` on top of each other, `top` at full height. `text` says what a minute was.
    fn new(hour: &Hour, layers: &[Layer], top: f64, text: impl Fn(&Tally) -> String) -> Self {
        let (mut bars, mut minutes) = (Vec::new(), Vec::new());
        for (i, (begin, tally)) in hour.minutes().enumerate() {
            let x = i * STEP;
            minutes.push(Label { x, text: format!("{}: {}", clock(begin), said(tally, &text)) });
            let mut y = HEIGHT;
            for layer in layers {
                let height = HEIGHT * (layer.value)(tally) / top;
                if height > 0.0 {
                    let height = tenth(height.clamp(LEAST, HEIGHT));
                    y = tenth((y - height).max(0.0));
                    bars.push(Bar { class: layer.class, x, y, height });
                }
            }
        }
        Self { width: MINUTES * STEP, bars, minutes }
    }
}

fn said(tally: &Tally, text: impl Fn(&Tally) -> String) -> String {
    if tally.runs() == 0 { "no run ended".to_owned() } else { text(tally) }
}

fn share(part: u64, tally: &Tally) -> f64 {
    100.0 * part as f64 / tally.runs().max(1) as f64
}

fn highest(hour: &Hour, layers: &[Layer]) -> f64 {
    let height = |tally: &Tally| layers.iter().map(|layer| (layer.value)(tally)).sum::<f64>();
    hour.minutes().map(|(_, tally)| height(tally)).fold(0.0, f64::max)
}

fn peak(hour: &Hour) -> String {
    let ended = |tally: &Tally| tally.succeeded + tally.failed;
    match hour.minutes().max_by_key(|(_, tally)| ended(tally)) {
        Some((begin, tally)) if ended(tally) > 0 => {
            format!("; the most in a minute were {}, at {} UTC", count(ended(tally)), clock(begin))
        }
        _ => String::new(),
    }
}

fn times(hour: &Hour) -> [String; 3] {
    let at = |n: usize| hour.minutes().nth(n).map(|(begin, _)| clock(begin)).unwrap_or_default();
    [at(0), at(MINUTES / 2), format!("{} UTC", at(MINUTES - 1))]
}

fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%M").to_string()
}

fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// The next of 1, 2, 5, 10, 20, 50 and so on.
fn nice(number: f64) -> f64 {
    let mut top = 1.0;
    for step in [2.0, 2.5, 2.0].into_iter().cycle() {
        if top >= number || !number.is_finite() {
            break;
        }
        top *= step;
    }
    top
}

/// The same for a time in microseconds, by the steps of clocks.
fn nice_time(us: f64) -> f64 {
    const SECOND: f64 = 1e6;
    const STEPS: [f64; 12] = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0];
    if us <= SECOND / 2.0 {
        return 1000.0 * nice(us / 1000.0);
    }
    let step = STEPS.into_iter().map(|seconds| seconds * SECOND).find(|top| *top >= us);
    step.unwrap_or_else(|| 3600.0 * SECOND * nice(us / 3600.0 / SECOND))
}

#[cfg(test)]
mod tests;
