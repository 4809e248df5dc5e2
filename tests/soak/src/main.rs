//! Starts the built `lakegate` in front of the fakes, sends it everything at once for some minutes while the fakes misbehave, and
//! judges at the end whether what must always hold has held. `tests/soak/run` builds and runs it.

#![expect(clippy::print_stdout, reason = "its findings are for whoever runs it")]

mod admin;
mod answer;
mod bounds;
mod callers;
mod dice;
mod director;
mod explain;
mod fair;
mod judge;
mod line;
mod load;
mod process;
mod report;
mod sabotage;
mod secrets;
mod soak;
mod tally;
mod weather;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::sabotage::Sabotage;

/// Everything at once, for minutes.
#[derive(Clone, Debug, Parser)]
struct Args {
    /// The program to be tried.
    #[arg(long)]
    lakegate: PathBuf,
    /// For how long.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// What decides every chance.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Clients speak without TLS.
    #[arg(long)]
    plain: bool,
    /// Only what a gateway does nearly all of its life: ordinary requests in fair weather, as many as it can answer.
    #[arg(long, conflicts_with = "sabotage")]
    fair: bool,
    /// It was built with the address sanitizer, which takes memory of its own.
    #[arg(long)]
    sanitizer: bool,
    /// Break something, to see that it is noticed.
    #[arg(long = "break", hide = true)]
    sabotage: Option<Sabotage>,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if args.fair {
        runtime.block_on(fair::run(&args))?;
        return Ok(ExitCode::SUCCESS);
    }
    let findings = runtime.block_on(soak::run(&args))?;
    let breaches = judge::judge(&findings);
    report::print(&args, &findings);
    for breach in &breaches {
        println!("\nBROKEN: {}\n    {}", breach.invariant, breach.seen);
    }
    Ok(if breaches.is_empty() {
        println!("\nevery invariant has held");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
