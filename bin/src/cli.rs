//! The command line.

mod tasks;

pub(crate) use tasks::{Listing, Running, ScheduleCommand, TaskCommand};

use crate::config::{Override, Sources};
use clap::{
    Args, Parser, Subcommand, ValueHint,
    builder::{NonEmptyStringValueParser, PossibleValuesParser},
};
use std::{ffi::OsString, path::PathBuf};

/// `1.2.3 (revision)`, for `--version`.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("PLINTH_REVISION"), ")");

/// A service to build on: a versioned REST API, background tasks, schedules, documentation, logs and monitoring in one
/// binary.
///
/// Without a command it runs everything in this process.
#[derive(Debug, Parser)]
#[command(name = "plinth", version = VERSION, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Settings that go before all others. Everything else is set in a file or the environment: see `plinth config reference`.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Settings {
    /// Configuration file (APP_CONFIG).
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, value_parser = NonEmptyStringValueParser::new())]
    config: Option<String>,
    /// Address to listen on (HOST, http.host).
    #[arg(long, global = true, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on (PORT, http.port).
    #[arg(long, global = true)]
    port: Option<String>,
    /// Both at once.
    #[arg(long, global = true, value_name = "ADDRESS[:PORT]", conflicts_with_all = ["host", "port"], value_parser = split_address)]
    bind: Option<Bind>,
    /// Least severe level that is logged (LOG_LEVEL, log.level).
    #[arg(long, global = true, value_name = "LEVEL")]
    log_level: Option<String>,
    /// Path under which a reverse proxy shows the service (http.root_path).
    #[arg(long, global = true, value_name = "PATH")]
    root_path: Option<String>,
}

/// What a worker takes, and how much of it.
#[derive(Debug, Default, Args)]
pub(crate) struct WorkerSettings {
    /// From which queues, in this order (tasks.queues).
    #[arg(long, value_name = "A,B")]
    queues: Option<String>,
    /// How many tasks at once (tasks.concurrency).
    #[arg(long, value_name = "NUMBER")]
    concurrency: Option<String>,
}

