use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

/// A point in wall-clock time: whole seconds since 1970-01-01T00:00:00Z, RFC 7519's `NumericDate`.
///
/// In 4 bytes, as several stand with each of a million tokens. [`UnixTime::LAST`] stands for all that comes after it, which ends a
/// token too early and never too late; once it is the present, nothing is good any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u32);

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
    /// 2106-02-07T06:28:15Z.
    pub const LAST: Self = Self(u32::MAX);

    /// The moment `seconds` after the epoch, or [`UnixTime::LAST`].
    #[expect(clippy::cast_possible_truncation, reason = "what does not fit is the last")]
    pub const fn from_seconds(seconds: u64) -> Self {
        if seconds < Self::LAST.seconds() {
            Self(seconds as u32)
        } else {
            Self::LAST
        }
    }

    /// Seconds since the epoch.
    pub const fn seconds(self) -> u64 {
        self.0 as u64
    }

    /// How long from `earlier` until this moment; zero when it has passed.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.seconds().saturating_sub(earlier.seconds()))
    }

    /// This moment moved into the future, saturating; a fraction of a second is dropped.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self::from_seconds(self.seconds().saturating_add(duration.as_secs()))
    }

    /// This moment moved into the past, saturating; a fraction of a second is dropped.
    #[must_use]
    pub const fn minus(self, duration: Duration) -> Self {
        Self::from_seconds(self.seconds().saturating_sub(duration.as_secs()))
    }
}

/// RFC 3339, in UTC: `2026-11-23T21:00:00Z`.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(self.seconds())).fmt(f)?;
        f.write_str(if *self == Self::LAST { " or later" } else { "" })
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
        let hand = Arc::new(AtomicU64::new(start.seconds()));
        (Self(Source::Manual(Arc::clone(&hand))), ManualClock(hand))
    }

    /// The present moment.
    pub fn now(&self) -> UnixTime {
        match &self.0 {
            Source::System => system_now(),
            Source::Manual(hand) => UnixTime::from_seconds(hand.load(Ordering::Relaxed)),
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
        self.0.store(now.seconds(), Ordering::Relaxed);
    }

    /// Moves the clock forwards; a fraction of a second is dropped.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_secs(), Ordering::Relaxed);
    }
}

/// A clock that cannot be read, or stands before 1970, reads as [`UnixTime::LAST`], at which no token is good: the machine is broken.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock"
)]
fn system_now() -> UnixTime {
    let seconds = clock_gettime(WALL)
        .ok()
        .and_then(|now| now.tv_sec().try_into().ok());
    // A clock that cannot be read, or stands before 1970, makes nothing good.
    seconds.map_or(UnixTime::LAST, UnixTime::from_seconds)
}

/// As of the kernel's last tick, some milliseconds ago: all that is asked for is whole seconds, three times for each request, and to ask
/// the hardware takes eight times as long. What that is late by is nothing to the last 5 s of a token, in which it is not used.
#[cfg(target_os = "linux")]
const WALL: ClockId = ClockId::CLOCK_REALTIME_COARSE;
#[cfg(not(target_os = "linux"))]
const WALL: ClockId = ClockId::CLOCK_REALTIME;

#[cfg(test)]
mod tests;
