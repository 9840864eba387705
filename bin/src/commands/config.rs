//! `plinth config …`

use super::Failure;
use crate::{
    cli::ConfigCommand,
    config::{Loaded, Sources, encode, example, reference, show},
    print,
};
use std::{fs, io, path::Path, process::ExitCode};

pub(super) fn run(command: ConfigCommand, sources: &Sources) -> ExitCode {
    let text = match command {
        ConfigCommand::Check => return check(sources),
        ConfigCommand::Show => match super::load(sources) {
            Ok(loaded) => Ok(show(&loaded)),
            Err(code) => return code,
        },
        ConfigCommand::Encode { file } => one_line(&file),
        ConfigCommand::Example => Ok(example()),
        ConfigCommand::Reference => Ok(reference()),
    };
    super::done(text.and_then(|text| Ok(print::line(text.trim_end())?)))
}

fn check(sources: &Sources) -> ExitCode {
    match super::load(sources) {
        Ok(loaded) => super::done(tell(&loaded).map_err(Into::into)),
        Err(code) => code,
    }
}

fn tell(loaded: &Loaded) -> io::Result<()> {
    loaded.warnings.iter().try_for_each(|warning| print::line(format_args!("warning: {warning}")))?;
    print::line(format_args!("the configuration for {} is valid", loaded.config.env))
}

fn one_line(file: &Path) -> Result<String, Failure> {
    let text =
        fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    encode(&text).map_err(|error| format!("{} is not a configuration file: {error}", file.display()).into())
}
