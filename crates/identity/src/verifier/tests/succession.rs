//! One verifier follows another, as when the configuration has changed.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;
use url::Url;

use super::{refused, verify};
use crate::testing::{EC, NOW, Server, claims, http, issuer};
use crate::{Audience, Clock, Identity, Issuer, KeySource, UnixTime, Verifier};

fn start(issuers: Vec<Issuer>, previous: Option<&Verifier>) -> (Verifier, JoinHandle<()>) {
    let (clock, _hand) = Clock::manual(UnixTime::from_seconds(NOW));
    let builder = Verifier::builder(issuers, http())
        .clock(clock)
        .refetch_interval(Duration::from_hours(1));
    let builder = match previous {
        Some(previous) => builder.succeeding(previous),
        None => builder,
    };
    let (verifier, refresh) = builder.build();
    (verifier, tokio::spawn(refresh.run()))
}

fn discovered(idp: &Server) -> Issuer {
    issuer(&idp.url, KeySource::Discovery)
}

fn token(idp: &Server) -> String {
    EC.sign(&claims(json!({"iss": idp.url})))
}

/// An identity provider that was asked for its keys once, and does not answer any more; and a token of it that is remembered.
async fn silenced() -> (Server, Verifier, Identity) {
    let idp = Server::idp(&[&EC]).await;
    let (verifier, _refresh) = start(vec![discovered(&idp)], None);
    let identity = verify(&verifier, &token(&idp)).await.unwrap();
    idp.answer("/jwks", "500 Internal Server Error", &[], "");
    (idp, verifier, identity)
}

fn is_remembered(again: &Identity, before: &Identity) -> bool {
    std::ptr::eq(again.subject().as_str(), before.subject().as_str())
}

#[tokio::test]
async fn keys_are_taken_over_from_who_had_them() {
    let (idp, before, _) = silenced().await;
    let mut changed = discovered(&idp);
    changed.audiences.push(Audience("another".to_owned()));
    let (verifier, _refresh) = start(vec![changed], Some(&before));
    verifier.ready().await;
    assert_eq!(refused(&verifier, &token(&idp)).await, "accepted");
    assert_eq!(verifier.health()[0].keys, 1);
}

#[tokio::test]
async fn keys_from_another_place_are_not() {
    let (idp, before, _) = silenced().await;
    let url = Url::parse(&format!("{}/jwks", idp.url)).unwrap();
    let (verifier, _refresh) = start(vec![issuer(&idp.url, KeySource::Url(url))], Some(&before));
    assert_eq!(refused(&verifier, &token(&idp)).await, "JWT_KEYS_UNAVAILABLE");
}

#[tokio::test]
async fn what_was_verified_is_remembered_where_the_issuers_are_the_same() {
    let (idp, before, identity) = silenced().await;
    let (verifier, _refresh) = start(vec![discovered(&idp)], Some(&before));
    let again = verifier.verify(identity.token().clone()).await.unwrap();
    assert!(is_remembered(&again, &identity));
}

#[tokio::test]
async fn and_is_verified_anew_where_they_are_not() {
    let (idp, before, identity) = silenced().await;
    let mut narrowed = discovered(&idp);
    narrowed.identity_claims = Some(vec!["email".to_owned()]);
    let (verifier, _refresh) = start(vec![narrowed], Some(&before));
    let again = verifier.verify(identity.token().clone()).await.unwrap();
    assert!(!is_remembered(&again, &identity));
    assert_ne!(again.digest(), identity.digest());

    let mut strict = discovered(&idp);
    strict.audiences = vec![Audience("another".to_owned())];
    let (verifier, _refresh) = start(vec![strict], Some(&verifier));
    let refusal = verifier.verify(identity.token().clone()).await.unwrap_err();
    assert_eq!(refusal.code(), "JWT_WRONG_AUDIENCE");
}

#[tokio::test]
async fn the_one_before_stops_to_fetch_when_nobody_uses_it_any_more() {
    let idp = Server::idp(&[&EC]).await;
    let (before, refresh) = start(vec![discovered(&idp)], None);
    before.ready().await;
    let (verifier, successor) = start(vec![discovered(&idp)], Some(&before));
    drop(before);
    tokio::time::timeout(Duration::from_secs(20), refresh)
        .await
        .expect("it ends")
        .unwrap();
    assert_eq!(refused(&verifier, &token(&idp)).await, "accepted");
    assert!(!successor.is_finished());
}
