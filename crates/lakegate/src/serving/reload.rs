//! A configuration that has changed takes effect while everything goes on: as a whole, or not at all.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use arc_swap::ArcSwap;
use exchange::Exchange;
use proxy::Gateway;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, interval};

use super::terms::{Setting, Terms};
use crate::config::{Change, Config, Faults};
use crate::inbound::Renewal;

/// The configuration as it is now, or everything that is wrong with it.
type Found = Result<Config, Faults>;

/// Reads it, with every file that it names.
pub(super) type Read = Arc<dyn Fn() -> Found + Send + Sync>;

/// Keeps what serves as the configuration says.
///
/// It is read every few seconds, with every file that it names, and what is understood is compared: watches of the file system
/// miss the way in which Kubernetes exchanges files, and a comment changes nothing.
pub(super) struct Reload {
    started: Config,
    serving: Gateway<Exchange>,
    terms: Arc<ArcSwap<Terms>>,
    setting: Setting,
    renewal: Option<Renewal>,
    reloads: Reloads,
    /// What was seen last and does not serve.
    seen: Option<Found>,
    /// What was of no use last, and when it was tried.
    refused: Option<(Found, Instant)>,
}

/// How often the configuration was reloaded, what is wrong with it now, and a way to ask. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Reloads(Arc<Tally>);

#[derive(Debug, Default)]
struct Tally {
    asked: Notify,
    applied: AtomicU64,
    refused: AtomicU64,
    fault: Mutex<Option<String>>,
}

// === impl Reload ===

impl Reload {
    /// For a `gateway` that was `started` with this configuration.
    pub(super) fn new(
        started: Config,
        gateway: Gateway<Exchange>,
        terms: Arc<ArcSwap<Terms>>,
        setting: Setting,
        renewal: Option<Renewal>,
        reloads: Reloads,
    ) -> Self {
        Self {
            started,
            serving: gateway,
            terms,
            setting,
            renewal,
            reloads,
            seen: None,
            refused: None,
        }
    }

    /// Until the runtime ends. Files may lie on slow disks, so each look is a thread's own.
    pub(super) async fn run(mut self, read: Read) {
        let mut pace = interval(PACE);
        loop {
            let asked = tokio::select! {
                _ = pace.tick() => false,
                () = self.reloads.0.asked.notified() => true,
            };
            let read = Arc::clone(&read);
            match spawn_blocking(move || read()).await {
                Ok(found) => self.look(found, asked).await,
                // A panic was told; the next look is another.
                Err(lost) if lost.is_panic() => {}
                // The runtime is being shut down.
                Err(_) => return,
            }
        }
    }

    async fn look(&mut self, found: Found, asked: bool) {
        if found.as_ref().ok() == Some(&self.terms.load().config) {
            self.serves(asked);
        } else if asked || (self.has_settled(&found) && !self.was_refused(&found)) {
            match self.follow(&found).await {
                Ok(()) => {
                    self.serves(false);
                    // Counted last: whoever sees it counted sees all of it.
                    self.reloads.0.applied.fetch_add(1, Relaxed);
                }
                Err(why) => self.refuse(found, &why),
            }
        } else {
            self.seen = Some(found);
        }
    }

    /// A file that is being written may be seen half; so what is acted upon was there twice.
    fn has_settled(&self, found: &Found) -> bool {
        self.seen.as_ref() == Some(found)
    }

    /// Whether there is nothing new to be said. What is wrong in itself stays so; what others were missing for, may be tried again.
    fn was_refused(&self, found: &Found) -> bool {
        let refused = self.refused.as_ref().filter(|(refused, _)| refused == found);
        refused.is_some_and(|(_, tried)| found.is_err() || tried.elapsed() < RETRY)
    }

    /// Everything that can fail comes before the first thing that changes.
    async fn follow(&mut self, found: &Found) -> anyhow::Result<()> {
        let config = found.as_ref().map_err(|faults| {
            tell(faults);
            anyhow::anyhow!(faults.count())
        })?;
        let before = self.terms.load_full();
        let (next, gateway) = Terms::new(config.clone(), Some(&before), &self.setting)?;
        if let Some(issuer) = next.without_keys(&before).await.first() {
            let why = issuer.last_error.as_deref().unwrap_or("none came in time");
            bail!("no keys of issuer {}: {why}", issuer.issuer);
        }
        self.show(config).await?;
        self.serving = self.serving.clone().go_on_as(gateway);
        let change = Change::between(&self.started, &before.config, config);
        self.terms.store(Arc::new(next));
        report(&change);
        Ok(())
    }

    /// What the listeners show, where they show something.
    async fn show(&self, config: &Config) -> anyhow::Result<()> {
        let (Some(renewal), Some(tls)) = (self.renewal.clone(), config.server.tls.clone()) else {
            return Ok(());
        };
        let shown = spawn_blocking(move || renewal.follow(&tls)).await;
        shown.context("the gateway is stopping")?
    }

    /// What is there is what serves.
    fn serves(&mut self, asked: bool) {
        (self.seen, self.refused) = (None, None);
        *self.reloads.fault_slot() = None;
        if asked {
            tracing::info!("the configuration has not changed");
        }
    }

    fn refuse(&mut self, found: Found, why: &anyhow::Error) {
        let fault = format!("{why:#}");
        tracing::error!(
            fault,
            "the new configuration cannot be used; the one before stays"
        );
        *self.reloads.fault_slot() = Some(fault);
        self.reloads.0.refused.fetch_add(1, Relaxed);
        self.seen = Some(found.clone());
        self.refused = Some((found, Instant::now()));
    }
}

fn tell(faults: &Faults) {
    for (at, fault) in faults.lines() {
        tracing::error!(at, fault, "a fault of the new configuration");
    }
}

fn report(change: &Change) {
    if !change.now.is_empty() {
        tracing::info!(changed = change.now.join(", "), "a new configuration serves");
    }
    if !change.at_restart.is_empty() {
        let settings = change.at_restart.join(", ");
        tracing::warn!(settings, "these settings take effect at the next start");
    }
}

// === impl Reloads ===

impl Reloads {
    /// Looks at once.
    pub(super) fn ask(&self) {
        self.0.asked.notify_one();
    }

    pub(super) fn applied(&self) -> u64 {
        self.0.applied.load(Relaxed)
    }

    pub(super) fn refused(&self) -> u64 {
        self.0.refused.load(Relaxed)
    }

    /// What is wrong with the configuration as it is now.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault_slot().clone()
    }

    fn fault_slot(&self) -> MutexGuard<'_, Option<String>> {
        self.0.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For whoever waits for a change to take effect: it does within two of these.
pub(super) const PACE: Duration = Duration::from_secs(2);

/// Long enough that an identity provider which is down is not asked all the time, short enough for whoever waits.
const RETRY: Duration = Duration::from_secs(30);
