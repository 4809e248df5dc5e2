use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;

use super::{Clock, UnixTime};
use crate::Expiry;

#[test]
fn a_moment_is_shown_as_rfc_3339() {
    let shown = |seconds| UnixTime::from_seconds(seconds).to_string();
    assert_eq!(shown(0), "1970-01-01T00:00:00Z");
    assert_eq!(shown(1_795_467_600), "2026-11-23T21:00:00Z");
    assert_eq!(shown(LAST - 1), "2106-02-07T06:28:14Z");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the clock that it is held against")]
fn the_systems_clock_tells_the_time_of_day() {
    let seconds = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a set clock")
            .as_secs()
    };
    let (before, now, after) = (seconds(), Clock::system().now().seconds(), seconds());
    // As of the last tick, before which a second may have begun.
    assert!(
        before <= now + 1 && now <= after,
        "{now} is not from {before} to {after}"
    );
}

#[test]
fn the_last_moment_stands_for_all_that_comes_after_it() {
    for seconds in [LAST, LAST + 1, LAST * 2 + 1, u64::MAX] {
        let last = UnixTime::from_seconds(seconds);
        assert_eq!(last, UnixTime::LAST);
        assert_eq!(last.to_string(), "2106-02-07T06:28:15Z or later");
    }
}

#[test]
fn arithmetic_saturates() {
    let (start, end) = (UnixTime::from_seconds(0), UnixTime::LAST);
    for far in [
        Duration::from_secs(1),
        Duration::from_secs(LAST + 1),
        Duration::MAX,
    ] {
        assert_eq!(start.minus(far), start);
        assert_eq!(end.plus(far), end);
    }
    assert_eq!(start.plus(Duration::MAX), end);
    assert_eq!(end.minus(Duration::MAX), start);
    assert_eq!(start.since(end), Duration::ZERO);
}

#[test]
fn nothing_is_good_when_the_last_moment_has_come() {
    assert!(!Expiry(UnixTime::from_seconds(u64::MAX)).is_usable_at(UnixTime::LAST));
}

proptest! {
    /// Whatever is held of a time, it is that time, or one before it where it is beyond the last.
    #[test]
    fn a_moment_is_never_later_than_it_was_said_to_be(seconds: u64) {
        prop_assert_eq!(UnixTime::from_seconds(seconds).seconds(), seconds.min(LAST));
    }

    #[test]
    fn moments_are_in_the_order_of_their_seconds(one: u64, other: u64) {
        let moment = UnixTime::from_seconds;
        prop_assert!(one > other || moment(one) <= moment(other));
        prop_assert!(one.max(other) > LAST || (moment(one) < moment(other)) == (one < other));
    }

    /// As if it were done in numbers that have no end.
    #[test]
    fn a_moment_moves_as_its_seconds_do(at: u32, by: u64) {
        let (moment, duration) = (UnixTime::from_seconds(at.into()), Duration::from_secs(by));
        let (at, by) = (i128::from(at), i128::from(by));
        let clamped = |seconds: i128| u64::try_from(seconds.clamp(0, LAST.into())).unwrap();
        prop_assert_eq!(moment.plus(duration).seconds(), clamped(at + by));
        prop_assert_eq!(moment.minus(duration).seconds(), clamped(at - by));
    }
}

const LAST: u64 = u32::MAX as u64;

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
