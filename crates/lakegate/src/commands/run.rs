//! `lakegate run`: serve requests.

use super::Failure;
use crate::cli::RunArgs;

/// Serves until it is told to stop.
///
/// # Errors
/// Every fault of the configuration at once, or what went wrong on the way.
pub fn run(args: &RunArgs) -> Result<(), Failure> {
    let _config = args.load()?;
    Err(anyhow::anyhow!("`lakegate run` is not built yet").into())
}
