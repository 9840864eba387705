//! `plinth config …`

use crate::{
    cli::ConfigCommand,
    config::{Sources, encode, example, reference, show},
    print,
};
use std::process::ExitCode;

pub(super) fn run(command: ConfigCommand, sources: &Sources) -> ExitCode {
    match command {
        ConfigCommand::Check => check(sources),
        ConfigCommand::Show => match super::load(sources) {
            Ok(loaded) => super::done(Ok(print::line(show(&loaded).trim_end()))),
            Err(code) => code,
        },
        ConfigCommand::Encode { file } => match std::fs::read_to_string(&file) {
            Ok(text) => super::done(encode(&text).map(print::line).map_err(Into::into)),
            Err(error) => super::done(Err(format!("{} cannot be read: {error}", file.display()).into())),
        },
        ConfigCommand::Example => super::done(Ok(print::line(example().trim_end()))),
        ConfigCommand::Reference => super::done(Ok(print::line(reference().trim_end()))),
    }
}

fn check(sources: &Sources) -> ExitCode {
    match super::load(sources) {
        Ok(loaded) => {
            loaded.warnings.iter().for_each(|warning| print::line(format_args!("warning: {warning}")));
            print::line(format_args!("the configuration for {} is valid", loaded.config.env));
            ExitCode::SUCCESS
        }
        Err(code) => code,
    }
}
