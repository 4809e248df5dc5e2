use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use identity::Clock;
use moka::future::Cache as Moka;

use crate::key::{Key, KeyHasher};
use crate::slot::{Ask, Slot, Verdict};
use crate::{AccessToken, ExchangeError};

/// Slots by key. Each holds its own end, and is judged by our clocks on every read.
///
/// moka's own notion of expiry only gives memory back. It runs on the monotonic clock, so it is
/// also the second line of defence when the wall clock is turned back.
///
/// Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Cache {
    entries: Moka<Key, Slot, KeyHasher>,
    clock: Clock,
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

    /// What holds for `ask`, at once.
    ///
    /// moka's `get` is async for its upkeep's sake, which waits only for another thread's; the
    /// entry is then looked up once more on the slow path, which loses nothing.
    pub(crate) fn peek(&self, key: &Key, ask: &Ask<'_>) -> Verdict {
        let get = pin!(self.entries.get(key));
        match get.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(slot)) => slot.judge(ask, self.clock.now()),
            Poll::Ready(None) | Poll::Pending => Verdict::Exchange,
        }
    }

    /// A good answer, by `exchange` if there is none or a better one may be had. However many ask at once, one of them runs it.
    ///
    /// Must run to its end, on a task of its own: a caller that gives up makes the next one start
    /// over, and moka panics when that happens 200 times. `exchange` must not panic either.
    pub(crate) async fn get_or<E>(
        &self,
        key: Key,
        ask: &Ask<'_>,
        exchange: impl Fn() -> E,
    ) -> Result<AccessToken, ExchangeError>
    where
        E: Future<Output = Result<AccessToken, ExchangeError>> + Send,
    {
        for _ in 0..ROUNDS {
            let fresh = async {
                let outcome = exchange().await;
                // Whoever holds the flight of a key is the only one to change its slot.
                Slot::after(self.entries.get(&key).await.as_ref(), ask, outcome)
            };
            let is_open = |slot: &Slot| slot.judge(ask, self.clock.now()).is_open();
            let slot = self
                .entries
                .entry(key)
                .or_insert_with_if(fresh, is_open)
                .await
                .into_value();
            if let Some(outcome) = slot.outcome(ask, self.clock.now()) {
                return outcome;
            }
            // The flight was another's, for another JWT.
        }
        Err(ExchangeError::unavailable(CROWDED))
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

// === impl Reclaim ===

impl Reclaim {
    fn after(&self, slot: &Slot) -> Duration {
        slot.life(self.0.now()).min(LONGEST_STAY)
    }
}

impl moka::Expiry<Key, Slot> for Reclaim {
    fn expire_after_create(&self, _: &Key, slot: &Slot, _: std::time::Instant) -> Option<Duration> {
        Some(self.after(slot))
    }

    /// moka's default keeps what was left of the value that is replaced.
    fn expire_after_update(
        &self,
        _: &Key,
        slot: &Slot,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.after(slot))
    }
}

/// Of those who wait for one exchange, the next may have to begin another when it was refused to the JWT of the first.
const ROUNDS: usize = 3;

const CROWDED: &str = "older JWTs of the same subject were exchanged first, and refused";

/// A token of a longer life than this is exchanged anew once a day.
const LONGEST_STAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests;
