use std::pin::pin;
use std::task::{Context, Waker};

use identity::{Expiry, UnixTime};
use tokio::time::advance;

use super::*;
use crate::slot::Verdict;

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

fn peek(cache: &Cache, key: &Key) -> Verdict {
    let found = cache.find(key).slot;
    found.map_or(Verdict::Exchange, |slot| slot.judge(&ASK, cache.now()))
}

/// The memory of an entry that holds this is given back after so many seconds, whatever the wall clock says.
async fn reclaimed_after(outcome: Result<AccessToken, ExchangeError>) -> u32 {
    let (clock, _) = Clock::manual(UnixTime::from_seconds(NOW));
    let cache = Cache::new(10, clock);
    // One that takes another's place has its own time.
    cache.0.keep(Key::of_zeros(), slot(Ok(token(1))));
    advance(Duration::from_secs(1)).await;
    cache.0.keep(Key::of_zeros(), slot(outcome));
    let is_gone = |until: &u32| {
        cache.0.sweep(*until);
        cache.len() == 0
    };
    (0..=48 * 3600).find(is_gone).unwrap() - 1
}

#[tokio::test(start_paused = true)]
async fn memory_is_given_back_when_an_entry_is_over_and_after_a_day_at_most() {
    assert_eq!(reclaimed_after(Ok(token(0))).await, 0);
    assert_eq!(reclaimed_after(Ok(token(3600))).await, 3600);
    assert_eq!(reclaimed_after(Ok(token(u64::MAX))).await, 24 * 3600);
    let failure = ExchangeError::malformed("HTML");
    assert_eq!(reclaimed_after(Err(failure)).await, 1);
}

/// One for every token that is held. The table adds what it has to note of it: 3 bytes that find room here, and two links of 4.
#[test]
fn a_place_in_the_cache_is_eleven_words() {
    let place = size_of::<Label>() + size_of::<Slot>() + 3;
    assert_eq!(place.div_ceil(size_of::<u64>()), 11);
}

/// However late it ends, it is found by its key, and by the whole of that.
#[test]
fn a_label_is_its_key_and_nothing_else() {
    let labelled = |number, end| Label {
        key: key(number),
        end,
    };
    let hash = |of: &dyn Fn(&mut KeyHasher)| {
        let mut hasher = KeyHasher::default();
        of(&mut hasher);
        hasher.finish()
    };
    assert!(labelled(1, 10) == labelled(1, 20) && labelled(1, 10) != labelled(2, 10));
    let (label, alone) = (labelled(1, 10), key(1));
    assert_eq!(hash(&|to| label.hash(to)), hash(&|to| alone.hash(to)));
    let found: &Key = label.borrow();
    assert_eq!(found, &alone);
}

/// A key of somebody's.
fn key(number: u64) -> Key {
    Key::of_number(number)
}

#[tokio::test(start_paused = true)]
async fn whoever_brings_a_token_sweeps_out_what_is_over_once_a_minute() {
    let (clock, _) = Clock::manual(UnixTime::from_seconds(NOW));
    let cache = Cache::new(100, clock);
    for (after, number, held) in [(0, 1, 1), (59, 2, 2), (1, 3, 2), (1, 4, 3), (59, 5, 1)] {
        advance(Duration::from_secs(after)).await;
        cache.0.keep(key(number), slot(Ok(token(30))));
        until(|| cache.len() == held).await;
    }
}

/// The sweep is another thread's.
async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn tokens_that_are_used_once_do_not_displace_those_in_steady_use() {
    let (clock, _) = Clock::manual(UnixTime::from_seconds(NOW));
    let cache = Cache::new(100, clock);
    let steady = 0..50;
    for number in steady.clone() {
        cache.0.keep(key(number), slot(Ok(token(3600))));
    }
    for number in 50..5_000 {
        peek(&cache, &key(number % 50));
        cache.0.keep(key(number), slot(Ok(token(3600))));
    }
    let is_held = |number| matches!(peek(&cache, &key(number)), Verdict::Serve(_));
    assert_eq!(steady.filter(|&number| is_held(number)).count(), 50);
}

#[tokio::test]
async fn an_entry_is_judged_by_the_wall_clock_and_not_by_sweeps() {
    let (clock, hand) = Clock::manual(UnixTime::from_seconds(NOW));
    let (cache, key) = (Cache::new(10, clock), Key::of_zeros());
    let given = cache.get_or(key, &ASK, || async { Ok(token(3600)) }).await;
    given.unwrap();
    assert!(matches!(peek(&cache, &key), Verdict::Serve(_)));
    hand.set(UnixTime::from_seconds(NOW + 3595));
    assert!(matches!(peek(&cache, &key), Verdict::Exchange));
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

#[tokio::test(start_paused = true)]
async fn when_the_leader_gives_up_one_of_those_who_wait_begins_anew() {
    let (clock, _) = Clock::manual(UnixTime::from_seconds(NOW));
    let (cache, key) = (Cache::new(10, clock), Key::of_zeros());
    let calls = std::cell::Cell::new(0);
    let exchange = || {
        calls.set(calls.get() + 1);
        async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(token(3600))
        }
    };
    let mut first = Box::pin(cache.get_or(key, &ASK, exchange));
    let (mut second, mut third) = (
        Box::pin(cache.get_or(key, &ASK, exchange)),
        Box::pin(cache.get_or(key, &ASK, exchange)),
    );
    let mut waker = Context::from_waker(Waker::noop());
    for waiting in [&mut first, &mut second, &mut third] {
        assert!(waiting.as_mut().poll(&mut waker).is_pending());
    }
    assert_eq!(calls.get(), 1);
    drop(first);
    let (second, third) = tokio::join!(second, third);
    assert!(second.is_ok() && third.is_ok());
    assert_eq!(calls.get(), 2);
}
