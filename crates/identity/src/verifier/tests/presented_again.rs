//! A token that one connection presents again and again: from the second time on, what came of it is kept there.

use serde_json::json;

use super::{good_token, token};
use crate::testing::{ISSUER, NOW, RSA, RSA_2, bearer, claims, issuer, jwks, verifier, verifier_of};
use crate::{Audience, FixedKeys, Identity, KeySource, LastToken, Rejection, UnixTime, Verifier};

/// One that has presented the token so often that nothing of it is looked up any more.
async fn connection(verifier: &Verifier, token: &str) -> LastToken {
    let last = LastToken::default();
    for _ in 0..3 {
        present(&last, verifier, token).await.unwrap();
    }
    last
}

async fn present(last: &LastToken, verifier: &Verifier, token: &str) -> Result<Identity, Rejection> {
    verifier.verify_next(bearer(token), last).await
}

async fn refused(last: &LastToken, verifier: &Verifier, token: &str) -> &'static str {
    let outcome = present(last, verifier, token).await;
    outcome.err().map_or("accepted", |rejection| rejection.code())
}

fn keys() -> FixedKeys {
    FixedKeys::parse(jwks(&[&RSA]).as_bytes()).unwrap()
}

/// Where what was verified stands in memory.
fn place(identity: &Identity) -> usize {
    identity.subject().as_str().as_ptr().addr()
}

#[tokio::test]
async fn each_thread_has_a_copy_for_all_its_connections() {
    let (verifier, _) = verifier();
    let token = good_token();
    let remembered = place(&verifier.verify(bearer(&token)).await.unwrap());
    let (one, other) = (
        connection(&verifier, &token).await,
        connection(&verifier, &token).await,
    );
    let here = place(&present(&one, &verifier, &token).await.unwrap());
    assert_eq!(place(&present(&other, &verifier, &token).await.unwrap()), here);

    let elsewhere = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let last = connection(&verifier, &token).await;
            let identity = present(&last, &verifier, &token).await.unwrap();
            assert_eq!(identity.token().expose(), token.as_bytes());
            place(&identity)
        })
    });
    let there = elsewhere.join().unwrap();
    assert!(here != remembered && there != remembered && here != there);
}

#[tokio::test]
async fn it_dies_when_its_time_is_up_and_is_not_valid_before_it() {
    let (verifier, hand) = verifier();
    let token = token(json!({"exp": NOW + 100, "nbf": NOW}));
    let last = connection(&verifier, &token).await;
    for (seconds, outcome) in [
        (NOW + 94, "accepted"),
        (NOW + 95, "JWT_EXPIRES_TOO_SOON"),
        (NOW + 100, "JWT_EXPIRED"),
        (NOW - 60, "accepted"),
        (NOW - 61, "JWT_NOT_YET_VALID"),
    ] {
        hand.set(UnixTime::from_seconds(seconds));
        assert_eq!(refused(&last, &verifier, &token).await, outcome);
    }
}

#[tokio::test]
async fn a_withdrawn_key_stops_it() {
    let keys = keys();
    let (verifier, _) = verifier_of(issuer(ISSUER, KeySource::Fixed(keys.clone())));
    let token = good_token();
    let last = connection(&verifier, &token).await;
    let before = present(&last, &verifier, &token).await.unwrap();
    keys.0.withdraw_all_but(None);
    for _ in 0..4 {
        let again = present(&last, &verifier, &token).await.unwrap();
        assert_ne!(place(&again), place(&before), "it is verified anew");
    }
}

#[tokio::test]
async fn what_was_admitted_under_other_terms_is_not_admitted() {
    let (before, _) = verifier_of(issuer(ISSUER, KeySource::Fixed(keys())));
    let token = good_token();
    let last = connection(&before, &token).await;
    let digest = present(&last, &before, &token).await.unwrap().digest();

    let mut narrowed = issuer(ISSUER, KeySource::Fixed(keys()));
    narrowed.identity_claims = Some(vec!["email".to_owned()]);
    let (narrowed, _) = verifier_of(narrowed);
    for _ in 0..4 {
        let again = present(&last, &narrowed, &token).await.unwrap();
        assert_ne!(again.digest(), digest);
    }

    let mut strict = issuer(ISSUER, KeySource::Fixed(keys()));
    strict.audiences = vec![Audience("another".to_owned())];
    let (strict, _) = verifier_of(strict);
    assert_eq!(refused(&last, &strict, &token).await, "JWT_WRONG_AUDIENCE");
    assert_eq!(refused(&last, &before, &token).await, "accepted");
}

#[tokio::test]
async fn who_verifies_after_another_has_a_copy_as_well() {
    let keys = keys();
    let verifier = || verifier_of(issuer(ISSUER, KeySource::Fixed(keys.clone()))).0;
    let (before, after, token) = (verifier(), verifier(), good_token());
    let last = connection(&before, &token).await;
    for _ in 0..2 {
        present(&last, &after, &token).await.unwrap();
    }
    let copied = place(&present(&last, &after, &token).await.unwrap());
    assert_ne!(copied, place(&after.verify(bearer(&token)).await.unwrap()));
}

#[tokio::test]
async fn a_forged_token_after_it_is_judged_by_its_signature() {
    let (verifier, _) = verifier();
    let good = good_token();
    let last = connection(&verifier, &good).await;
    let forged = RSA_2.sign_text(&RSA.header().to_string(), &claims(json!({})).to_string());
    assert_eq!(forged.len(), good.len());
    for _ in 0..3 {
        assert_eq!(refused(&last, &verifier, &forged).await, "JWT_BAD_SIGNATURE");
        assert_eq!(refused(&last, &verifier, &good).await, "accepted");
    }
}
