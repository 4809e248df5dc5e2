use tokio::time::advance;

use super::*;
use crate::{Denial, Outage};

const NOW: UnixTime = UnixTime::from_seconds(1_000_000);

const fn at(seconds: u64) -> Expiry {
    Expiry(NOW.plus(Duration::from_secs(seconds)))
}

fn token(name: &str, seconds: u64) -> AccessToken {
    AccessToken::new(name, at(seconds)).unwrap()
}

/// Whoever presents a JWT that ends then.
fn ask(seconds: u64) -> Ask<'static> {
    Ask {
        expiry: at(seconds),
        refused: None,
    }
}

fn refusing(seconds: u64, refused: &AccessToken) -> Ask<'_> {
    Ask {
        expiry: at(seconds),
        refused: Some(refused),
    }
}

fn denied() -> ExchangeError {
    let (code, message) = ("invalid_grant".to_owned(), String::new());
    ExchangeError::Denied(Arc::new(Denial {
        status: 400,
        code,
        message,
    }))
}

fn outage(seconds: u64) -> ExchangeError {
    ExchangeError::Unavailable(Arc::new(Outage {
        throttled: false,
        what: "down".to_owned(),
        retry_after: Duration::from_secs(seconds),
    }))
}

/// A token until 3600, exchanged for a JWT until then.
fn held() -> Slot {
    Slot::after(None, &ask(3600), Ok(token("one", 3600)))
}

fn shown(verdict: Verdict) -> String {
    match verdict {
        Verdict::Serve(token) => format!("serve {}", name(&token)),
        Verdict::Renew(token) => format!("renew {}", name(&token)),
        Verdict::Refuse(error) => error.code().to_owned(),
        Verdict::Exchange => "exchange".to_owned(),
    }
}

fn name(token: &AccessToken) -> String {
    format!(
        "{:?} until {}",
        token.header().to_str().unwrap(),
        token.expiry().0.since(NOW).as_secs()
    )
}

fn judged(slot: &Slot, ask: &Ask<'_>) -> String {
    shown(slot.clone().judge(ask, NOW))
}

