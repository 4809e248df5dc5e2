use std::time::Duration;

use super::{Clock, LAST_SECOND_OF_9999, UnixTime};

#[test]
fn a_moment_is_shown_as_rfc_3339() {
    let shown = |seconds| UnixTime::from_seconds(seconds).to_string();
    assert_eq!(shown(0), "1970-01-01T00:00:00Z");
    assert_eq!(shown(1_795_467_600), "2026-11-23T21:00:00Z");
    assert_eq!(shown(LAST_SECOND_OF_9999), "9999-12-31T23:59:59Z");
}

#[test]
fn a_moment_beyond_all_calendars_can_be_shown_too() {
    for seconds in [LAST_SECOND_OF_9999 + 1, u64::MAX] {
        assert_eq!(
            UnixTime::from_seconds(seconds).to_string(),
            "a time after the year 9999"
        );
    }
}

#[test]
fn arithmetic_saturates() {
    let (start, end) = (UnixTime::from_seconds(0), UnixTime::from_seconds(u64::MAX));
    assert_eq!(start.minus(Duration::from_secs(1)), start);
    assert_eq!(end.plus(Duration::from_secs(1)), end);
    assert_eq!(start.since(end), Duration::ZERO);
}

#[test]
fn a_manual_clock_moves_only_by_its_hand() {
    let (clock, hand) = Clock::manual(UnixTime::from_seconds(10));
    hand.advance(Duration::from_millis(2_900));
    assert_eq!(clock.now(), UnixTime::from_seconds(12));
    hand.set(UnixTime::from_seconds(5));
    assert_eq!(clock.now(), UnixTime::from_seconds(5));
}

#[test]
fn the_system_clock_is_past_the_day_this_was_written() {
    assert!(Clock::system().now() > UnixTime::from_seconds(1_763_000_000));
}
