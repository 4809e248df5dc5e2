//! lakegate, an authenticating reverse proxy in front of Databricks.

use std::process::ExitCode;

use clap::Parser;
use lakegate::cli::{Cli, Command};
use lakegate::commands::{self, agent, check, run};
use lakegate::panics;

/// mimalloc, as many small, short-lived allocations on many threads are what it is good at. Named, so that it is linked: its `malloc` is
/// then the process's own, for Rust's standard library, which asks for `malloc` by itself, as for AWS-LC, which is C.
///
/// No `#[global_allocator]`: those bindings ask for an alignment with every block, also for the one that each has, and mimalloc goes a
/// longer way then, the longest one where a block has more than 1 KiB.
///
/// The address sanitizer sees only what its own allocator hands out: `tests/soak/run` leaves this one out for it.
#[cfg(not(system_allocator))]
#[used]
static ALLOCATOR: unsafe extern "C" fn(usize) -> *mut std::ffi::c_void = libmimalloc_sys::mi_malloc;

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
