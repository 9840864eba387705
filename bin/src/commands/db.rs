//! `plinth db …`

use super::Failure;
use crate::{
    cli::Db,
    config::{Config, Environment, Sources},
    print,
};
use adapter_diesel::Migrator;
use adapter_system::{SystemClock, SystemIds};
use slog::{Discard, Logger, o};
use std::{io, path::Path, process::ExitCode};

pub(super) fn run(command: Db, sources: &Sources) -> ExitCode {
    let loaded = match super::load(sources) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    if let Db::Reset { yes, .. } = &command
        && let Err(refusal) = may_reset(&loaded.config, *yes)
    {
        print::complaint(refusal);
        return ExitCode::from(super::USAGE);
    }
    match super::runtime(&loaded) {
        Ok(runtime) => super::done(runtime.block_on(act(command, &loaded.config))),
        Err(error) => super::done(Err(error.into())),
    }
}

fn may_reset(config: &Config, yes: bool) -> Result<(), &'static str> {
    match config.env {
        Environment::Prod => Err("db reset drops everything, which APP_ENV=prod refuses"),
        Environment::Test => Ok(()), // nobody is there to ask
        Environment::Dev if yes || print::confirm("This drops everything in the database. Go on?") => Ok(()),
        Environment::Dev => Err("nothing was done; --yes goes on without asking"),
    }
}

async fn act(command: Db, config: &Config) -> Result<(), Failure> {
    match command {
        Db::New { comment, message } => draft(&comment.or(message).unwrap_or_default()).await,
        command => migrate(command, config).await,
    }
}

async fn migrate(command: Db, config: &Config) -> Result<(), Failure> {
    // What happens is told by the results below, to whoever called.
    let log = Logger::root(Discard, o!());
    let mut migrator = Migrator::open(&config.database, &log).await?;
    match command {
        Db::Upgrade { to } => tell("applied", migrator.upgrade(to.as_deref()).await?)?,
        Db::Downgrade { to } => tell("taken back", migrator.downgrade(to.as_deref()).await?)?,
        Db::Redo => tell("applied again", migrator.redo().await?)?,
        Db::Status => {
            for migration in migrator.status().await? {
                let state = match (migration.applied, migration.known) {
                    (true, true) => "applied",
                    (false, _) => "pending",
                    (true, false) => "unknown",
                };
                print::line(format_args!("{state}  {}", migration.name))?;
            }
        }
        Db::Seed => seed(&mut migrator).await?,
        Db::Reset { seed: with_data, .. } => {
            tell("applied", migrator.reset().await?)?;
            if with_data {
                seed(&mut migrator).await?;
            }
        }
        Db::New { .. } => {}
    }
    Ok(())
}

async fn draft(comment: &str) -> Result<(), Failure> {
    let draft = adapter_diesel::draft(comment, Path::new("migrations"), &SystemClock).await?;
    draft.files.iter().try_for_each(|file| print::line(format_args!("written  {}", file.display())))?;
    draft.differences.iter().try_for_each(|difference| print::line(format_args!("drafted  {difference}")))?;
    print::line("complete and review them by hand, then build again: migrations are compiled in")?;
    Ok(())
}

async fn seed(migrator: &mut Migrator) -> Result<(), Failure> {
    let count = migrator.seed(&SystemClock, &SystemIds::default()).await?;
    print::line(format_args!("{count} demo persons added"))?;
    Ok(())
}

fn tell(what: &str, names: Vec<String>) -> io::Result<()> {
    if names.is_empty() {
        print::line("nothing to do")?;
    }
    names.iter().try_for_each(|name| print::line(format_args!("{what}  {name}")))
}
