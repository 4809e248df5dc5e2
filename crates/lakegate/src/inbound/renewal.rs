use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use proxy::ServerTls;
use rustls::server::ProducesTickets;
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::{ticketer, tls};
use crate::config::Tls;

/// Keeps what the listeners prove their name with as it is in its files.
///
/// The files' content is compared every few seconds: watches of the file system miss the way in which Kubernetes exchanges
/// files. What is new is judged as at the start, and replaces the old as a whole or not at all.
///
/// Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Renewal {
    ticketer: Arc<dyn ProducesTickets>,
    serving: ServerTls,
    /// Locked while files are read, on threads that may wait for it.
    shown: Arc<Mutex<Shown>>,
    renewals: Renewals,
}

/// What the listeners show.
struct Shown {
    tls: Tls,
    /// Of the files as they were last judged, good or not: one fault is told once.
    judged: Fingerprint,
}

/// How often certificates were renewed, and a way to ask for it. Clones are one and the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Renewals(Arc<Tally>);

#[derive(Debug, Default)]
struct Tally {
    asked: Notify,
    renewed: AtomicU64,
    refused: AtomicU64,
}

/// SHA-256 over what is in the files, or over why that cannot be said.
#[derive(PartialEq, Eq)]
struct Fingerprint(Vec<u8>);

/// Certificates are renewed days before they expire; this is for whoever waits for it to happen.
const PACE: Duration = Duration::from_secs(2);

// === impl Renewal ===

impl Renewal {
    /// # Errors
    /// When there is no randomness, or a client authority cannot be used.
    pub(crate) fn new(config: &Tls, renewals: Renewals) -> anyhow::Result<Self> {
        let ticketer = ticketer()?;
        let shown = Shown::now(config);
        Ok(Self {
            serving: ServerTls::new(tls(&shown.tls, &ticketer)?),
            ticketer,
            shown: Arc::new(Mutex::new(shown)),
            renewals,
        })
    }

    /// For the listeners.
    pub(crate) fn serving(&self) -> ServerTls {
        self.serving.clone()
    }

    /// Shows what these settings say from now on. May wait for a disk.
    ///
    /// # Errors
    /// When a client authority cannot be used; then nothing changes.
    pub(crate) fn follow(&self, config: &Tls) -> anyhow::Result<()> {
        let mut shown = self.shown();
        if shown.tls != *config {
            let next = Shown::now(config);
            self.serving.replace(tls(&next.tls, &self.ticketer)?);
            *shown = next;
        }
        Ok(())
    }

    /// Until the runtime ends. Files may lie on slow disks, so each look is a thread's own.
    pub(crate) async fn run(self) {
        let mut pace = tokio::time::interval(PACE);
        loop {
            let asked = tokio::select! {
                _ = pace.tick() => false,
                () = self.renewals.0.asked.notified() => true,
            };
            let looking = self.clone();
            match spawn_blocking(move || looking.look(asked)).await {
                // The runtime is being shut down.
                Err(lost) if !lost.is_panic() => return,
                // A panic was told; the next look is another.
                _ => {}
            }
        }
    }

    fn look(&self, asked: bool) {
        let mut shown = self.shown();
        let found = Fingerprint::of(shown.tls.files());
        if found == shown.judged {
            if asked {
                tracing::info!("the certificate's files have not changed");
            }
            return;
        }
        shown.judged = found;
        match self.renew(&mut shown) {
            Ok(()) => {
                self.renewals.0.renewed.fetch_add(1, Ordering::Relaxed);
                tracing::info!(cert = %shown.tls.cert.display(), "the certificate was renewed");
            }
            Err(fault) => {
                self.renewals.0.refused.fetch_add(1, Ordering::Relaxed);
                tracing::error!(fault, "the new certificate cannot be used; the old one stays");
            }
        }
    }

    fn renew(&self, shown: &mut Shown) -> Result<(), String> {
        let fresh = shown.tls.reread().map_err(|faults| {
            let messages: Vec<_> = faults.list().iter().map(|fault| fault.message.as_str()).collect();
            messages.join("; ")
        })?;
        let config = tls(&fresh, &self.ticketer).map_err(|error| format!("{error:#}"))?;
        self.serving.replace(config);
        shown.tls = fresh;
        Ok(())
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Shown ===

impl Shown {
    /// Read again after the fingerprint was taken, so that nothing can change unnoticed since the configuration was read.
    fn now(config: &Tls) -> Self {
        let found = Fingerprint::of(config.files());
        match config.reread() {
            Ok(tls) => Self { tls, judged: found },
            Err(_) => Self {
                tls: config.clone(),
                judged: Fingerprint(Vec::new()),
            },
        }
    }
}

// === impl Renewals ===

impl Renewals {
    /// Looks at once.
    pub(crate) fn ask(&self) {
        self.0.asked.notify_one();
    }

    /// How often new files were taken into use.
    pub(crate) fn renewed(&self) -> u64 {
        self.0.renewed.load(Ordering::Relaxed)
    }

    /// How often new files were of no use.
    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}

// === impl Fingerprint ===

impl Fingerprint {
    fn of<'a>(files: impl Iterator<Item = &'a Path>) -> Self {
        let mut digest = Context::new(&SHA256);
        for file in files {
            let content = std::fs::read(file).unwrap_or_else(|error| error.to_string().into_bytes());
            digest.update(&(content.len() as u64).to_be_bytes());
            digest.update(&content);
        }
        Self(digest.finish().as_ref().to_vec())
    }
}
