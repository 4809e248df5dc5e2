use std::borrow::Borrow;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::time::Duration;

use identity::Clock;
use quick_cache::sync::{Cache as Quick, DefaultLifecycle};
use quick_cache::{OptionsBuilder, UnitWeighter};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use crate::flights::{Boarding, Flight, Flights};
use crate::key::{Key, KeyHasher};
use crate::slot::{Ask, Slot};
use crate::{AccessToken, ExchangeError};

/// Slots by key. Each holds its own end, and is judged by our clocks on every read.
///
/// What is over is swept out now and then, which gives back its memory. That goes by the monotonic clock, so it is also the second
/// line of defence when the wall clock is turned back.
///
/// Clones are one and the same.
#[derive(Clone)]
pub(crate) struct Cache(Arc<Inner>);

struct Inner {
    entries: Quick<Label, Slot, UnitWeighter, KeyHasher>,
    /// How often a slot was changed, by group of keys.
    changes: Box<[AtomicU32; GROUPS]>,
    flights: Flights,
    clock: Clock,
    /// What sweeps go by, in seconds since then.
    beginning: Instant,
    next_sweep: AtomicU32,
}

/// What is found under a key, and how to learn whether that is still so.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) slot: Option<Slot>,
    pub(crate) version: Version,
}

/// How far a key's group had come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    group: usize,
    changes: u32,
}

/// What stands on a slot: its key, by which alone it is found, and its end. Beside the key there is room for that, beside the slot there is not.
#[derive(Clone, Copy)]
struct Label {
    key: Key,
    /// From when on the slot may be swept out: seconds since the cache's beginning.
    end: u32,
}

// === impl Cache ===

impl Cache {
    /// The policy of `quick_cache` stays (a kind of CLOCK-Pro): many tokens that are used once, from a client that fetches a
    /// new one for each call, do not displace those in steady use.
    pub(crate) fn new(capacity: u64, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            entries: with_room_for(capacity),
            changes: Box::new([const { AtomicU32::new(0) }; GROUPS]),
            flights: Flights::default(),
            clock,
            beginning: Instant::now(),
            next_sweep: AtomicU32::new(BETWEEN_SWEEPS),
        }))
    }

    /// What is held under `key`.
    pub(crate) fn find(&self, key: &Key) -> Found {
        // Before the slot: should that be changed in between, what was found does not stand.
        let version = self.0.version(key);
        let slot = self.0.entries.get(key);
        Found { slot, version }
    }

    /// Whether what was found then is what would be found now, but for what was given up for want of room or is over.
    ///
    /// It takes no lock and writes nothing: as long as nothing changes, all cores may ask at once.
    pub(crate) fn stands(&self, version: Version) -> bool {
        let changes = self.0.changes.get(version.group);
        changes.is_some_and(|changes| changes.load(Acquire) == version.changes)
    }

    /// What an exchange would put there.
    #[cfg(test)]
    pub(crate) fn keep(&self, key: Key, slot: Slot) {
        self.0.keep(key, slot);
    }

    #[cfg(test)]
    pub(crate) fn now(&self) -> identity::UnixTime {
        self.0.clock.now()
    }

    /// A good answer, by `exchange` if there is none or a better one may be had. However many ask at once, one of them runs it.
    ///
    /// Must run to its end, on a task of its own: a caller that gives up makes the next one start over.
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
            let slot = self.0.exchanged(key, ask, &exchange).await;
            if let Some(outcome) = slot.outcome(ask, self.0.clock.now()) {
                return outcome;
            }
            // The flight was another's, for another JWT.
        }
        Err(ExchangeError::unavailable(CROWDED))
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.entries.len() as u64
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("entries", &self.len())
            .finish_non_exhaustive()
    }
}

// === impl Inner ===

