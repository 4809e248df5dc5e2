//! The command line: what can be typed, and nothing of what it means.

mod agent;
mod flags;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use agent::AgentArgs;
pub use flags::Flags;

use crate::config::{Config, Faults};

/// An authenticating reverse proxy in front of Databricks: callers bring the JWT of their own identity
/// provider, lakegate swaps it for a Databricks token and forwards the request.
#[derive(Debug, Parser)]
#[command(name = "lakegate", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What lakegate can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve requests, by a configuration file or, for one workspace, by flags alone
    Run(Box<RunArgs>),
    /// Stay beside the programs of one machine, and send their requests under its own JWT, which rotates in a file or comes
    /// from a command
    #[command(long_about = AGENT)]
    Agent(Box<AgentArgs>),
    /// Read a configuration and report every fault at once, without starting anything
    Check(CheckArgs),
    /// Try it: an identity provider, a workspace and the gateway, all on this machine
    #[cfg(feature = "demo")]
    Demo(DemoArgs),
}

/// `lakegate run`
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "LAKEGATE_CONFIG")]
    pub config: Option<PathBuf>,

    /// One workspace, instead of a file.
    #[command(flatten)]
    pub flags: Flags,
}

/// `lakegate check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "LAKEGATE_CONFIG")]
    pub config: PathBuf,
}

/// `lakegate demo`
#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The gateway's port; 0: any that is free
    #[arg(long, default_value_t = 0)]
    pub port: u16,

    /// The identity provider's port; 0: any that is free
    #[arg(long, default_value_t = 0)]
    pub idp_port: u16,

    /// The workspace's port; 0: any that is free
    #[arg(long, default_value_t = 0)]
    pub workspace_port: u16,

    /// Make the one call that shows how it works, and end
    #[arg(long)]
    pub once: bool,
}

/// What `lakegate agent --help` begins with.
const AGENT: &str = "\
Stay beside the programs of one machine, and send their requests under its own JWT, which rotates in a file or comes from \
a command.

Programs address the agent instead of the workspace, with any token at all: the agent puts the JWT of the moment in its \
place, so that a job of many hours never runs out of it. It listens on loopback addresses and Unix sockets only. Whoever \
can connect acts as this machine: on a loopback address that is every user of it, unless there is --require-token.";

// === impl RunArgs ===

impl RunArgs {
    /// The configuration that the arguments give: the file's, or the flags' own.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn load(&self) -> Result<Config, Faults> {
        match &self.config {
            Some(file) => Config::load(file),
            None if self.flags == Flags::default() => Err(Config::absent()),
            None => Config::from_flags(self.flags.to_raw()),
        }
    }
}

#[cfg(test)]
mod tests;
