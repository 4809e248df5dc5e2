use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use identity::Clock;
use moka::future::Cache as Moka;
use tokio::time::Instant;

use crate::key::{Key, KeyHasher};
use crate::{AccessToken, ExchangeError};

/// Answers by key. Each holds its own end, and is judged by our clocks on every read.
///
/// moka's own notion of expiry only gives memory back. It runs on the monotonic clock, so it is
/// also the second line of defence when the wall clock is turned back.
pub(crate) struct Cache {
    entries: Moka<Key, Entry, KeyHasher>,
    clock: Clock,
}

/// An answer and how long it holds.
#[derive(Clone)]
enum Entry {
    /// Good until the last 5 s before its expiry, by the wall clock.
    Token(AccessToken),
    /// Remembered until a moment, by the monotonic clock.
    Failure { error: ExchangeError, until: Instant },
}

struct Reclaim(Clock);

// === impl Cache ===

impl Cache {
    /// The default policy of moka stays (TinyLFU): many tokens that are used once, from a client
    /// that fetches a new one for each call, do not displace those in steady use.
    pub(crate) fn new(capacity: u64, clock: Clock) -> Self {
        let entries = Moka::builder()
            .max_capacity(capacity)
            .expire_after(Reclaim(clock.clone()))
            .build_with_hasher(KeyHasher::default());
        Self { entries, clock }
    }

    /// A good answer, at once or not at all.
    ///
    /// moka's `get` is async for its upkeep's sake, which waits only for another thread's; the
    /// entry is then looked up once more on the slow path, which loses nothing.
    pub(crate) fn peek(&self, key: &Key) -> Option<Result<AccessToken, ExchangeError>> {
        let get = pin!(self.entries.get(key));
        match get.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(entry) => entry
                .filter(|entry| entry.holds(&self.clock))
                .map(Entry::into_outcome),
            Poll::Pending => None,
        }
    }

    /// A good answer, by `exchange` if there is none. However many ask at once, one of them runs it.
    ///
    /// Must run to its end, on a task of its own: a caller that gives up makes the next one start
    /// over, and moka panics when that happens 200 times. `exchange` must not panic either.
    pub(crate) async fn get_or(
        &self,
        key: Key,
        exchange: impl Future<Output = Result<AccessToken, ExchangeError>> + Send,
    ) -> Result<AccessToken, ExchangeError> {
        let fresh = async { Entry::new(exchange.await) };
        let stale = |entry: &Entry| !entry.holds(&self.clock);
        self.entries
            .entry(key)
            .or_insert_with_if(fresh, stale)
            .await
            .into_value()
            .into_outcome()
    }

    pub(crate) fn len(&self) -> u64 {
        self.entries.entry_count()
    }

    #[cfg(test)]
    pub(crate) async fn upkeep(&self) {
        self.entries.run_pending_tasks().await;
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}

// === impl Entry ===

impl Entry {
    fn new(outcome: Result<AccessToken, ExchangeError>) -> Self {
        match outcome {
            Ok(token) => Self::Token(token),
            Err(error) => Self::Failure {
                until: Instant::now() + memory_of(&error),
                error,
            },
        }
    }

    fn holds(&self, clock: &Clock) -> bool {
        match self {
            Self::Token(token) => token.is_usable_at(clock.now()),
            Self::Failure { until, .. } => Instant::now() < *until,
        }
    }

    fn into_outcome(self) -> Result<AccessToken, ExchangeError> {
        match self {
            Self::Token(token) => Ok(token),
            Self::Failure { error, .. } => Err(error),
        }
    }
}

// === impl Reclaim ===

impl Reclaim {
    fn after(&self, entry: &Entry) -> Duration {
        match entry {
            Entry::Token(token) => token.expiry().0.since(self.0.now()).min(LONGEST_STAY),
            Entry::Failure { until, .. } => until.saturating_duration_since(Instant::now()),
        }
    }
}

impl moka::Expiry<Key, Entry> for Reclaim {
    fn expire_after_create(&self, _: &Key, entry: &Entry, _: std::time::Instant) -> Option<Duration> {
        Some(self.after(entry))
    }

    /// moka's default keeps what was left of the value that is replaced.
    fn expire_after_update(
        &self,
        _: &Key,
        entry: &Entry,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.after(entry))
    }
}

/// A refusal is remembered for 2 s: a client in a loop costs one call in that time, and whoever mends
/// a federation policy does not notice. An outage lasts as long as the token endpoint said, 300 s at most;
/// one of which it said nothing is remembered for a second or less, so that its end is noticed within two.
fn memory_of(error: &ExchangeError) -> Duration {
    match error {
        ExchangeError::Denied(_) => Duration::from_secs(2),
        ExchangeError::Unavailable(outage) => outage.retry_after,
        ExchangeError::Malformed(_) => Duration::from_secs(1),
    }
}

/// A token of a longer life than this is exchanged anew once a day.
const LONGEST_STAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests;
