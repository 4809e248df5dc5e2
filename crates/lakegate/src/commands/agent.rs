//! `lakegate agent`: send this machine's requests under its own JWT.

use std::sync::Arc;

use super::Failure;
use super::run::{block_on, serve};
use crate::cli::AgentArgs;
use crate::outbound::install_cryptography;
use crate::serving::Serving;
use crate::telemetry::Telemetry;

/// Serves until it is told to stop, finishes what is in flight, and ends well.
///
/// # Errors
/// Every fault of the arguments at once, or what went wrong on the way.
pub fn agent(args: &AgentArgs) -> Result<(), Failure> {
    let agent = args.load()?;
    install_cryptography();
    let telemetry = Telemetry::start(&agent.config.log);
    let access = Arc::new(telemetry.access());
    let args = args.clone();
    let read = move || args.load().map(|agent| agent.config);
    let start = || Serving::start_agent(&agent, access);
    block_on(serve(&agent.config, start, read))?;
    Ok(())
}
