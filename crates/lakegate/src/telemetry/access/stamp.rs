use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::decimal::digits;

/// The time as RFC 3339 writes it, in UTC and to the microsecond: the form of the events' own.
///
/// The calendar is asked once a second; within one, only the digits behind the point change.
#[derive(Debug, Default)]
pub(super) struct Stamp {
    /// Since 1970; `None` before the first.
    second: Option<u64>,
    /// `2026-11-24T01:49:31.123456Z`
    text: [u8; 27],
}

// === impl Stamp ===

impl Stamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "a log line tells the time of the machine, whatever clock decides over tokens"
    )]
    pub(super) fn now(&mut self) -> &[u8] {
        self.at(SystemTime::now())
    }

    fn at(&mut self, now: SystemTime) -> &[u8] {
        // Before 1970 a clock is not set, and nobody reads its microseconds.
        let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        if self.second != Some(since.as_secs()) {
            self.second = Some(since.as_secs());
            let text = humantime::format_rfc3339_micros(UNIX_EPOCH + since).to_string();
            self.text = text.as_bytes().first_chunk().copied().unwrap_or_default();
        }
        if let Some([micros @ .., _z]) = self.text.last_chunk_mut::<7>() {
            *micros = digits(since.subsec_micros().into());
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_is_written_as_the_calendar_writes_it() {
        let mut stamp = Stamp::default();
        let start = UNIX_EPOCH + Duration::from_secs(1_795_484_998);
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
            let expected = humantime::format_rfc3339_micros(moment).to_string();
            assert_eq!(stamp.at(moment), expected.as_bytes());
        }
    }
}
