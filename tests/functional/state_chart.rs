//! The life of a task is stated three times: as a function, as a table of the guide, as constraints of the ledger. Here the
//! first two are held against each other; the third is in `contract/ledger`.

use domain::{MAX_CRASHES, Standing, TaskEvent, TaskState};
use std::{collections::BTreeSet, fs, path::Path};

/// (from, event, to), in words.
type Edges = BTreeSet<(String, String, String)>;

#[test]
fn the_chart_of_the_guide_is_what_the_function_does() {
    assert_eq!(charted(), possible());
}

#[test]
fn a_chart_with_an_edge_too_many_or_too_few_is_noticed() {
    let mut charted = charted();
    charted.insert(("succeeded".to_owned(), "retry".to_owned(), "queued".to_owned()));
    assert_ne!(charted, possible());
    assert!(possible().len() > 20, "the function has edges at all");
}

/// Every edge that some task can take.
fn possible() -> Edges {
    let mut edges = Edges::new();
    for from in standings() {
        for event in TaskEvent::ALL {
            if let Ok(to) = from.transition(*event) {
                edges.insert((word(from.state), event.as_str().to_owned(), word(to.state)));
            }
        }
    }
    edges
}

fn standings() -> impl Iterator<Item = Standing> {
    let states = TaskState::ALL.iter().copied();
    states.flat_map(|state| {
        let counters = (0..=5).flat_map(|attempt| (0..MAX_CRASHES).map(move |crashes| (attempt, crashes)));
        counters.flat_map(move |(attempt, crashes)| {
            [false, true].map(|cancel_requested| Standing {
                state,
                attempt,
                max_retries: 3,
                crashes,
                cancel_requested,
            })
        })
    })
}

/// The rows of the table, but for those that begin a life.
fn charted() -> Edges {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tasks.md");
    let page = fs::read_to_string(page).expect("the guide");
    let (_, chart) = page.split_once("## The life of a task").expect("the chart");
    let rows =
        chart.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let mut edges = Edges::new();
    for row in rows.skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [from, event, to] = cells[..] else { panic!("three columns: {row}") };
        let event = event.split(':').next().unwrap_or_default();
        for to in to.split(", ").filter(|_| !from.is_empty()) {
            edges.insert((from.to_owned(), event.to_owned(), to.to_owned()));
        }
    }
    edges
}

fn word(state: TaskState) -> String {
    state.as_str().to_owned()
}
