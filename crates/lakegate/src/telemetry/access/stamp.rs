use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::decimal::digits;

/// The time as RFC 3339 writes it, in UTC and to the microsecond: the form of the events' own.
///
/// Whoever has something to tell has read a clock already, the one that intervals are measured with. So both clocks are read once a
/// second; a machine whose clock is set, or which has slept, is followed by then. The calendar is asked once a second, too, and within
/// one, only the digits behind the point change.
#[derive(Debug, Default)]
pub(super) struct Stamp {
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
    /// Of a moment that has just been.
    pub(super) fn of(&mut self, moment: Instant) -> &[u8] {
        let told = self.both.and_then(|both| both.since_1970(moment));
        let since_1970 = told.unwrap_or_else(|| self.both.insert(Both::at(moment)).since_1970);
        self.at(since_1970)
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
    fn at(present: Instant) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            instant: present,
            // Before 1970 a clock is not set, and nobody reads its microseconds.
            since_1970: since_1970.unwrap_or(Duration::ZERO),
        }
    }

    /// Of a moment of the second that follows.
    fn since_1970(&self, moment: Instant) -> Option<Duration> {
        let passed = moment.checked_duration_since(self.instant)?;
        (passed < HOLDS).then(|| self.since_1970 + passed)
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
    fn moments_of_one_second_are_as_far_apart_as_they_were() {
        let both = Both::at(Instant::now());
        let of = |passed| both.since_1970(both.instant + passed);
        for passed in [Duration::ZERO, Duration::from_micros(999_999)] {
            assert_eq!(of(passed), Some(both.since_1970 + passed));
        }
        assert_eq!(of(HOLDS), None);
        assert_eq!(both.since_1970(both.instant - HOLDS), None);
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
