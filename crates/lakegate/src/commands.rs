//! What lakegate can do, one module per command, and how every command ends.

pub mod agent;
pub mod check;
#[cfg(feature = "demo")]
pub mod demo;
pub mod run;

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use crate::config::Faults;

/// Why a command ends early, by its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration or the arguments are wrong: 64, `EX_USAGE` of sysexits(3).
    #[error("{0}")]
    Usage(#[from] Faults),
    /// Something went wrong on the way: 1.
    #[error(transparent)]
    Runtime(#[from] anyhow::Error),
}

/// `EX_USAGE` of sysexits(3).
const USAGE: u8 = 64;

/// The exit code, after whatever is to be said about it was written to standard error.
pub fn conclude(outcome: Result<(), Failure>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(faults)) => {
            complain(&faults.render(colours()));
            ExitCode::from(USAGE)
        }
        Err(Failure::Runtime(error)) => {
            complain(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The end of arguments that could not be read, and of `--help` and `--version`, which could.
pub fn usage(refusal: &clap::Error) -> ExitCode {
    // There is nowhere left to complain to when this cannot be written.
    let _ = refusal.print();
    if refusal.use_stderr() {
        ExitCode::from(USAGE)
    } else {
        ExitCode::SUCCESS
    }
}

/// Writes to standard output; a reader that went away (`| head`) is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

pub(crate) fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// On a terminal, unless the user asked for none (no-color.org).
fn colours() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
