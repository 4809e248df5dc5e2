use identity::{Expiry, UnixTime};
use moka::Expiry as _;
use tokio::time::Instant;

use super::*;

const NOW: u64 = 1_000_000;

/// A JWT that outlives everything.
const ASK: Ask<'_> = Ask {
    expiry: Expiry(UnixTime::from_seconds(u64::MAX)),
    refused: None,
};

fn token(seconds: u64) -> AccessToken {
    let end = Expiry(UnixTime::from_seconds(NOW.saturating_add(seconds)));
    AccessToken::new("opaque", end).unwrap()
}

fn slot(outcome: Result<AccessToken, ExchangeError>) -> Slot {
    Slot::after(None, &ASK, outcome)
}

/// The memory of an entry is given back after this long, whether it is new or takes another's place.
fn reclaimed_after(slot: &Slot) -> Duration {
    let (clock, _) = Clock::manual(UnixTime::from_seconds(NOW));
    let (reclaim, key, at) = (Reclaim(clock), Key::of_zeros(), Instant::now().into_std());
    let created = reclaim
        .expire_after_create(&key, slot, at)
        .expect("never for ever");
    let updated = reclaim.expire_after_update(&key, slot, at, Some(Duration::from_millis(1)));
    assert_eq!(
        updated,
        Some(created),
        "what was left of the old value does not matter"
    );
    created
}

#[tokio::test(start_paused = true)]
async fn memory_is_given_back_when_an_entry_is_over_and_after_a_day_at_most() {
    assert_eq!(reclaimed_after(&slot(Ok(token(0)))), Duration::ZERO);
    assert_eq!(reclaimed_after(&slot(Ok(token(3600)))), Duration::from_hours(1));
    assert_eq!(
        reclaimed_after(&slot(Ok(token(u64::MAX)))),
        Duration::from_hours(24)
    );
    let failure = slot(Err(ExchangeError::malformed("HTML")));
    assert_eq!(reclaimed_after(&failure), Duration::from_secs(1));
}

#[tokio::test]
async fn an_entry_is_judged_by_the_wall_clock_and_not_by_moka() {
    let (clock, hand) = Clock::manual(UnixTime::from_seconds(NOW));
    let (cache, key) = (Cache::new(10, clock), Key::of_zeros());
    let given = cache.get_or(key, &ASK, || async { Ok(token(3600)) }).await;
    given.unwrap();
    assert!(matches!(cache.peek(&key, &ASK), Verdict::Serve(_)));
    hand.set(UnixTime::from_seconds(NOW + 3595));
    assert!(matches!(cache.peek(&key, &ASK), Verdict::Exchange));
    let anew = || async { Err(ExchangeError::malformed("asked anew")) };
    cache.get_or(key, &ASK, anew).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_a_failure_takes_it_however_late_they_are_woken() {
    let (clock, _) = Clock::manual(UnixTime::from_seconds(NOW));
    let (cache, key) = (Cache::new(10, clock), Key::of_zeros());
    let calls = std::cell::Cell::new(0);
    let exchange = || {
        calls.set(calls.get() + 1);
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err(ExchangeError::unavailable("down"))
        }
    };
    let mut first = pin!(cache.get_or(key, &ASK, exchange));
    let mut second = pin!(cache.get_or(key, &ASK, exchange));
    let mut waker = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut waker).is_pending() && second.as_mut().poll(&mut waker).is_pending());

    first.await.unwrap_err();
    tokio::time::advance(Duration::from_secs(60)).await;
    second.await.unwrap_err();
    assert_eq!(calls.get(), 1);
}
