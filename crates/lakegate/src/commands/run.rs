//! `lakegate run`: serve requests.

use std::sync::Arc;

use anyhow::Context as _;
use proxy::Drained;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;
use crate::cli::RunArgs;
use crate::config::{Config, Faults};
use crate::outbound::install_cryptography;
use crate::serving::Serving;
use crate::telemetry::Telemetry;

/// Serves until it is told to stop, finishes what is in flight, and ends well.
///
/// # Errors
/// Every fault of the configuration at once, or what went wrong on the way.
pub fn run(args: &RunArgs) -> Result<(), Failure> {
    let config = args.load()?;
    install_cryptography();
    let telemetry = Telemetry::start(&config.log);
    let access = Arc::new(telemetry.access());
    let args = args.clone();
    let read = move || args.load();
    block_on(serve(&config, || Serving::start(&config, access), read))?;
    Ok(())
}

/// Serves what `start` gives, and then as the configuration says that `read` gives.
pub(super) async fn serve(
    config: &Config,
    start: impl FnOnce() -> anyhow::Result<Serving>,
    read: impl Fn() -> Result<Config, Faults> + Send + Sync + 'static,
) -> anyhow::Result<()> {
    // Before anything is served, so that no signal can come too early for its meaning.
    let mut stop = Stop::listen()?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen for signals")?;
    let mut serving = start()?;
    announce(config, &serving);
    serving.follow(read);
    loop {
        tokio::select! {
            () = stop.asked() => break,
            _ = hangup.recv() => serving.reload(),
        }
    }
    tokio::select! {
        drained = wind_down(serving) => conclude(drained),
        // Asked twice: whoever asks has no patience.
        () = stop.asked() => tracing::warn!("stopped at once; what was in flight is cut"),
    }
    Ok(())
}

async fn wind_down(serving: Serving) -> Drained {
    let delay = serving.drain_delay();
    if !delay.is_zero() {
        tracing::info!(
            ?delay,
            "stopping: not ready any more, serving on while load balancers look elsewhere"
        );
        serving.retire().await;
    }
    tracing::info!("stopping: no new connections, finishing what is in flight");
    serving.drain().await
}

/// The main thread's own small runtime: it waits for signals, and for the planes to end.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("no runtime for the main thread")?.block_on(work)
}

fn announce(config: &Config, serving: &Serving) {
    for address in serving.addresses() {
        tracing::info!(%address, tls = config.server.tls.is_some(), version = env!("CARGO_PKG_VERSION"), "listening");
        if config.server.tls.is_none() && !address.ip().is_loopback() {
            tracing::warn!(%address, "plain HTTP beyond this machine: callers' tokens can be read on the way, unless TLS ends in front");
        }
    }
    if let Some(path) = serving.socket_path() {
        tracing::info!(socket = %path.display(), version = env!("CARGO_PKG_VERSION"), "listening");
    }
    if let Some(address) = serving.admin_address() {
        tracing::info!(%address, "admin listener");
    }
}

fn conclude(drained: Drained) {
    match drained {
        Drained::Completely => tracing::info!("stopped; everything in flight was finished"),
        Drained::Cut(connections) => tracing::warn!(connections, "stopped; time was up and these were cut"),
    }
}

/// SIGTERM, from a supervisor, and SIGINT, from a person.
pub(super) struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    pub(super) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    pub(super) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
