//! What each command does. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.

mod config;
mod db;
mod doctor;
mod schedule;
mod serve;
mod task;

use crate::{
    cli::{Cli, Command},
    config::{Loaded, Problems, Sources},
    print, shutdown,
    wire::{Core, Role},
};
use application::{Context, RequestId, chain};
use slog::{Discard, Logger, o};
use std::{error::Error, fs, path::Path, process::ExitCode};

/// The exit code of wrong usage; clap's own is the same.
const USAGE: u8 = 2;

/// What a command that failed says.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Runs the command.
pub(crate) fn run(cli: Cli) -> ExitCode {
    let (sources, command) = cli.parts();
    match command {
        None | Some(Command::All) => serve::run(sources, Role::All),
        Some(Command::Api) => serve::run(sources, Role::Api),
        Some(Command::Worker { drain: false, .. }) => serve::run(sources, Role::Worker),
        Some(Command::Worker { drain: true, .. }) => serve::run(sources, Role::Drain),
        Some(Command::Beat) => serve::run(sources, Role::Beat),
        Some(Command::Task(command)) => task::run(command, &sources),
        Some(Command::Schedule(command)) => schedule::run(command, &sources),
        Some(Command::Db(command)) => db::run(command, &sources),
        Some(Command::Config(command)) => config::run(command, &sources),
        Some(Command::Openapi { version }) => done(openapi(&version)),
        Some(Command::Routes) => done(routes()),
        Some(Command::Doc { out }) => done(doc(&out)),
        Some(Command::Secret { bytes }) => done(secret(bytes)),
        Some(Command::Doctor) => doctor::run(&sources),
    }
}

fn openapi(version: &str) -> Result<(), Failure> {
    let document = adapter_http::openapi(version).ok_or("there is no such version")?;
    print::line(document.to_pretty_json()?)?;
    Ok(())
}

fn routes() -> Result<(), Failure> {
    for route in adapter_http::routes() {
        let operation = route.operation_id.unwrap_or_default();
        let note = if route.deprecated { "  deprecated" } else { "" };
        print::line(
            format_args!("{:<8}{:<32}{operation}{note}", route.method, route.path).to_string().trim_end(),
        )?;
    }
    Ok(())
}

fn doc(out: &Path) -> Result<(), Failure> {
    for (path, text) in adapter_http::guide() {
        let file = out.join(path);
        fs::create_dir_all(file.parent().unwrap_or(out))?;
        fs::write(file, text)?;
    }
    print::line(format_args!("written; open {}", out.join("index.html").display()))?;
    Ok(())
}

fn secret(bytes: u16) -> Result<(), Failure> {
    print::line(
        adapter_system::secret(bytes.into()).ok_or("the operating system has no randomness to give")?,
    )?;
    Ok(())
}

/// The configuration, or the complaint and exit code that it deserves.
fn load(sources: &Sources) -> Result<Loaded, ExitCode> {
    Loaded::from(sources).map_err(|problems| {
        print::complaint(problems);
        ExitCode::from(USAGE)
    })
}

/// Runs a short command that needs the database, also beside processes that serve from it.
fn beside(sources: &Sources, act: impl AsyncFnOnce(&Core, &Loaded) -> Result<(), Failure>) -> ExitCode {
    let loaded = match load(sources) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let runtime = match runtime(&loaded) {
        Ok(runtime) => runtime,
        Err(error) => return done(Err(error.into())),
    };
    done(runtime.block_on(async {
        // What happens is told to whoever called.
        let core = Core::visit(&loaded.config, &Logger::root(Discard, o!())).await?;
        let result = act(&core, &loaded).await;
        core.close().await;
        result
    }))
}

/// The trail of a command is its own.
fn context(core: &Core) -> Context {
    let request_id = RequestId::from(core.ids.next(core.clock.now()));
    Context { request_id, log: Logger::root(Discard, o!()) }
}

fn done(result: Result<(), Failure>) -> ExitCode {
    if let Err(error) = &result {
        print::complaint(chain(error.as_ref()));
    }
    code(&result)
}

fn code(result: &Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Problems>() => ExitCode::from(USAGE),
        Err(_) => ExitCode::FAILURE,
    }
}

/// For whatever uses the database.
fn runtime(loaded: &Loaded) -> std::io::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(threads) = loaded.worker_threads {
        builder.worker_threads(threads);
    }
    // Otherwise as many as the process may use CPUs, which tokio asks the operating system, control groups included.
    let runtime = builder.enable_all().thread_name("worker").build()?;
    runtime.block_on(async { shutdown::outlive_full_files() })?;
    Ok(runtime)
}
