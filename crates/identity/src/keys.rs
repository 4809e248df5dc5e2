use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use crate::fetch::FETCH_TIMEOUT;
use crate::jws::Header;
use crate::key::Key;
use crate::key_set::{KeySet, NoKey};
use crate::rejection::{Freshness, Quoted, Rejection};

/// The keys of one issuer, as those who verify see them.
#[derive(Clone, Debug)]
pub(crate) enum Keys {
    Fixed(Arc<KeySet>),
    Refreshed(RefreshedKeys),
}

/// Keys that a [`Refresher`](crate::refresh::Refresher) replaces behind this handle. When the last
/// handle is dropped, the refresher ends.
#[derive(Clone, Debug)]
pub(crate) struct RefreshedKeys {
    pub(crate) shared: Arc<Shared>,
    pub(crate) progress: watch::Receiver<Progress>,
}

/// What handle and refresher have in common.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// `None` until the first fetch succeeds, and after too long an outage.
    pub(crate) set: ArcSwapOption<KeySet>,
    /// Rung by who meets an unknown `kid`. However many ring, the refresher hears one.
    pub(crate) ask: Notify,
}

/// How the refresher is doing.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    /// A fetch is under way, or about to begin as the very first.
    pub(crate) fetching: bool,
    /// Fetches that are over, good or bad.
    pub(crate) fetches: u64,
    pub(crate) failures: u64,
    /// When the present set was fetched.
    pub(crate) fetched_at: Option<Instant>,
    pub(crate) last_error: Option<String>,
    /// When the first of the fetches failed that have failed since the last good one.
    pub(crate) failing_since: Option<Instant>,
    /// Before this moment no unknown `kid` causes another fetch.
    pub(crate) refetch_from: Option<Instant>,
}

// === impl Keys ===

impl Keys {
    /// The key that vouches for a token with this header, or why there is none.
    pub(crate) async fn find(&self, issuer: &str, header: &Header) -> Result<Arc<Key>, Rejection> {
        let (found, freshness) = match self {
            Self::Fixed(set) => (set.choose(header), Freshness::Fixed),
            Self::Refreshed(keys) => keys
                .choose(header)
                .await
                .ok_or_else(|| Rejection::KeysUnavailable {
                    issuer: issuer.to_owned(),
                })?,
        };
        found.map_err(|no_key| explain(no_key, issuer, header, freshness))
    }

    /// Lets the keys be fetched again, if that is allowed now; `false` where they are never fetched.
    pub(crate) async fn refetch(&self) -> bool {
        match self {
            Self::Fixed(_) => false,
            // Whatever came of it: a fetch may have ended since the keys were looked at.
            Self::Refreshed(keys) => {
                keys.refetched().await;
                true
            }
        }
    }
}

fn explain(no_key: NoKey, issuer: &str, header: &Header, freshness: Freshness) -> Rejection {
    let issuer = issuer.to_owned();
    let algorithm = header.algorithm.name();
    match no_key {
        NoKey::Unknown { kid } => Rejection::UnknownKey {
            kid: Quoted::new(&kid),
            issuer,
            freshness,
        },
        NoKey::WrongAlgorithm { of_key } => Rejection::AlgorithmMismatch {
            presented: algorithm,
            of_key: of_key.name(),
        },
        NoKey::NotNamed { candidates } => Rejection::KeyNotNamed {
            issuer,
            algorithm,
            candidates,
        },
    }
}

// === impl RefreshedKeys ===

impl RefreshedKeys {
    /// Resolves once keys are there, or when none will ever come.
    pub(crate) async fn ready(&self) {
        let mut progress = self.progress.clone();
        // The error says that the refresher is gone, so that waiting is over too.
        let _ = progress.wait_for(|progress| progress.fetched_at.is_some()).await;
    }

    /// `None`: there are no keys.
    ///
    /// A `kid` that is unknown is looked for once more after a fetch, if one is under way or allowed.
    async fn choose(&self, header: &Header) -> Option<(Result<Arc<Key>, NoKey>, Freshness)> {
        let first = self.present_set().await?.choose(header);
        if !matches!(first, Err(NoKey::Unknown { .. })) {
            return Some((first, Freshness::RefetchedRecently));
        }
        let freshness = self.refetched().await;
        // Looked up again whatever came of it: a fetch may have ended between the two looks.
        Some((self.shared.set.load_full()?.choose(header), freshness))
    }

    /// Waits for the very first fetch, but not for later attempts: those are spaced out.
    async fn present_set(&self) -> Option<Arc<KeySet>> {
        if self.shared.set.load().is_none() {
            let seen = self.progress.borrow().clone();
            if seen.fetching {
                self.fetch_after(seen.fetches).await;
            }
        }
        self.shared.set.load_full()
    }

    async fn refetched(&self) -> Freshness {
        let seen = self.progress.borrow().clone();
        if !seen.fetching {
            if seen.refetch_from.is_some_and(|from| Instant::now() < from) {
                return Freshness::RefetchedRecently;
            }
            self.shared.ask.notify_one();
        }
        self.fetch_after(seen.fetches).await
    }

    /// Waits until more than `seen` fetches are over; bounded, since a fetch is.
    async fn fetch_after(&self, seen: u64) -> Freshness {
        let mut progress = self.progress.clone();
        let over = progress.wait_for(|progress| progress.fetches > seen);
        match timeout(LONGEST_WAIT, over).await {
            Ok(Ok(progress)) if progress.last_error.is_none() => Freshness::Refetched,
            // The fetch failed, or the refresher was stopped, or is late.
            _ => Freshness::RefetchFailed,
        }
    }
}

/// A little longer than a fetch may take, so that its outcome is awaited.
const LONGEST_WAIT: Duration = FETCH_TIMEOUT.saturating_add(Duration::from_secs(1));

// === impl Progress ===

impl Progress {
    /// What is known from another refresher of the same keys. The first fetch of this one is due at once, too.
    pub(crate) fn taken_over(self) -> Self {
        Self {
            fetching: true,
            ..self
        }
    }
}

impl Default for Progress {
    /// The first fetch is due at once, so whoever comes before it waits for it.
    fn default() -> Self {
        Self {
            fetching: true,
            fetches: 0,
            failures: 0,
            fetched_at: None,
            last_error: None,
            failing_since: None,
            refetch_from: None,
        }
    }
}