/// Address and port, each if it is given.
type Bind = (Option<String>, Option<String>);

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in this process, as without a command.
    All,
    /// Serve the API, its documentation and the monitoring; others run the tasks.
    Api,
    /// Run tasks, and serve the monitoring.
    #[command(alias = "celery_worker")]
    Worker {
        #[command(flatten)]
        settings: WorkerSettings,
        /// End once nothing is due and nothing runs.
        #[arg(long)]
        drain: bool,
    },
    /// Turn schedules into tasks, and serve the monitoring. Any number of them may run.
    #[command(alias = "celery_beat")]
    Beat,
    /// Look at tasks, and do something about them.
    #[command(subcommand)]
    Task(TaskCommand),
    /// Look at schedules.
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Migrate, fill or reset the database.
    #[command(subcommand)]
    Db(Db),
    /// Check, show and document the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the OpenAPI document of a version of the API.
    Openapi {
        #[arg(value_parser = PossibleValuesParser::new(adapter_http::versions()))]
        version: String,
    },
    /// List all routes of the API.
    Routes,
    /// Write the guide, which is also served under /doc/, as files that a browser opens without a server.
    Doc {
        /// The folder; it is made if it does not exist.
        #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
        out: PathBuf,
    },
    /// Print a new secret in base64.
    Secret {
        /// How many random bytes it has.
        #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(16..=1024))]
        bytes: u16,
    },
    /// Look for what is wrong with this installation, and say what to do.
    Doctor,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Db {
    /// Apply pending migrations.
    Upgrade {
        /// Only up to this version.
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
    },
    /// Take back the last migration.
    Downgrade {
        /// Every migration after this version; `base` takes all of them back.
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
    },
    /// List the migrations.
    Status,
    /// Take back the last migration and apply it again.
    Redo,
    /// Write the files of a new migration, with a draft of what has to change.
    #[command(alias = "migrate")]
    New {
        /// What it does, such as "add nickname to persons".
        #[arg(required_unless_present = "message")]
        comment: Option<String>,
        /// The same.
        #[arg(short, long, value_name = "COMMENT", conflicts_with = "comment")]
        message: Option<String>,
    },
    /// Load the demo data, unless it is there already.
    Seed,
    /// Drop everything and apply all migrations. Refused in production.
    Reset {
        /// Load the demo data afterwards.
        #[arg(long)]
        seed: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report everything that is wrong.
    Check,
    /// Print what is in force and where it came from, without secrets.
    Show,
    /// Print a file as one line, for the variable CONF.
    Encode {
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Print a file that sets everything to its default.
    Example,
    /// Print the page that documents every setting.
    Reference,
}

impl Cli {
    /// The command line of this process. `main`, which other starters have in front of their commands, may stand there
    /// too.
    pub(crate) fn of_process() -> Self {
        Self::parse_from(without_main(std::env::args_os()))
    }

    /// Everything that the configuration is read from, and what is to be done.
    pub(crate) fn parts(mut self) -> (Sources, Option<Command>) {
        let worker = match &mut self.command {
            Some(Command::Worker { settings, .. }) => std::mem::take(settings),
            _ => WorkerSettings::default(),
        };
        (self.settings.sources(worker), self.command)
    }
}

fn without_main(arguments: impl Iterator<Item = OsString>) -> impl Iterator<Item = OsString> {
    arguments.enumerate().filter(|(place, word)| *place != 1 || word != "main").map(|(_, word)| word)
}

impl Settings {
    fn sources(self, worker: WorkerSettings) -> Sources {
        let (host, port) = match self.bind {
            Some((host, port)) => ((host, "--bind"), (port, "--bind")),
            None => ((self.host, "--host"), (self.port, "--port")),
        };
        let given = [
            ("http.host", host),
            ("http.port", port),
            ("log.level", (self.log_level, "--log-level")),
            ("http.root_path", (self.root_path, "--root-path")),
            ("tasks.queues", (worker.queues, "--queues")),
            ("tasks.concurrency", (worker.concurrency, "--concurrency")),
        ];
        let overrides = given
            .into_iter()
            .filter_map(|(key, (value, flag))| value.map(|value| Override { key, value, flag }))
            .collect();
        Sources::of_process(self.config, overrides)
    }
}

/// `0.0.0.0:80`, `:80`, `[::]:80`, `::1` or `localhost`. Whether it is an address is for the configuration to say.
fn split_address(bind: &str) -> Result<Bind, &'static str> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let (host, port) = match bind.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port),
        _ => (bind, ""),
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = inner.unwrap_or(host);
    if host.contains(['[', ']']) {
        return Err("has a bracket without its counterpart: write [::1]:80");
    }
    match (given(host), given(port)) {
        (None, None) => Err("names neither an address nor a port"),
        bind => Ok(bind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_address_to_bind_has_a_host_a_port_or_both() {
        let some = |text: &str| Some(text.to_owned());
        for (bind, host, port) in [
            ("0.0.0.0:80", some("0.0.0.0"), some("80")),
            (":80", None, some("80")),
            ("[::]:80", some("::"), some("80")),
            ("::1", some("::1"), None),
            ("[::1]", some("::1"), None),
            ("localhost", some("localhost"), None),
        ] {
            assert_eq!(split_address(bind), Ok((host, port)), "{bind}");
        }
        for wrong in ["", ":", "[]", "[::", "::]", "[::]x", "[[::]]:80"] {
            assert!(split_address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_names_of_other_starters_are_understood() {
        for (name, ours) in [("celery_worker", "worker"), ("celery_beat", "beat")] {
            let command = |name| format!("{:?}", Cli::parse_from(["plinth", name]).command);
            assert_eq!(command(name), command(ours));
        }
        let line = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        for (given, means) in [
            (line(&["plinth", "main", "db", "upgrade"]), line(&["plinth", "db", "upgrade"])),
            (line(&["plinth", "main"]), line(&["plinth"])),
            (line(&["plinth", "db", "main"]), line(&["plinth", "db", "main"])),
        ] {
            assert_eq!(without_main(given.into_iter()).collect::<Vec<_>>(), means);
        }
    }

    #[test]
    fn what_is_said_to_a_worker_is_a_setting() {
        let line = ["plinth", "worker", "--queues", "mail,default", "--concurrency", "4", "--port", "1"];
        let (sources, command) = Cli::parse_from(line).parts();
        let config = crate::config::Loaded::from(&sources).expect("it is right").config;
        assert_eq!((config.tasks.queues.len(), config.tasks.concurrency, config.http.port), (2, 4, 1));
        assert!(matches!(command, Some(Command::Worker { drain: false, .. })));
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        for line in [["plinth", "--port", "8080", "api"], ["plinth", "api", "--port", "8080"]] {
            assert_eq!(Cli::parse_from(line).settings.port.as_deref(), Some("8080"));
        }
        assert!(Cli::try_parse_from(["plinth", "--bind", ":1", "--port", "2"]).is_err());
        assert!(Cli::try_parse_from(["plinth", "--bind", ""]).is_err());
    }
}
