use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crate::{AccessToken, ExchangeError};

/// Counters since the start, and how much is held now.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExchangeStats {
    /// Answers from the cache, remembered failures among them.
    pub hits: u64,
    /// Answers that had to wait for an exchange, their own or another's.
    pub misses: u64,
    /// Callers turned away without an exchange, because their JWT had no more than 5 s left.
    pub nearly_expired: u64,
    /// Answers from the cache to a renewed JWT, each of which began an exchange in the background.
    pub overlapped: u64,
    /// Exchanges that were asked for because the workspace refused the token that was held.
    pub refused: u64,
    /// Exchanges that gave a token.
    pub granted: u64,
    /// Exchanges that were refused.
    pub denied: u64,
    /// Exchanges that failed otherwise.
    pub failed: u64,
    /// Exchanges going on now.
    pub in_flight: u64,
    /// Time spent in exchanges, all together.
    pub exchange_time: Duration,
    /// Tokens and remembered failures held now.
    pub entries: u64,
}

/// How one token endpoint is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointHealth {
    /// Its host, port and path.
    pub endpoint: String,
    /// Whether it has failed so often in a row that it is asked once a second only: whoever has no token in the cache gets none.
    pub open: bool,
    /// Calls that were not made, because it was down or had asked for a pause.
    pub withheld: u64,
}

/// The counters behind [`ExchangeStats`]. Each is exact by itself; together they are no snapshot.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    hits: Lanes,
    misses: AtomicU64,
    nearly_expired: AtomicU64,
    overlapped: AtomicU64,
    refused: AtomicU64,
    granted: AtomicU64,
    denied: AtomicU64,
    failed: AtomicU64,
    started: AtomicU64,
    exchange_micros: AtomicU64,
}

/// One count that many cores add to at once, each most often where no other does.
#[derive(Debug, Default)]
struct Lanes {
    lanes: [Apart<AtomicU64>; LANES],
    next: AtomicUsize,
}

/// Which of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane(usize);

/// Alone in its cache line, and in the one that is fetched with it.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart<T>(T);

// === impl Lanes ===

impl Lanes {
    fn count(&self, on: Lane) {
        if let Some(Apart(lane)) = self.lanes.get(on.0 % LANES) {
            lane.fetch_add(1, Relaxed);
        }
    }

    fn total(&self) -> u64 {
        self.lanes.iter().map(|Apart(lane)| lane.load(Relaxed)).sum()
    }
}

// === impl Counters ===

impl Counters {
    /// One of those on which hits are counted.
    pub(crate) fn lane(&self) -> Lane {
        Lane(self.hits.next.fetch_add(1, Relaxed))
    }

    pub(crate) fn hit(&self, on: Lane) {
        self.hits.count(on);
    }

    pub(crate) fn miss(&self) {
        self.misses.fetch_add(1, Relaxed);
    }

    pub(crate) fn overlapped(&self) {
        self.overlapped.fetch_add(1, Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn nearly_expired(&self) {
        self.nearly_expired.fetch_add(1, Relaxed);
    }

    pub(crate) fn started(&self) {
        self.started.fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self, outcome: &Result<AccessToken, ExchangeError>, took: Duration) {
        let counter = match outcome {
            Ok(_) => &self.granted,
            Err(ExchangeError::Denied(_)) => &self.denied,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
        self.exchange_micros
            .fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    /// The ends are read before the starts, so that an exchange that ends meanwhile never makes
    /// `in_flight` negative.
    pub(crate) fn read(&self, entries: u64) -> ExchangeStats {
        let [granted, denied, failed] =
            [&self.granted, &self.denied, &self.failed].map(|count| count.load(Relaxed));
        ExchangeStats {
            hits: self.hits.total(),
            misses: self.misses.load(Relaxed),
            nearly_expired: self.nearly_expired.load(Relaxed),
            overlapped: self.overlapped.load(Relaxed),
            refused: self.refused.load(Relaxed),
            granted,
            denied,
            failed,
            in_flight: self
                .started
                .load(Relaxed)
                .saturating_sub(granted + denied + failed),
            exchange_time: Duration::from_micros(self.exchange_micros.load(Relaxed)),
            entries,
        }
    }
}

/// Workers beyond that share one with another.
const LANES: usize = 16;
