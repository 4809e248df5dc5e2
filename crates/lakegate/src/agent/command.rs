use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command as Process};
use tokio::time::timeout;

use super::jwt::{Jwt, LONGEST};

/// A program that writes a JWT to its standard output. What it writes to standard error goes where ours does.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// The program, and its arguments as they are: no shell has read them, unless the program is one.
    pub(crate) words: Vec<String>,
    /// How long it may run.
    pub(crate) timeout: Duration,
    /// It is run again when its latest JWT has less than this left.
    pub(crate) margin: Duration,
}

/// A program that runs, with all that it has started. Dropped, it is killed, and they are.
struct Family(Child);

// === impl Command ===

impl Command {
    /// # Errors
    /// What happened, in words; nothing of its output.
    pub(super) async fn run(&self) -> Result<Jwt, String> {
        match timeout(self.timeout, self.output()).await {
            Ok(output) => {
                Jwt::parse(&output?).map_err(|why| format!("the output of the token command {why}"))
            }
            Err(_) => Err(format!(
                "the token command took longer than {} s",
                self.timeout.as_secs_f64()
            )),
        }
    }

    async fn output(&self) -> Result<Vec<u8>, String> {
        let broken = |error| format!("the token command got lost: {error}");
        let mut family = self.spawn()?;
        let mut output = Vec::new();
        if let Some(stdout) = family.0.stdout.take() {
            let read = stdout.take(LONGEST).read_to_end(&mut output).await;
            read.map_err(broken)?;
        }
        let status = family.0.wait().await.map_err(broken)?;
        if status.success() {
            Ok(output)
        } else {
            Err(format!("the token command failed: {status}"))
        }
    }

    fn spawn(&self) -> Result<Family, String> {
        let (program, arguments) = self.words.split_first().ok_or("the token command is empty")?;
        let child = Process::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn();
        child
            .map(Family)
            .map_err(|error| format!("cannot run the token command {program}: {error}"))
    }
}

// === impl Family ===

impl Drop for Family {
    fn drop(&mut self) {
        // `id` is that of a child which was not awaited, so nobody else can have it by now.
        let leader = self.0.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        if let Some(leader) = leader {
            // They may be gone already.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
