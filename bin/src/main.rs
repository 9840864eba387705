//! `plinth`: reads the command line and calls one function per command.
//!
//! `config` says what may be set, `wire` puts the adapters and controllers together, `commands` is what a command does.

mod cli;
mod commands;
mod config;
mod print;
mod shutdown;
mod wire;

use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything can open a connection. It fails only if a provider is installed already, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    commands::run(cli::Cli::parse())
}
