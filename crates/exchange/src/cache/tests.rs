use identity::{Expiry, UnixTime};
use moka::Expiry as _;

use super::*;

const NOW: u64 = 1_000_000;

fn token(seconds: u64) -> Entry {
    let end = Expiry(UnixTime::from_seconds(NOW.saturating_add(seconds)));
    Entry::Token(AccessToken::new("opaque", end).unwrap())
}

/// The memory of an entry is given back after this long, whether it is new or takes another's place.
fn reclaimed_after(entry: &Entry) -> Duration {
    let (clock, _) = Clock::manual(UnixTime::from_seconds(NOW));
    let (reclaim, key, at) = (Reclaim(clock), Key::of_zeros(), Instant::now().into_std());
    let created = reclaim
        .expire_after_create(&key, entry, at)
        .expect("never for ever");
    let updated = reclaim.expire_after_update(&key, entry, at, Some(Duration::from_millis(1)));
    assert_eq!(
        updated,
        Some(created),
        "what was left of the old value does not matter"
    );
    created
}

#[tokio::test(start_paused = true)]
async fn memory_is_given_back_when_an_entry_is_over_and_after_a_day_at_most() {
    assert_eq!(reclaimed_after(&token(0)), Duration::ZERO);
    assert_eq!(reclaimed_after(&token(3600)), Duration::from_hours(1));
    assert_eq!(reclaimed_after(&token(u64::MAX)), Duration::from_hours(24));
    let failure = Entry::new(Err(ExchangeError::malformed("HTML")));
    assert_eq!(reclaimed_after(&failure), Duration::from_secs(1));
}

#[tokio::test]
async fn an_entry_is_judged_by_the_wall_clock_and_not_by_moka() {
    let (clock, hand) = Clock::manual(UnixTime::from_seconds(NOW));
    let (cache, key) = (Cache::new(10, clock), Key::of_zeros());
    let Entry::Token(good) = token(3600) else {
        unreachable!()
    };
    cache.get_or(key, async { Ok(good.clone()) }).await.unwrap();
    assert!(cache.peek(&key).is_some());
    hand.set(UnixTime::from_seconds(NOW + 3595));
    assert!(cache.peek(&key).is_none());
    cache
        .get_or(key, async { Err(ExchangeError::malformed("asked anew")) })
        .await
        .unwrap_err();
}
