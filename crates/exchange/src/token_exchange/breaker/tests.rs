use std::cell::{Cell, RefCell};
use std::future::{pending, ready};

use identity::{Expiry, UnixTime};
use tokio::time::{advance, timeout};

use super::*;
use crate::Denial;
use crate::testing::grant;

fn endpoint() -> TokenEndpoint {
    grant().endpoint().clone()
}

fn token() -> AccessToken {
    AccessToken::new("opaque", Expiry(UnixTime::from_seconds(1))).unwrap()
}

fn down() -> Setback {
    Setback::passing(ExchangeError::unavailable("no connection"))
}

fn denied() -> Setback {
    let (code, message) = ("invalid_grant".to_owned(), String::new());
    Setback::last(ExchangeError::Denied(Arc::new(Denial {
        status: 400,
        code,
        message,
    })))
}

/// 429, or 503, with `Retry-After`.
fn asking_for(seconds: u64, throttled: bool) -> Setback {
    let retry_after = Duration::from_secs(seconds);
    let outage = Outage {
        throttled,
        what: "busy".to_owned(),
        retry_after,
    };
    Setback {
        error: ExchangeError::Unavailable(Arc::new(outage)),
        pause: Some(retry_after),
    }
}

/// Calls, and whether each reached the endpoint.
struct Caller(Breakers);

impl Caller {
    fn new() -> Self {
        Self(Breakers::default())
    }

    /// Whether a call was made, and how it ended.
    async fn call(&self, outcome: Result<AccessToken, Setback>) -> (bool, Result<AccessToken, Setback>) {
        let made = Cell::new(false);
        let call = async {
            made.set(true);
            outcome
        };
        let outcome = self.0.guard(&endpoint(), call).await;
        (made.get(), outcome)
    }

    /// One that is up to five failures away from being spared.
    async fn failing(times: usize) -> Self {
        let caller = Self::new();
        for _ in 0..times {
            assert!(caller.call(Err(down())).await.0, "it is asked");
        }
        caller
    }

    async fn is_asked(&self) -> bool {
        self.call(Ok(token())).await.0
    }
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_it_and_the_rest_is_told_at_once() {
    let caller = Caller::failing(4).await;
    assert!(!caller.0.health()[0].open);
    let (made, fifth) = caller.call(Err(down())).await;
    assert!(made && fifth.unwrap_err().pause.is_none(), "no retry of its own");

    let (made, refused) = caller.call(Ok(token())).await;
    let refused = refused.unwrap_err();
    assert!(!made && refused.pause.is_none());
    assert_eq!(refused.error.code(), "EXCHANGE_UNAVAILABLE");
    assert_eq!(refused.error.retry_after(), Some(Duration::from_secs(1)));
    let health = EndpointHealth {
        endpoint: "workspace.invalid/oidc/v1/token".to_owned(),
        open: true,
        withheld: 1,
    };
    assert_eq!(caller.0.health(), [health]);
}

#[tokio::test(start_paused = true)]
async fn while_it_is_open_one_call_a_second_finds_out() {
    let caller = Caller::failing(5).await;
    let calls = Cell::new(0);
    for _ in 0..1_000 {
        advance(Duration::from_millis(10)).await;
        if caller.call(Err(down())).await.0 {
            calls.set(calls.get() + 1);
        }
    }
    assert_eq!(calls.get(), 10, "in ten seconds");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_holds_up_no_other() {
    let caller = Caller::failing(5).await;
    let held = RefCell::new(Vec::new());
    for _ in 0..3 {
        advance(Duration::from_secs(1)).await;
        let breakers = caller.0.clone();
        let probe = tokio::spawn(async move { breakers.guard(&endpoint(), pending()).await });
        tokio::task::yield_now().await;
        assert!(!probe.is_finished(), "it was asked, and is silent");
        held.borrow_mut().push(probe);
        assert!(!caller.is_asked().await, "only one a second");
    }
    advance(Duration::from_secs(1)).await;
    assert!(caller.is_asked().await, "the one that answers");
    assert!(caller.is_asked().await, "and it is closed");
}

#[tokio::test(start_paused = true)]
async fn the_first_success_closes_it() {
    for success in [Ok(token()), Err(denied())] {
        let caller = Caller::failing(5).await;
        advance(Duration::from_secs(1)).await;
        assert!(caller.call(success).await.0);
        assert!(!caller.0.health()[0].open);
        for _ in 0..10 {
            assert!(caller.is_asked().await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_failures_in_a_row_count() {
    let caller = Caller::failing(4).await;
    for outcome in [Ok(token()), Err(denied()), Err(asking_for(0, true))] {
        assert!(caller.call(outcome).await.0);
        for _ in 0..4 {
            assert!(caller.call(Err(down())).await.0);
        }
    }
    assert!(!caller.0.health()[0].open);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_sense_neither_opens_nor_closes_it() {
    let nonsense = || Err(Setback::last(ExchangeError::malformed("HTML")));
    let caller = Caller::new();
    for _ in 0..20 {
        assert!(caller.call(nonsense()).await.0);
    }
    let caller = Caller::failing(5).await;
    advance(Duration::from_secs(1)).await;
    assert!(caller.call(nonsense()).await.0);
    assert!(!caller.is_asked().await);
}

#[tokio::test(start_paused = true)]
async fn a_429_keeps_everybody_away_until_its_retry_after_is_over() {
    let caller = Caller::new();
    assert!(caller.call(Err(asking_for(7, true))).await.0);
    assert!(!caller.0.health()[0].open, "it works");
    advance(Duration::from_millis(6_900)).await;
    let error = caller.call(Ok(token())).await.1.unwrap_err().error;
    assert_eq!(error.code(), "EXCHANGE_THROTTLED");
    assert_eq!(error.retry_after(), Some(Duration::from_millis(100)));
    advance(Duration::from_millis(100)).await;
    assert!(caller.is_asked().await);
    assert!(caller.is_asked().await, "at once again: it was no outage");
}

#[tokio::test(start_paused = true)]
async fn a_success_that_was_under_way_does_not_lift_a_429() {
    let (caller, at) = (Caller::new(), endpoint());
    let mut permit = caller.0.permit(&at).unwrap();
    caller.call(Err(asking_for(7, true))).await.1.unwrap_err();
    permit.end(&Ok(token()));
    assert!(!caller.is_asked().await);
}

#[tokio::test(start_paused = true)]
async fn a_429_that_asks_for_nothing_keeps_nobody_away() {
    let caller = Caller::new();
    for _ in 0..20 {
        assert!(caller.call(Err(asking_for(0, true))).await.0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_for_a_stated_time_is_not_probed_before() {
    let caller = Caller::failing(4).await;
    caller.call(Err(asking_for(30, false))).await.1.unwrap_err();
    advance(Duration::from_secs(29)).await;
    assert!(!caller.is_asked().await);
    advance(Duration::from_secs(1)).await;
    assert!(caller.is_asked().await);
}

#[tokio::test(start_paused = true)]
async fn calls_that_run_out_of_time_are_failures() {
    let caller = Caller::new();
    for _ in 0..5 {
        let at = endpoint();
        let call = caller.0.guard(&at, pending());
        timeout(Duration::from_secs(5), call).await.unwrap_err();
    }
    assert!(caller.0.health()[0].open);
}

#[tokio::test(start_paused = true)]
async fn one_endpoint_is_not_anothers() {
    let caller = Caller::failing(5).await;
    assert!(!caller.is_asked().await);
    let other = TokenEndpoint::at("https://other.invalid/oidc/v1/token".parse().unwrap());
    caller.0.guard(&other, ready(Ok(token()))).await.unwrap();
}
