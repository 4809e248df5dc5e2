use std::time::Duration;

use identity::{Clock, Expiry, ManualClock, UnixTime};
use proptest::prelude::*;
use tokio::time::advance;

use super::*;
use crate::{AccessToken, ExchangeError};

const NOW: u64 = 1_000_000;

/// Two workers before one cache, under clocks that move only by hand.
struct Workers {
    cache: Cache,
    near: [Near; 2],
    hand: ManualClock,
}

impl Workers {
    fn with_room_for(capacity: u64) -> Self {
        let (clock, hand) = Clock::manual(UnixTime::from_seconds(NOW));
        let cache = Cache::new(capacity, clock);
        let near = [Near::new(cache.clone()), Near::new(cache.clone())];
        Self { cache, near, hand }
    }

    /// What comes of an exchange for a JWT that ends then.
    fn exchanged(&self, parts: &KeyParts, end: u64, outcome: Result<AccessToken, ExchangeError>) {
        let key = Key::of(parts);
        let before = self.cache.find(&key).slot;
        self.cache
            .keep(key, Slot::after(before.as_ref(), &ask(end), outcome));
    }

    fn peek(&self, worker: usize, parts: &KeyParts, ask: &Ask<'_>) -> Verdict {
        self.near[worker].peek(parts, ask, self.cache.now())
    }

    fn text(&self, worker: usize, parts: &KeyParts) -> Option<String> {
        shown(self.peek(worker, parts, &ask(NOW + 3600))).text
    }
}

/// A verdict, to be compared.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    kind: &'static str,
    text: Option<String>,
    end: Option<u64>,
}

fn shown(verdict: Verdict) -> Shown {
    let (kind, token) = match verdict {
        Verdict::Serve(token) => ("serve", Some(token)),
        Verdict::Renew(token) => ("renew", Some(token)),
        Verdict::Refuse(error) => (error.code(), None),
        Verdict::Exchange => ("exchange", None),
    };
    Shown {
        kind,
        text: token
            .as_ref()
            .map(|token| token.header().to_str().unwrap().to_owned()),
        end: token.map(|token| token.expiry().0.seconds()),
    }
}

/// Of subjects whose place is the same.
fn parts(subject: u8) -> KeyParts {
    KeyParts::of_bytes(subject, subject)
}

fn ask(end: u64) -> Ask<'static> {
    Ask {
        expiry: Expiry(UnixTime::from_seconds(end)),
        refused: None,
    }
}

fn token(text: &str, end: u64) -> AccessToken {
    AccessToken::new(text, Expiry(UnixTime::from_seconds(end))).unwrap()
}

#[tokio::test]
async fn who_comes_again_is_served_from_memory_that_no_other_worker_counts_in() {
    let workers = Workers::with_room_for(10);
    workers.exchanged(&parts(1), NOW + 3600, Ok(token("alice", NOW + 3600)));
    let held = workers.cache.find(&Key::of(&parts(1))).slot.unwrap();
    let place = |worker: usize| {
        let Verdict::Serve(token) = workers.peek(worker, &parts(1), &ask(NOW + 3600)) else {
            panic!("a good token is served");
        };
        token.header().as_bytes().as_ptr()
    };
    let Verdict::Serve(shared) = held.judge(&ask(NOW + 3600), UnixTime::from_seconds(NOW)) else {
        panic!("and held");
    };
    let shared = shared.header().as_bytes().as_ptr();
    for worker in [0, 1] {
        assert_eq!(
            [place(worker), place(worker)],
            [shared; 2],
            "it is copied at the second time"
        );
    }
    let copies = [place(0), place(1)];
    assert!(copies[0] != copies[1] && !copies.contains(&shared));
    assert_eq!(copies, [place(0), place(1)], "once");
}

#[tokio::test]
async fn what_one_worker_has_copied_ends_with_the_exchange_that_another_asked_for() {
    let workers = Workers::with_room_for(10);
    for text in ["first", "second", "third"] {
        workers.exchanged(&parts(1), NOW + 3600, Ok(token(text, NOW + 3600)));
        for _ in 0..5 {
            for worker in [0, 1] {
                assert_eq!(workers.text(worker, &parts(1)), Some(format!("Bearer {text}")));
            }
        }
    }
}

