use std::fs::OpenOptions;
use std::io::Write as _;

use clap::ValueEnum;
use rustix::process::Signal;
use testbed::Fault;

use crate::callers::Callers;
use crate::line::{Call, Door};
use crate::process::Process;
use crate::world::{HOSTS, World};

/// What may be broken on purpose, so that it is seen that the soak notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sabotage {
    /// A JWT reaches a workspace's API.
    Leak,
    /// A request reaches it with no token at all.
    Stranger,
    /// It fails in fair weather.
    Failure,
    /// A JWT stands in the log.
    Log,
    /// The process is killed instead of told to end.
    Exit,
}

// === impl Sabotage ===

impl Sabotage {
    /// In the middle of the soak.
    pub(crate) async fn midway(
        self,
        world: &World,
        callers: &Callers,
        process: &Process,
    ) -> anyhow::Result<()> {
        let [_, workspace] = &world.workspaces;
        match self {
            Self::Leak => directly(workspace.url(), Some(format!("Bearer {}", callers.a_jwt()))).await?,
            Self::Stranger => directly(workspace.url(), None).await?,
            Self::Failure => {
                let fault = Fault::Answer(500, Vec::new(), String::new());
                workspace.faults().inject("/testbed/", fault, 1);
            }
            Self::Log => {
                let mut log = OpenOptions::new().append(true).open(process.log())?;
                writeln!(log, "a careless line: {}", callers.a_jwt())?;
            }
            Self::Exit => {}
        }
        Ok(())
    }

    /// How the process is told to end.
    pub(crate) fn last_signal(sabotage: Option<Self>) -> Signal {
        match sabotage {
            Some(Self::Exit) => Signal::KILL,
            _ => Signal::TERM,
        }
    }
}

async fn directly(url: &str, credential: Option<String>) -> anyhow::Result<()> {
    let address = url.trim_start_matches("http://").parse()?;
    let line = Door::new(address, None)?.line().await?;
    let [host, _] = HOSTS;
    let call = Call {
        credential,
        ..Call::get(host, "/testbed/echo".to_owned(), "")
    };
    line.open(call).await?;
    Ok(())
}
