use std::num::NonZeroUsize;
use std::time::Duration;

use super::fault::Faults;
use super::{grammar, raw};

/// `[exchange]`: swapping tokens at Databricks, and remembering them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Bounds one exchange, retries included.
    pub timeout: Duration,
    /// How many tokens are held at most.
    pub cache_capacity: NonZeroUsize,
    /// Whether a cached token serves a subject's next JWT as well, until that one is exchanged.
    pub overlap: bool,
}

impl Default for Exchange {
    /// - `timeout`: 10 s. Two retries of a slow endpoint; callers give up soon after.
    /// - `cache_capacity`: 100,000 tokens. Each holds a few KiB, so some hundred MiB when full.
    /// - `overlap`: yes. Databricks cannot tell the two JWTs apart, and a renewal need not cost a request the time of an exchange.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            cache_capacity: const { NonZeroUsize::new(100_000).unwrap() },
            overlap: true,
        }
    }
}

impl Exchange {
    pub(super) fn from_raw(raw: raw::Exchange, faults: &mut Faults) -> Self {
        let mut exchange = Self::default();
        let capacity = |given: &_| grammar::count(given, MOST_TOKENS);
        raw.timeout.set(&mut exchange.timeout, faults, grammar::duration);
        raw.cache_capacity
            .set(&mut exchange.cache_capacity, faults, capacity);
        raw.overlap
            .set(&mut exchange.overlap, faults, |given| Ok(given.value));
        exchange
    }
}

/// Some hundred GiB: more than any machine would want to remember.
const MOST_TOKENS: usize = 100_000_000;
