use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry as Reclaim;
use moka::future::Cache;

use crate::digest::{BuildDigestHasher, TokenDigest};
use crate::facts::Facts;
use crate::{Clock, UnixTime};

/// Tokens that were verified before, by the digest of their exact bytes.
///
/// Only a token that passed every check gets in, so a forged one is never found here whatever it claims.
/// moka's clock decides nothing but when memory is given back: every read is judged anew.
#[derive(Clone)]
pub(crate) struct Memory(Cache<TokenDigest, Arc<Facts>, BuildDigestHasher>);

/// Gives an entry's memory back about when its token expires.
struct AtExpiry(Clock);

/// The longest that an entry is kept, so that no far-off `exp` troubles moka's arithmetic; the token is
/// simply verified again.
const LONGEST_STAY: Duration = Duration::from_hours(24);

impl Memory {
    pub(crate) fn new(entries: u64, clock: Clock) -> Self {
        let cache = Cache::builder()
            .max_capacity(entries)
            .expire_after(AtExpiry(clock));
        Self(cache.build_with_hasher(BuildDigestHasher::default()))
    }

    /// What is remembered of a token that would still be admitted.
    pub(crate) async fn recall(&self, token: TokenDigest, now: UnixTime) -> Option<Arc<Facts>> {
        self.0.get(&token).await.filter(|facts| facts.are_current(now))
    }

    pub(crate) async fn remember(&self, token: TokenDigest, facts: Arc<Facts>) {
        self.0.insert(token, facts).await;
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory")
            .field("entries", &self.0.entry_count())
            .finish_non_exhaustive()
    }
}

// === impl AtExpiry ===

impl AtExpiry {
    fn stay(&self, facts: &Facts) -> Duration {
        facts.expiry.0.since(self.0.now()).min(LONGEST_STAY)
    }
}

/// Both methods are needed: moka's default for an update keeps what was left of the old entry's time.
impl Reclaim<TokenDigest, Arc<Facts>> for AtExpiry {
    fn expire_after_create(&self, _: &TokenDigest, facts: &Arc<Facts>, _: Instant) -> Option<Duration> {
        Some(self.stay(facts))
    }

    fn expire_after_update(
        &self,
        _: &TokenDigest,
        facts: &Arc<Facts>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.stay(facts))
    }
}
