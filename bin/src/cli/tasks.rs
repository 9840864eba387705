//! `plinth task …` and `plinth schedule …`

use clap::{Args, Subcommand, ValueHint, builder::PossibleValuesParser};
use domain::TaskState;
use std::{path::PathBuf, time::Duration};
use uuid::Uuid;

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// List tasks, newest first.
    List(Listing),
    /// Show everything that is known of a task.
    Show {
        id: Uuid,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run a failed or cancelled task again, with a new budget of attempts.
    Retry {
        #[arg(required = true)]
        ids: Vec<Uuid>,
    },
    /// Cancel a task that has not ended.
    Cancel {
        #[arg(required = true)]
        ids: Vec<Uuid>,
    },
    /// Delete tasks that have ended, a chain or a group as a whole.
    Purge {
        /// How they have ended; may be given several times.
        #[arg(long, required = true, value_delimiter = ',', value_parser = state(TaskState::is_terminal))]
        state: Vec<String>,
        /// How long ago at least, such as 7d.
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        older_than: Duration,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Schedule a task.
    Run(Running),
    /// List the kinds of tasks that this version knows.
    Kinds {
        /// As JSON, one kind a line.
        #[arg(long)]
        json: bool,
    },
}

/// Which tasks to list, and how.
#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// In this state.
    #[arg(long, value_parser = state(|_| true))]
    pub(crate) state: Option<String>,
    /// Of this kind, such as ADD_ONE_YEAR.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// In this queue.
    #[arg(long)]
    pub(crate) queue: Option<String>,
    /// Caused by this request.
    #[arg(long, value_name = "ID")]
    pub(crate) request_id: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// As JSON, one task a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What to schedule.
#[derive(Debug, Args)]
pub(crate) struct Running {
    /// Its kind, such as WAIT_FOR_SERVERS.
    pub(crate) kind: String,
    /// What it is told: JSON.
    #[arg(default_value = "{}", conflicts_with = "each")]
    pub(crate) payload: String,
    /// A task for each line of this file: JSON. `-` is the standard input.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) each: Option<PathBuf>,
    /// Tell how it goes on until it has ended; fails if the task does.
    #[arg(long, conflicts_with = "each")]
    pub(crate) follow: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ScheduleCommand {
    /// List the schedules, with what has become of their last slots.
    List {
        /// As JSON, one schedule a line.
        #[arg(long)]
        json: bool,
    },
    /// Schedule the task of a schedule now, besides its slots.
    Run { name: String },
}

fn state(wanted: fn(TaskState) -> bool) -> PossibleValuesParser {
    let states = TaskState::ALL.iter().copied().filter(|state| wanted(*state));
    PossibleValuesParser::new(states.map(TaskState::as_str))
}
