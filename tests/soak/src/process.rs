use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

/// The running `lakegate`. Killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    pid: i32,
    log: PathBuf,
    pub(crate) gateway: SocketAddr,
    pub(crate) admin: SocketAddr,
}

/// What the operating system says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Holdings {
    pub(crate) resident: u64,
    pub(crate) files: u64,
    pub(crate) threads: u64,
}

// === impl Process ===

impl Process {
    /// `lakegate run`, once it listens and has the keys of `issuers` issuers. What it writes goes to `log`.
    pub(crate) async fn start(
        lakegate: &Path,
        config: &Path,
        log: PathBuf,
        issuers: usize,
    ) -> anyhow::Result<Self> {
        let output = File::options().create(true).append(true).open(&log)?;
        let child = Command::new(lakegate)
            .args(["run", "--config"])
            .arg(config)
            .env_clear()
            // It counts for the sanitizer alone: what is freed stays apart for a while, and must not look like growth for ever.
            .env("ASAN_OPTIONS", "quarantine_size_mb=16:detect_leaks=1")
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .context("lakegate cannot be started")?;
        let pid = child.id().context("lakegate has ended at once")?;
        let started = timeout(SOON, addresses(&log, issuers));
        let (gateway, admin) = started.await.context("lakegate does not get ready")??;
        Ok(Self {
            child,
            pid: pid.cast_signed(),
            log,
            gateway,
            admin,
        })
    }

    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.pid).context("a process has an id")?;
        Ok(kill_process(pid, signal)?)
    }

    pub(crate) fn holdings(&self) -> anyhow::Result<Holdings> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            number
                .and_then(|number| number.parse::<u64>().ok())
                .with_context(|| format!("no {name} in /proc: is this Linux?"))
        };
        Ok(Holdings {
            resident: field("VmRSS:")? * 1024,
            files: fs::read_dir(format!("/proc/{}/fd", self.pid))?.count() as u64,
            threads: field("Threads:")?,
        })
    }

    /// How it ends, once it has been told to: its exit code, or none if a signal ended it.
    pub(crate) async fn end(&mut self) -> anyhow::Result<Option<i32>> {
        let ended = timeout(SOON, self.child.wait()).await;
        Ok(ended.context("it does not end")??.code())
    }
}

/// Where it listens, for callers and for operators, as its log tells.
async fn addresses(log: &Path, issuers: usize) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    loop {
        sleep(Duration::from_millis(20)).await;
        let text = fs::read_to_string(log)?;
        let events: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        let all = |message: &'static str| events.iter().filter(move |event| says(event, message));
        let address = |message| {
            let event = all(message).next()?;
            event.get("address")?.as_str()?.parse().ok()
        };
        if let (Some(gateway), Some(admin)) = (address("listening"), address("admin listener"))
            && all("keys fetched").count() >= issuers
        {
            return Ok((gateway, admin));
        }
        let refused = text.lines().find(|line| line.starts_with("error"));
        ensure!(refused.is_none(), anyhow!("lakegate says: {text}"));
    }
}

fn says(event: &Value, message: &str) -> bool {
    event.get("message").and_then(Value::as_str) == Some(message)
}

/// A guard against hanging, not a measure; a drain of 10 s is within it.
const SOON: Duration = Duration::from_secs(30);