#[tokio::test(start_paused = true)]
async fn a_newer_jwt_is_served_and_renewed_an_older_one_is_served_until_its_own_end() {
    assert_eq!(judged(&held(), &ask(3600)), r#"serve "Bearer one" until 3600"#);
    assert_eq!(judged(&held(), &ask(7200)), r#"renew "Bearer one" until 3600"#);
    assert_eq!(judged(&held(), &ask(60)), r#"serve "Bearer one" until 60"#);
}

#[tokio::test(start_paused = true)]
async fn a_token_in_its_last_five_seconds_is_for_nobody() {
    for presented in [3600, 7200] {
        let now = NOW.plus(Duration::from_secs(3595));
        assert_eq!(shown(held().judge(&ask(presented), now)), "exchange");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewed_jwt_that_is_refused_ends_the_overlap_and_leaves_the_old_one_be() {
    let slot = Slot::after(Some(&held()), &ask(7200), Err(denied()));
    assert_eq!(judged(&slot, &ask(7200)), "EXCHANGE_DENIED");
    assert_eq!(judged(&slot, &ask(3600)), r#"serve "Bearer one" until 3600"#);
    assert_eq!(judged(&slot, &ask(9000)), "exchange", "another JWT, which waits");

    advance(Duration::from_secs(2)).await;
    assert_eq!(
        judged(&slot, &ask(7200)),
        "exchange",
        "nor does it come back by itself"
    );
    let slot = Slot::after(Some(&slot), &ask(7200), Err(outage(1)));
    assert_eq!(
        judged(&slot, &ask(7200)),
        "EXCHANGE_UNAVAILABLE",
        "nor by an outage"
    );
    let slot = Slot::after(Some(&slot), &ask(7200), Ok(token("two", 7200)));
    assert_eq!(judged(&slot, &ask(9000)), r#"renew "Bearer two" until 7200"#);
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_the_old_token_serves_on_and_renewal_waits_for_its_end() {
    let slot = Slot::after(Some(&held()), &ask(7200), Err(outage(7)));
    assert_eq!(judged(&slot, &ask(7200)), r#"serve "Bearer one" until 3600"#);
    advance(Duration::from_secs(7)).await;
    assert_eq!(judged(&slot, &ask(7200)), r#"renew "Bearer one" until 3600"#);
}

#[tokio::test(start_paused = true)]
async fn without_a_token_a_refusal_is_for_that_jwt_and_an_outage_for_all() {
    let slot = Slot::after(None, &ask(100), Err(denied()));
    assert_eq!(judged(&slot, &ask(100)), "EXCHANGE_DENIED");
    assert_eq!(judged(&slot, &ask(200)), "exchange");
    let slot = Slot::after(None, &ask(100), Err(outage(1)));
    assert_eq!(judged(&slot, &ask(200)), "EXCHANGE_UNAVAILABLE");
}

#[tokio::test(start_paused = true)]
async fn the_very_token_that_was_refused_is_renewed_and_no_newer_one() {
    let (refused, other) = (token("one", 3600), token("two", 3600));
    assert_eq!(judged(&held(), &refusing(3600, &refused)), "exchange");
    assert_eq!(
        judged(&held(), &refusing(3600, &other)),
        r#"serve "Bearer one" until 3600"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_once_in_thirty_seconds() {
    let refused = token("one", 3600);
    let slot = Slot::after(Some(&held()), &refusing(3600, &refused), Ok(token("two", 3600)));
    let again = token("two", 3600);
    assert_eq!(
        judged(&slot, &refusing(3600, &again)),
        r#"serve "Bearer two" until 3600"#
    );
    advance(Duration::from_secs(29)).await;
    assert_eq!(
        judged(&slot, &refusing(3600, &again)),
        r#"serve "Bearer two" until 3600"#
    );
    advance(Duration::from_secs(1)).await;
    assert_eq!(judged(&slot, &refusing(3600, &again)), "exchange");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_counts_too_and_only_a_refusal_takes_the_token_away() {
    let refused = token("one", 3600);
    let slot = Slot::after(Some(&held()), &refusing(3600, &refused), Err(outage(1)));
    assert_eq!(judged(&slot, &ask(3600)), r#"serve "Bearer one" until 3600"#);
    assert_eq!(
        judged(&slot, &refusing(3600, &refused)),
        r#"serve "Bearer one" until 3600"#
    );

    let slot = Slot::after(Some(&held()), &refusing(3600, &refused), Err(denied()));
    assert_eq!(judged(&slot, &ask(3600)), "EXCHANGE_DENIED");
    let slot = Slot::after(Some(&slot), &ask(3600), Ok(token("two", 3600)));
    let again = token("two", 3600);
    assert_eq!(
        judged(&slot, &refusing(3600, &again)),
        r#"serve "Bearer two" until 3600"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_slot_is_kept_as_long_as_any_of_it_may_be_of_use() {
    assert_eq!(held().life(NOW).as_secs(), 3600);
    let failed = Slot::after(None, &ask(100), Err(outage(7)));
    assert_eq!(failed.life(NOW).as_secs(), 7);
    let both = Slot::after(Some(&held()), &ask(7200), Err(outage(7)));
    assert_eq!(both.life(NOW).as_secs(), 3600);
}

/// One for every token that is held: what is rare in it stands apart.
#[test]
fn a_slot_is_no_larger_than_a_token() {
    assert_eq!(size_of::<Slot>(), size_of::<AccessToken>());
    assert_eq!(
        size_of::<Slot>(),
        size_of::<HeaderValue>() + 2 * size_of::<Expiry>()
    );
}

#[tokio::test(start_paused = true)]
async fn debug_of_a_slot_shows_no_token_whatever_went_wrong() {
    let good = Slot::after(None, &ask(3600), Ok(token("s3cret", 3600)));
    let troubled = Slot::after(Some(&good), &ask(7200), Err(outage(7)));
    for slot in [good, troubled] {
        let shown = format!("{slot:?}");
        assert!(
            shown.contains("[redacted]") && !shown.contains("s3cret"),
            "{shown}"
        );
    }
}
