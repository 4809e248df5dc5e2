use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A point in wall-clock time: whole seconds since 1970-01-01T00:00:00Z, RFC 7519's `NumericDate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

/// Where wall-clock time comes from: the system, or a test's hand.
///
/// Expiry is the security of a token cache, so nothing here reads the system's clock by itself.
#[derive(Clone)]
pub struct Clock(Source);

/// The hand that moves a [`Clock`] made by [`Clock::manual`].
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<AtomicU64>),
}

// === impl UnixTime ===

impl UnixTime {
    /// The moment `seconds` after the epoch.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0
    }

    /// How long from `earlier` until this moment; zero when it has passed.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// This moment moved into the future, saturating; a fraction of a second is dropped.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// This moment moved into the past, saturating; a fraction of a second is dropped.
    #[must_use]
    pub const fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }
}

/// RFC 3339, in UTC: `2026-11-23T21:00:00Z`.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > LAST_SECOND_OF_9999 {
            return f.write_str("a time after the year 9999");
        }
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(self.0)).fmt(f)
    }
}

// === impl Clock ===

impl Clock {
    /// The system's wall clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until its hand is moved.
    pub fn manual(start: UnixTime) -> (Self, ManualClock) {
        let hand = Arc::new(AtomicU64::new(start.0));
        (Self(Source::Manual(Arc::clone(&hand))), ManualClock(hand))
    }

    /// The present moment.
    pub fn now(&self) -> UnixTime {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(hand) => UnixTime(hand.load(Ordering::Relaxed)),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock::system",
            Source::Manual(_) => "Clock::manual",
        })
    }
}

// === impl ManualClock ===

impl ManualClock {
    /// Sets the clock, forwards or back.
    pub fn set(&self, now: UnixTime) {
        self.0.store(now.0, Ordering::Relaxed);
    }

    /// Moves the clock forwards; a fraction of a second is dropped.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

/// A clock before 1970 reads as 1970, at which every token is not yet valid or far from expiry;
/// the machine is broken, but no arithmetic is.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock"
)]
fn system_now() -> UnixTime {
    UnixTime(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs(),
    )
}

/// 9999-12-31T23:59:59Z, beyond which RFC 3339 has no name for a moment.
const LAST_SECOND_OF_9999: u64 = 253_402_300_799;

#[cfg(test)]
mod tests;
