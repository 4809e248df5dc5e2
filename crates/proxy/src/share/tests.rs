use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::FakeRelativeClock;

use super::{Share, Shares};

/// Two a second, and three at once.
fn shares() -> (Shares<usize, FakeRelativeClock>, FakeRelativeClock) {
    let share = Share {
        per_second: NonZeroU32::new(2).unwrap(),
        burst: NonZeroU32::new(3).unwrap(),
    };
    let clock = FakeRelativeClock::default();
    (Shares::timed_by(clock.clone(), share), clock)
}

/// How many of ten requests are let through.
fn of_ten(shares: &Shares<usize, FakeRelativeClock>, claimant: usize) -> usize {
    (0..10).filter(|_| shares.take_for(&claimant).is_ok()).count()
}

#[test]
fn a_burst_passes_and_then_as_many_as_a_second_brings() {
    let (shares, clock) = shares();
    assert_eq!(of_ten(&shares, 1), 3);
    clock.advance(Duration::from_millis(499));
    assert_eq!(of_ten(&shares, 1), 0);
    for _ in 0..5 {
        clock.advance(Duration::from_secs(1));
        assert_eq!(of_ten(&shares, 1), 2, "what was refused took nothing");
    }
    clock.advance(Duration::from_secs(3600));
    assert_eq!(of_ten(&shares, 1), 3, "a rest saves up no more than a burst");
}

#[test]
fn nobody_takes_of_anothers_share() {
    let (shares, _) = shares();
    assert_eq!(of_ten(&shares, 1), 3);
    assert_eq!(of_ten(&shares, 2), 3);
}

#[test]
fn whoever_is_refused_has_something_again_within_the_second_that_the_answer_says() {
    let share = Share {
        per_second: NonZeroU32::MIN,
        burst: NonZeroU32::MIN,
    };
    let clock = FakeRelativeClock::default();
    let shares = Shares::timed_by(clock.clone(), share);
    assert_eq!(of_ten(&shares, 1), 1);
    clock.advance(Duration::from_secs(1));
    assert_eq!(of_ten(&shares, 1), 1);
}

#[test]
fn nobody_is_remembered_who_has_rested_and_nobody_is_forgotten_who_has_not() {
    let (shares, clock) = shares();
    for claimant in 0..10_000 {
        of_ten(&shares, claimant);
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(of_ten(&shares, 7), 2);
    shares.sweep();
    assert_eq!(shares.rates.len(), 10_000, "none has the whole of a share again");

    clock.advance(Duration::from_secs(1));
    shares.sweep();
    assert_eq!(shares.rates.len(), 1);
    assert_eq!(of_ten(&shares, 7), 2, "a sweep gives nothing back");

    clock.advance(Duration::from_secs(2));
    shares.sweep();
    assert!(shares.rates.is_empty());
}
