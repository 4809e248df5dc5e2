//! A token that was verified before.

use std::time::Duration;

use serde_json::json;

use super::{good_token, refused, token, verify};
use crate::testing::{ISSUER, NOW, RSA, RSA_2, claims, issuer, jwks, verifier, verifier_of, verifier_with};
use crate::{FixedKeys, Identity, KeySource, UnixTime, Verifier};

/// Whether both come from one verification: then they share one allocation.
fn same_verification(a: &Identity, b: &Identity) -> bool {
    std::ptr::eq(a.subject().as_str(), b.subject().as_str())
}

async fn verified(verifier: &Verifier, token: &str) -> Identity {
    verify(verifier, token).await.unwrap()
}

#[tokio::test]
async fn the_same_bytes_are_verified_once() {
    let (verifier, _) = verifier();
    let token = good_token();
    let (first, second) = (
        verified(&verifier, &token).await,
        verified(&verifier, &token).await,
    );
    assert!(same_verification(&first, &second));
    assert_eq!(second.token().expose(), token.as_bytes());
    let other = super::token(json!({"jti": "2"}));
    assert!(!same_verification(&first, &verified(&verifier, &other).await));
}

#[tokio::test]
async fn remembering_can_be_switched_off() {
    let (verifier, _) = verifier_with(|builder| builder.remembered_tokens(0));
    let token = good_token();
    let (first, second) = (
        verified(&verifier, &token).await,
        verified(&verifier, &token).await,
    );
    assert!(!same_verification(&first, &second));
}

/// The attack on every cache that is keyed by claims: the victim's claims under another signature.
#[tokio::test]
async fn a_forged_token_is_never_found_in_memory() {
    let (verifier, _) = verifier();
    let good = good_token();
    verified(&verifier, &good).await;
    let forged = RSA_2.sign_text(&RSA.header().to_string(), &claims(json!({})).to_string());
    assert_eq!(
        good.rsplit_once('.').unwrap().0,
        forged.rsplit_once('.').unwrap().0
    );
    assert_eq!(refused(&verifier, &forged).await, "JWT_BAD_SIGNATURE");
    let unsigned = format!("{}.", good.rsplit_once('.').unwrap().0);
    assert_eq!(refused(&verifier, &unsigned).await, "JWT_BAD_SIGNATURE");
    assert_eq!(refused(&verifier, &format!("{good}=")).await, "JWT_MALFORMED");
}

#[tokio::test]
async fn a_refusal_is_never_remembered() {
    let (verifier, hand) = verifier();
    let early = token(json!({"nbf": NOW + 100}));
    assert_eq!(refused(&verifier, &early).await, "JWT_NOT_YET_VALID");
    assert_eq!(refused(&verifier, &early).await, "JWT_NOT_YET_VALID");
    hand.advance(Duration::from_secs(40));
    assert_eq!(refused(&verifier, &early).await, "accepted");
}

#[tokio::test]
async fn a_remembered_token_dies_when_its_time_is_up() {
    let (verifier, hand) = verifier();
    let token = token(json!({"exp": NOW + 100}));
    let first = verified(&verifier, &token).await;
    hand.set(UnixTime::from_seconds(NOW + 94));
    assert!(same_verification(&first, &verified(&verifier, &token).await));
    hand.set(UnixTime::from_seconds(NOW + 95));
    assert_eq!(refused(&verifier, &token).await, "JWT_EXPIRES_TOO_SOON");
    hand.set(UnixTime::from_seconds(NOW + 100));
    assert_eq!(refused(&verifier, &token).await, "JWT_EXPIRED");
}

#[tokio::test]
async fn a_remembered_token_is_not_valid_before_its_time_when_the_clock_goes_back() {
    let (verifier, hand) = verifier();
    for (nbf, iat) in [(NOW, 0), (0, NOW)] {
        hand.set(UnixTime::from_seconds(NOW));
        let token = token(json!({"nbf": nbf, "iat": iat}));
        verified(&verifier, &token).await;
        hand.set(UnixTime::from_seconds(NOW - 60));
        assert_eq!(refused(&verifier, &token).await, "accepted");
        hand.set(UnixTime::from_seconds(NOW - 61));
        assert_eq!(refused(&verifier, &token).await, "JWT_NOT_YET_VALID");
    }
}

#[tokio::test]
async fn a_withdrawn_key_stops_what_it_had_admitted() {
    let keys = FixedKeys::parse(jwks(&[&RSA]).as_bytes()).unwrap();
    let (verifier, _) = verifier_of(issuer(ISSUER, KeySource::Fixed(keys.clone())));
    let token = good_token();
    let first = verified(&verifier, &token).await;
    assert!(same_verification(&first, &verified(&verifier, &token).await));
    keys.0.withdraw_all_but(None);
    assert!(!same_verification(&first, &verified(&verifier, &token).await));
}

#[tokio::test]
async fn the_memory_of_what_is_over_is_given_back_when_other_tokens_come() {
    let (verifier, hand) = verifier();
    for number in 0..5 {
        verified(&verifier, &token(json!({"exp": NOW + 100, "jti": number}))).await;
    }
    verified(&verifier, &good_token()).await;
    hand.set(UnixTime::from_seconds(NOW + 95));
    verified(&verifier, &token(json!({"jti": "another"}))).await;
    while verifier.0.memory.len() != 2 {
        // The sweep is another thread's.
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn no_more_tokens_are_remembered_than_is_allowed() {
    let (verifier, _) = verifier_with(|builder| builder.remembered_tokens(10));
    for number in 0..50 {
        verified(&verifier, &token(json!({"jti": number}))).await;
    }
    assert_eq!(verifier.0.memory.len(), 10);
}
