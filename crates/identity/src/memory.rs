use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{OptionsBuilder, UnitWeighter};
use tokio::task::spawn_blocking;

use crate::digest::{BuildDigestHasher, TokenDigest};
use crate::facts::Verified;
use crate::{Clock, UnixTime};

/// Tokens that were verified before, by the digest of their exact bytes.
///
/// Only a token that passed every check gets in, so a forged one is never found here whatever it claims.
/// Every read is judged anew. What is over is swept out now and then, which gives back its memory and decides nothing.
///
/// Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Memory(Arc<Inner>);

/// Which memory it was, among all that there ever were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryId(u64);

struct Inner {
    id: MemoryId,
    tokens: Cache<TokenDigest, Verified, UnitWeighter, BuildDigestHasher>,
    clock: Clock,
    /// When the last sweep began.
    swept: AtomicU64,
}

// === impl Memory ===

impl Memory {
    pub(crate) fn new(entries: u64, clock: Clock) -> Self {
        let tokens = with_room_for(entries);
        let swept = AtomicU64::new(clock.now().seconds());
        Self(Arc::new(Inner {
            id: MemoryId::next(),
            tokens,
            clock,
            swept,
        }))
    }

    pub(crate) fn id(&self) -> MemoryId {
        self.0.id
    }

    /// What is remembered of a token that would still be admitted.
    pub(crate) fn recall(&self, token: TokenDigest, now: UnixTime) -> Option<Verified> {
        let remembered = self.0.tokens.get(&token);
        remembered.filter(|verified| verified.is_current(now))
    }

    /// Whoever brings a token that is new has the others looked through, if nobody did for a minute: elsewhere, as
    /// there may be a million of them, and requests wait for this thread.
    pub(crate) fn remember(&self, token: TokenDigest, verified: Verified) {
        self.0.tokens.insert(token, verified);
        if self.0.is_sweep_due() {
            let inner = Arc::clone(&self.0);
            spawn_blocking(move || inner.sweep());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.tokens.len()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}

// === impl MemoryId ===

impl MemoryId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Relaxed))
    }
}

// === impl Inner ===

impl Inner {
    /// Whether it is the caller's to sweep, in whichever direction the clock has gone.
    fn is_sweep_due(&self) -> bool {
        let (now, swept) = (self.clock.now().seconds(), self.swept.load(Relaxed));
        now.abs_diff(swept) >= BETWEEN_SWEEPS
            && self.swept.compare_exchange(swept, now, Relaxed, Relaxed).is_ok()
    }

    fn sweep(&self) {
        let now = self.clock.now();
        self.tokens.retain(|_, verified| verified.is_current(now));
    }
}

#[expect(clippy::expect_used, reason = "nothing that is required is left out")]
fn with_room_for(entries: u64) -> Cache<TokenDigest, Verified, UnitWeighter, BuildDigestHasher> {
    let estimate = usize::try_from(entries).unwrap_or(usize::MAX);
    let options = OptionsBuilder::new()
        .shards(SHARDS)
        .weight_capacity(entries)
        .estimated_items_capacity(estimate)
        .build()
        .expect("both capacities are set");
    let (hasher, lifecycle) = (BuildDigestHasher::default(), DefaultLifecycle::default());
    Cache::with_options(options, UnitWeighter, hasher, lifecycle)
}

/// So many that a sweep, which locks one after the other, holds up nobody for longer than a fraction of a millisecond.
const SHARDS: usize = 64;

/// Seconds from one sweep to the next.
const BETWEEN_SWEEPS: u64 = 60;
