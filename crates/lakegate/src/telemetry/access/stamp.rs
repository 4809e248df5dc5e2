use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::decimal::digits;

/// The time as RFC 3339 writes it, in UTC and to the microsecond: the form of the events' own.
///
/// Whoever has something to tell has read a clock already, the one that intervals are measured with. So both clocks are read once a
/// second; a machine whose clock is set, or which has slept, is followed by then. The calendar is asked once a second, too, and within
/// one, only the digits behind the point change.
#[derive(Debug, Default)]
pub(in crate::telemetry) struct Stamp {
    both: Option<Both>,
    /// Since 1970; `None` before the first.
    second: Option<u64>,
    /// `2026-11-24T01:49:31.123456Z`
    text: [u8; 27],
}

/// One moment by both clocks.
#[derive(Clone, Copy, Debug)]
struct Both {
    instant: Instant,
    since_1970: Duration,
}

// === impl Stamp ===

impl Stamp {
    /// Of a moment that has been.
    pub(super) fn of(&mut self, moment: Instant) -> &[u8] {
        let told = self.both.and_then(|both| both.since_1970(moment));
        let since_1970 = told.or_else(|| self.both.insert(Both::now()).since_1970(moment));
        self.at(since_1970.unwrap_or_default())
    }

    fn at(&mut self, since_1970: Duration) -> &[u8] {
        if self.second != Some(since_1970.as_secs()) {
            self.second = Some(since_1970.as_secs());
            let text = humantime::format_rfc3339_micros(UNIX_EPOCH + since_1970).to_string();
            self.text = text.as_bytes().first_chunk().copied().unwrap_or_default();
        }
        if let Some([micros @ .., _z]) = self.text.last_chunk_mut::<7>() {
            *micros = digits(since_1970.subsec_micros().into());
        }
        &self.text
    }
}

// === impl Both ===

impl Both {
    #[expect(
        clippy::disallowed_methods,
        reason = "a log line tells the time of the machine, whatever clock decides over tokens"
    )]
    fn now() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            instant: Instant::now(),
            // Before 1970 a clock is not set, and nobody reads its microseconds.
            since_1970: since_1970.unwrap_or(Duration::ZERO),
        }
    }

    /// Of a moment of the second that follows, or of one before: what is told has waited for a while, and several tell.
    fn since_1970(&self, moment: Instant) -> Option<Duration> {
        match moment.checked_duration_since(self.instant) {
            Some(passed) => (passed < HOLDS).then(|| self.since_1970 + passed),
            None => Some(self.since_1970.saturating_sub(self.instant - moment)),
        }
    }
}

/// How long the two clocks are taken to go alike.
const HOLDS: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_written_as_the_calendar_writes_it() {
        let mut stamp = Stamp::default();
        let start = Duration::from_secs(1_795_484_998);
        for step in [
            0,
            1,
            999_999,
            1_000_000,
            1_000_001,
            2_500_000,
            2_499_999,
            86_400_000_000,
        ] {
            let moment = start + Duration::from_micros(step);
            let expected = humantime::format_rfc3339_micros(UNIX_EPOCH + moment).to_string();
            assert_eq!(stamp.at(moment), expected.as_bytes());
        }
    }

    #[test]
    fn moments_are_as_far_apart_as_they_were_whichever_is_told_first() {
        let both = Both::now();
        for passed in [Duration::ZERO, Duration::from_micros(999_999)] {
            assert_eq!(
                both.since_1970(both.instant + passed),
                Some(both.since_1970 + passed)
            );
        }
        assert_eq!(
            both.since_1970(both.instant + HOLDS),
            None,
            "the clock may have been set"
        );
        for before in [Duration::from_nanos(1), 7 * HOLDS] {
            assert_eq!(
                both.since_1970(both.instant - before),
                both.since_1970.checked_sub(before)
            );
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the clock that is to be followed")]
    fn a_clock_that_was_set_is_followed_within_a_second() {
        let mut stamp = Stamp {
            both: Some(Both {
                instant: Instant::now() - HOLDS,
                since_1970: Duration::ZERO,
            }),
            ..Stamp::default()
        };
        let before = SystemTime::now();
        let told = String::from_utf8(stamp.of(Instant::now()).to_vec()).expect("ASCII");
        let told = humantime::parse_rfc3339(&told).expect("a time");
        let off = |other: SystemTime| {
            told.duration_since(other)
                .unwrap_or_else(|error| error.duration())
        };
        assert!(off(before) < HOLDS, "{told:?} is not {before:?}");
    }
}
