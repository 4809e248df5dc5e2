//! `lakegate demo`: an identity provider, a workspace and the gateway, all on this machine, and one real call through
//! them.

mod claims;
mod stage;
mod story;

use super::run::{Stop, block_on};
use super::{Failure, say};
use crate::cli::DemoArgs;
use crate::outbound::install_cryptography;
use stage::Stage;

/// Starts all three, makes one call twice, tells what happened and what to try, and stays until it is told to stop.
///
/// # Errors
/// When a port is taken, or the call went wrong.
pub fn demo(args: &DemoArgs) -> Result<(), Failure> {
    install_cryptography();
    block_on(async {
        let mut stop = Stop::listen()?;
        let stage = Stage::set(args).await?;
        story::tell(&stage).await?;
        if !args.once {
            say("Ctrl-C stops it. One line for each request:\n");
            stage.show_log();
            stop.asked().await;
        }
        stage.clear().await;
        anyhow::Ok(())
    })?;
    Ok(())
}
