//! lakegate, an authenticating reverse proxy in front of Databricks.

use std::process::ExitCode;

use clap::Parser;
use lakegate::cli::{Cli, Command};
use lakegate::commands::{self, agent, check, run};
use lakegate::panics;

/// Many small, short-lived allocations on many threads are what it is good at.
///
/// The address sanitizer sees only what its own allocator hands out: `tests/soak/run` leaves this one out for it.
#[cfg(not(system_allocator))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    panics::tell_places_alone();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(refusal) => return commands::usage(&refusal),
    };
    let outcome = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Agent(args) => agent::agent(&args),
        Command::Check(args) => check::check(&args),
        #[cfg(feature = "demo")]
        Command::Demo(args) => commands::demo::demo(&args),
    };
    commands::conclude(outcome)
}
