//! What must hold after every fault: the ledger, as the API tells of it, held against the journal that the handlers kept
//! outside of the database, in the way of Jepsen.

use plinth_tests::{Fleet, Setup, connect, times, within};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    time::Duration,
};

/// How long everything may take to be settled once the faults are over.
pub(crate) const SETTLED: Duration = Duration::from_secs(60);

/// Lets `fault` come at one moment, or with `FAULTS=full` at twenty, each on a fleet of its own: it is a little later with each
/// seed. Who fails says at which.
#[expect(clippy::print_stdout, reason = "libtest shows it beside the failure")]
pub(crate) async fn at_seeds(setup: Setup, fault: impl AsyncFn(Setup, usize)) {
    for seed in 0..times(1, 20) {
        println!("seed {seed}");
        fault(setup.clone(), seed).await;
    }
}

/// A step of a handler.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) event: String,
    pub(crate) task: String,
    pub(crate) name: String,
    pub(crate) fence: i64,
    pub(crate) at_us: i64,
}

/// What the ledger and the journal say in the end.
pub(crate) struct Findings {
    /// By id.
    pub(crate) tasks: BTreeMap<String, Value>,
    /// In the order in which they were written.
    pub(crate) steps: Vec<Step>,
}

/// The payload of a trial.
pub(crate) fn trial(fleet: &Fleet, name: impl std::fmt::Display, more: Value) -> Value {
    let mut payload = json!({"journal": fleet.journal(), "name": name.to_string()});
    for (key, value) in more.as_object().expect("an object") {
        payload[key] = value.clone();
    }
    payload
}

/// Every step so far. A line that a kill has cut short is none.
pub(crate) fn steps(fleet: &Fleet) -> Vec<Step> {
    let text = fs::read_to_string(fleet.journal()).unwrap_or_default();
    text.lines().filter_map(|line| Step::read(&serde_json::from_str(line).ok()?)).collect()
}

/// The ids of those sessions that live, by the clock of the database, which must be PostgreSQL.
pub(crate) async fn living_sessions(fleet: &Fleet) -> Vec<String> {
    let alive =
        "SELECT id::text FROM task_sessions WHERE expires_at > now() AND closed_at IS NULL ORDER BY id";
    let rows = connect(fleet.database_url()).await.query(alive, &[]).await.expect("sessions");
    rows.iter().map(|row| row.get(0)).collect()
}

impl Step {
    fn read(line: &Value) -> Option<Self> {
        let text = |key: &str| Some(line[key].as_str()?.to_owned());
        Some(Self {
            event: text("event")?,
            task: text("task")?,
            name: text("name")?,
            fence: line["fence"].as_i64()?,
            at_us: line["at_us"].as_i64()?,
        })
    }
}

impl Findings {
    /// Waits until nothing is left to do.
    pub(crate) async fn of(fleet: &Fleet) -> Self {
        within(SETTLED, "every task has ended", async || fleet.is_settled().await).await;
        let id = |task: &Value| task["id"].as_str().expect("an id").to_owned();
        let tasks = fleet.tasks().await.into_iter().map(|task| (id(&task), task)).collect();
        Self { tasks, steps: steps(fleet) }
    }

    /// How many tasks are in `state`.
    pub(crate) fn count(&self, state: &str) -> usize {
        self.tasks.values().filter(|task| task["state"] == state).count()
    }

    /// The steps of one kind, as (task, fence).
    pub(crate) fn done(&self, event: &str) -> Vec<(&str, i64)> {
        let done = self.steps.iter().filter(|step| step.event == event);
        done.map(|step| (step.task.as_str(), step.fence)).collect()
    }

    /// Effects beyond the first of each task.
    pub(crate) fn duplicates(&self) -> usize {
        let effects = self.done("effect");
        effects.len() - effects.iter().map(|(task, _)| task).collect::<BTreeSet<_>>().len()
    }

    /// Nothing is lost or made up, what is stored is the result of the last run, and nobody works on what is another's.
    pub(crate) fn hold(&self, accepted: usize) {
        self.nothing_is_lost(accepted);
        self.owners_follow_one_another();
    }

    /// The same where a process was stopped or cut off: what it does elsewhere before it notices nobody can prevent.
    pub(crate) fn nothing_is_lost(&self, accepted: usize) {
        assert_eq!(self.tasks.len(), accepted, "rows = accepted");
        let ended: usize = ["succeeded", "failed", "cancelled"].map(|state| self.count(state)).iter().sum();
        assert_eq!(ended, accepted, "every task has reached one terminal state");
        let mut last: BTreeMap<&str, i64> = BTreeMap::new();
        for (task, fence) in self.done("effect") {
            assert!(self.tasks.contains_key(task), "an effect of a task that nobody has scheduled: {task}");
            let greatest = last.entry(task).or_default();
            *greatest = fence.max(*greatest);
        }
        for (id, task) in self.tasks.iter().filter(|(_, task)| task["state"] == "succeeded") {
            let greatest = last.get(id.as_str()).copied();
            assert!(greatest.is_some(), "succeeded without an effect: {task}");
            assert_eq!(task["result"]["fence"].as_i64(), greatest, "the result is the last owner's: {task}");
        }
    }

    /// No run does anything once a later one of the same task has begun.
    fn owners_follow_one_another(&self) {
        let mut owner: BTreeMap<&str, i64> = BTreeMap::new();
        for step in &self.steps {
            let current = owner.entry(&step.task).or_insert(step.fence);
            assert!(step.fence >= *current, "a run that is over goes on: {step:?}");
            *current = step.fence;
        }
    }
}
