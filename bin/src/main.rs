//! `plinth`: reads the command line and calls one function per command.
//!
//! `config` says what may be set, `wire` puts the adapters and controllers together, `commands` is what a command does.

mod cli;
mod commands;
mod config;
mod print;
mod shutdown;
#[cfg(feature = "faults")]
mod trial;
mod wire;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything can open a connection. It fails only if a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // As the variable FAILPOINTS says, until the end of the process.
    #[cfg(feature = "faults")]
    let _failpoints = fail::FailScenario::setup();
    commands::run(cli::Cli::of_process())
}