impl Inner {
    /// What has come of one exchange: our own, or that of whoever was first.
    async fn exchanged<E>(self: &Arc<Self>, key: Key, ask: &Ask<'_>, exchange: &impl Fn() -> E) -> Slot
    where
        E: Future<Output = Result<AccessToken, ExchangeError>> + Send,
    {
        loop {
            match self.flights.board(key) {
                Boarding::Lead(flight) => return self.lead(flight, ask, exchange).await,
                Boarding::Wait(landing) => {
                    if let Some(slot) = landing.slot().await {
                        return slot;
                    }
                }
            }
        }
    }

    /// Exchanges, unless another's flight has landed since `ask` looked.
    async fn lead<E>(self: &Arc<Self>, flight: Flight, ask: &Ask<'_>, exchange: &impl Fn() -> E) -> Slot
    where
        E: Future<Output = Result<AccessToken, ExchangeError>> + Send,
    {
        let slot = match self.entries.peek(flight.key()) {
            Some(slot) if !slot.clone().judge(ask, self.clock.now()).is_open() => slot,
            _ => {
                let outcome = exchange().await;
                // Whoever holds the flight of a key is the only one to change its slot.
                let slot = Slot::after(self.entries.peek(flight.key()).as_ref(), ask, outcome);
                self.keep(*flight.key(), slot.clone());
                slot
            }
        };
        flight.land(slot.clone());
        slot
    }

    fn keep(self: &Arc<Self>, key: Key, slot: Slot) {
        let now = self.age();
        let stay = slot.life(self.clock.now()).min(LONGEST_STAY);
        let end = now.saturating_add(seconds(stay));
        let group = self.version(&key).group;
        self.entries.insert(Label { key, end }, slot);
        if let Some(changes) = self.changes.get(group) {
            changes.fetch_add(1, Release);
        }
        let due = self.next_sweep.load(Relaxed);
        let next = now.saturating_add(BETWEEN_SWEEPS);
        if due <= now
            && self
                .next_sweep
                .compare_exchange(due, next, Relaxed, Relaxed)
                .is_ok()
        {
            let inner = Arc::clone(self);
            // There may be a million entries to look through.
            spawn_blocking(move || inner.sweep(now));
        }
    }

    fn version(&self, key: &Key) -> Version {
        let group = usize::from(key.group()) % GROUPS;
        let changes = self.changes.get(group).map_or(0, |changes| changes.load(Acquire));
        Version { group, changes }
    }

    fn sweep(&self, now: u32) {
        self.entries.retain(|label, _| label.end > now);
    }

    fn age(&self) -> u32 {
        seconds(self.beginning.elapsed())
    }
}

// === impl Label ===

impl Borrow<Key> for Label {
    fn borrow(&self) -> &Key {
        &self.key
    }
}

impl Hash for Label {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Label {}

#[expect(clippy::expect_used, reason = "nothing that is required is left out")]
fn with_room_for(capacity: u64) -> Quick<Label, Slot, UnitWeighter, KeyHasher> {
    let estimate = usize::try_from(capacity).unwrap_or(usize::MAX);
    let options = OptionsBuilder::new()
        .shards(SHARDS)
        .weight_capacity(capacity)
        .estimated_items_capacity(estimate)
        .build()
        .expect("both capacities are set");
    Quick::with_options(
        options,
        UnitWeighter,
        KeyHasher::default(),
        DefaultLifecycle::default(),
    )
}

/// Enough for 136 years.
fn seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}

/// Of those who wait for one exchange, the next may have to begin another when it was refused to the JWT of the first.
const ROUNDS: usize = 3;

const CROWDED: &str = "older JWTs of the same subject were exchanged first, and refused";

/// A token of a longer life than this is exchanged anew once a day, or soon after.
const LONGEST_STAY: Duration = Duration::from_hours(24);

/// So many that a sweep, which locks one after the other, holds up nobody for longer than a fraction of a millisecond.
const SHARDS: usize = 64;

/// So many that a subject's copies outlive the exchanges of others: at 300 a second, one in this group comes every three seconds.
const GROUPS: usize = 1024;

/// Seconds from one sweep to the next.
const BETWEEN_SWEEPS: u32 = 60;

#[cfg(test)]
mod tests;
