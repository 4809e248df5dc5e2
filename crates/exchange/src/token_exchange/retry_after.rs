use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::RETRY_AFTER;
use identity::UnixTime;

/// `Retry-After` (RFC 9110 section 10.2.3): seconds, or a date. `None` when it is absent or says nothing.
///
/// At most 300 s: an absurd value must not lock callers out for a day.
pub(super) fn read(headers: &HeaderMap, now: UnixTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        value.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(value)
            .ok()?
            .duration_since(UNIX_EPOCH)
            .ok()?;
        UnixTime::from_seconds(date.as_secs()).since(now)
    };
    Some(wait.min(LONGEST))
}

const LONGEST: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    /// Thu, 01 Jan 2026 00:00:00 GMT.
    const NOW: UnixTime = UnixTime::from_seconds(1_767_225_600);

    fn parsed(value: &str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        read(&headers, NOW).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        assert_eq!(parsed("7"), Some(7));
        assert_eq!(parsed(" 7 "), Some(7));
        assert_eq!(parsed("Thu, 01 Jan 2026 00:00:09 GMT"), Some(9));
    }

    #[test]
    fn a_date_that_has_passed_means_now() {
        assert_eq!(parsed("Thu, 01 Jan 2015 00:00:00 GMT"), Some(0));
    }

    #[test]
    fn an_absurd_time_is_bounded() {
        assert_eq!(parsed("86400"), Some(300));
        assert_eq!(parsed("99999999999999999999999999"), Some(300));
        assert_eq!(parsed("Thu, 01 Jan 2099 00:00:00 GMT"), Some(300));
    }

    #[test]
    fn what_says_nothing_is_as_good_as_absent() {
        for value in ["", "-1", "1.5", "soon", "+3", "0x10"] {
            assert_eq!(parsed(value), None, "{value}");
        }
        assert_eq!(read(&HeaderMap::new(), NOW), None);
    }
}