#[tokio::test]
async fn a_copy_is_no_longer_served_once_its_token_is_nearly_over() {
    let workers = Workers::with_room_for(10);
    workers.exchanged(&parts(1), NOW + 3600, Ok(token("alice", NOW + 600)));
    for seconds in [0, 0, 594, 595, 600] {
        workers.hand.set(UnixTime::from_seconds(NOW + seconds));
        assert_eq!(workers.text(0, &parts(1)).is_some(), seconds < 595, "{seconds}");
    }
}

/// They are asked for twice each, so that the cache would rather keep them than what nobody asks it for.
#[tokio::test]
async fn tokens_that_were_in_use_do_not_displace_one_that_is_copied() {
    let workers = Workers::with_room_for(10_000);
    let steady = KeyParts::of_bytes(255, 255);
    workers.exchanged(&steady, NOW + 3600, Ok(token("steady", NOW + 3600)));
    for number in 0..30_000_u16 {
        let [a, b] = number.to_be_bytes();
        let other = KeyParts::of_bytes(a, b);
        workers.exchanged(&other, NOW + 3600, Ok(token("other", NOW + 3600)));
        for (worker, parts) in [(0, &other), (0, &other), (1, &steady), (1, &steady), (1, &steady)] {
            workers.text(worker, parts);
        }
    }
    assert!(workers.cache.find(&Key::of(&steady)).slot.is_some());
}

/// One thing that may happen.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A worker is asked by a caller, with the JWT of a generation, and maybe after the workspace has refused the last token.
    Ask {
        worker: usize,
        caller: u8,
        generation: u64,
        refused: bool,
    },
    /// An exchange for that caller ends with a token, a refusal or an outage.
    Exchanged {
        caller: u8,
        generation: u64,
        outcome: u8,
    },
    /// The clocks go on.
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..2_usize, 0..3_u8, 0..3_u64, prop::bool::weighted(0.2)).prop_map(
            |(worker, caller, generation, refused)| Step::Ask { worker, caller, generation, refused }
        ),
        3 => (0..3_u8, 0..3_u64, 0..5_u8).prop_map(
            |(caller, generation, outcome)| Step::Exchanged { caller, generation, outcome }
        ),
        1 => (0..400_u64).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..150)
}

async fn a_worker_finds_what_is_in_the_cache(steps: Vec<Step>) {
    let workers = Workers::with_room_for(100);
    let mut last: [Option<AccessToken>; 3] = [None, None, None];
    let end = |generation: u64| NOW + 600 + 600 * generation;
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Ask {
                worker,
                caller,
                generation,
                refused,
            } => {
                let refused = last[usize::from(caller)].as_ref().filter(|_| refused);
                let ask = Ask {
                    refused,
                    ..ask(end(generation))
                };
                let now = workers.cache.now();
                let found = workers.cache.find(&Key::of(&parts(caller))).slot;
                let held = found.map_or(Verdict::Exchange, |slot| slot.judge(&ask, now));
                let verdict = workers.peek(worker, &parts(caller), &ask);
                let served = match &verdict {
                    Verdict::Serve(token) | Verdict::Renew(token) => Some(token.clone()),
                    _ => None,
                };
                assert_eq!(shown(verdict), shown(held));
                last[usize::from(caller)] = served.or(last[usize::from(caller)].take());
            }
            Step::Exchanged {
                caller,
                generation,
                outcome,
            } => {
                let outcome = match outcome {
                    0 => Err(ExchangeError::nearly_expired()),
                    1 => Err(ExchangeError::unavailable("down")),
                    _ => Ok(token(&format!("{caller}-{number}"), end(generation))),
                };
                workers.exchanged(&parts(caller), end(generation), outcome);
            }
            Step::Wait(seconds) => {
                workers.hand.advance(Duration::from_secs(seconds));
                advance(Duration::from_secs(seconds)).await;
            }
        }
    }
}

/// With every caller at one place, so that each takes it from another.
#[test]
fn whatever_happens_a_worker_finds_what_is_in_the_cache() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    proptest!(ProptestConfig::with_cases(256), |(steps in steps())| {
        runtime.block_on(a_worker_finds_what_is_in_the_cache(steps));
    });
}

#[test]
fn who_looks_at_it_sees_no_token() {
    let workers = Workers::with_room_for(10);
    workers.exchanged(&parts(1), NOW + 3600, Ok(token("secret", NOW + 3600)));
    for _ in 0..3 {
        assert!(workers.text(0, &parts(1)).is_some());
    }
    assert!(!format!("{:?}", workers.near[0]).contains("secret"));
}
