//! Keys over real sockets.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;
use url::Url;

use super::{refused, verify};
use crate::testing::{EC, EC_2, NOW, RSA, Server, Signer, claims, http, issuer, jwks};
use crate::{Clock, Issuer, KeySource, UnixTime, Verifier};

fn start(issuers: Vec<Issuer>, refetch_interval: Duration) -> (Verifier, JoinHandle<()>) {
    let (clock, _hand) = Clock::manual(UnixTime::from_seconds(NOW));
    let builder = Verifier::builder(issuers, http())
        .clock(clock)
        .refetch_interval(refetch_interval);
    let (verifier, refresh) = builder.build();
    (verifier, tokio::spawn(refresh.run()))
}

fn discovering(idp: &Server) -> (Verifier, JoinHandle<()>) {
    start(vec![issuer(&idp.url, KeySource::Discovery)], Duration::ZERO)
}

fn token(signer: &Signer, idp: &Server) -> String {
    signer.sign(&claims(json!({"iss": idp.url})))
}

#[tokio::test]
async fn keys_come_from_discovery() {
    let idp = Server::idp(&[&RSA, &EC]).await;
    let (verifier, _refresh) = discovering(&idp);
    assert_eq!(refused(&verifier, &token(&RSA, &idp)).await, "accepted");
    assert_eq!(refused(&verifier, &token(&EC, &idp)).await, "accepted");
    assert_eq!(idp.jwks_requests(), 1);
}

#[tokio::test]
async fn keys_come_from_a_jwks_url() {
    let idp = Server::idp(&[&EC]).await;
    let url = Url::parse(&format!("{}/jwks", idp.url)).unwrap();
    let (verifier, _refresh) = start(vec![issuer("my-idp", KeySource::Url(url))], Duration::ZERO);
    assert_eq!(
        refused(&verifier, &EC.sign(&claims(json!({"iss": "my-idp"})))).await,
        "accepted"
    );
}

#[tokio::test]
async fn a_new_key_is_fetched_by_the_first_token_that_names_it() {
    let idp = Server::idp(&[&EC]).await;
    let (verifier, _refresh) = discovering(&idp);
    verifier.ready().await;
    idp.serve("/jwks", &jwks(&[&EC, &EC_2]));
    assert_eq!(refused(&verifier, &token(&EC_2, &idp)).await, "accepted");
    assert_eq!(idp.jwks_requests(), 2);
}

#[tokio::test]
async fn a_key_that_is_gone_after_a_refetch_stops_what_it_had_admitted() {
    let idp = Server::idp(&[&EC]).await;
    let (verifier, _refresh) = discovering(&idp);
    let old = token(&EC, &idp);
    assert_eq!(refused(&verifier, &old).await, "accepted");
    idp.serve("/jwks", &jwks(&[&EC_2]));
    assert_eq!(refused(&verifier, &token(&EC_2, &idp)).await, "accepted");
    assert_eq!(refused(&verifier, &old).await, "JWT_UNKNOWN_KEY");
}

#[tokio::test]
async fn a_flood_of_unknown_kids_costs_one_fetch() {
    let idp = Server::idp(&[&EC]).await;
    let (verifier, _refresh) = start(
        vec![issuer(&idp.url, KeySource::Discovery)],
        Duration::from_hours(1),
    );
    verifier.ready().await;
    for n in 0..200 {
        let header = json!({"alg": "ES256", "kid": format!("random-{n}")}).to_string();
        let forged = EC.sign_text(&header, &claims(json!({"iss": idp.url})).to_string());
        assert_eq!(refused(&verifier, &forged).await, "JWT_UNKNOWN_KEY");
    }
    assert_eq!(idp.jwks_requests(), 2);
    assert_eq!(refused(&verifier, &token(&EC, &idp)).await, "accepted");
}

#[tokio::test]
async fn an_unreachable_provider_is_not_the_callers_fault() {
    let idp = Server::idp(&[&EC]).await;
    idp.answer("/jwks", "503 Service Unavailable", &[], "");
    let (verifier, _refresh) = discovering(&idp);
    let refusal = verify(&verifier, &token(&EC, &idp)).await.unwrap_err();
    assert!(refusal.is_temporary(), "{refusal}");
    assert_eq!(refusal.code(), "JWT_KEYS_UNAVAILABLE");
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_yields_no_keys() {
    let idp = Server::idp(&[&EC]).await;
    let (verifier, _refresh) = start(
        vec![issuer(&format!("{}/", idp.url), KeySource::Discovery)],
        Duration::ZERO,
    );
    let token = EC.sign(&claims(json!({"iss": format!("{}/", idp.url)})));
    assert_eq!(refused(&verifier, &token).await, "JWT_KEYS_UNAVAILABLE");
    assert!(
        verifier.health()[0]
            .last_error
            .as_ref()
            .unwrap()
            .contains("byte for byte")
    );
}

#[tokio::test]
async fn health_tells_how_the_keys_are_doing() {
    let idp = Server::idp(&[&EC, &RSA]).await;
    let (verifier, _refresh) = discovering(&idp);
    assert_eq!((verifier.health()[0].keys, verifier.health()[0].age), (0, None));
    verifier.ready().await;
    let health = &verifier.health()[0];
    assert_eq!(
        (
            health.issuer.as_str(),
            health.keys,
            health.fetches,
            health.failures
        ),
        (idp.url.as_str(), 2, 1, 0)
    );
    assert!(health.age.is_some() && health.last_error.is_none());
    idp.serve("/jwks", "garbage");
    assert_eq!(refused(&verifier, &token(&EC_2, &idp)).await, "JWT_UNKNOWN_KEY");
    let health = &verifier.health()[0];
    assert_eq!((health.keys, health.fetches, health.failures), (2, 2, 1));
    assert!(health.last_error.as_ref().unwrap().contains("not a JWKS"));
    assert_eq!(refused(&verifier, &token(&EC, &idp)).await, "accepted");
}

#[tokio::test]
async fn a_dead_issuer_does_not_starve_the_others() {
    let idp = Server::idp(&[&EC]).await;
    let dead = issuer("http://127.0.0.1:1", KeySource::Discovery);
    let (verifier, _refresh) = start(vec![dead, issuer(&idp.url, KeySource::Discovery)], Duration::ZERO);
    assert_eq!(refused(&verifier, &token(&EC, &idp)).await, "accepted");
    assert_eq!(verifier.health()[0].keys, 0);
}

#[tokio::test]
async fn the_refresh_ends_with_the_last_verifier() {
    let idp = Server::idp(&[&EC]).await;
    let (verifier, refresh) = discovering(&idp);
    let clone = verifier.clone();
    verifier.ready().await;
    drop(verifier);
    assert!(!refresh.is_finished());
    drop(clone);
    tokio::time::timeout(Duration::from_secs(10), refresh)
        .await
        .unwrap()
        .unwrap();
}

fn unnamed(signer: &Signer, idp: &Server) -> String {
    let header = json!({"alg": signer.header()["alg"]});
    signer.sign_text(&header.to_string(), &claims(json!({"iss": idp.url})).to_string())
}

#[tokio::test]
async fn a_token_that_names_no_key_finds_the_one_that_took_the_place_of_the_only_one() {
    for old in [&EC, &RSA] {
        let idp = Server::idp(&[old]).await;
        let (verifier, _refresh) = discovering(&idp);
        assert_eq!(refused(&verifier, &unnamed(old, &idp)).await, "accepted");
        idp.serve("/jwks", &jwks(&[&EC_2]));
        assert_eq!(refused(&verifier, &unnamed(&EC_2, &idp)).await, "accepted");
        assert_eq!(idp.jwks_requests(), 2);
    }
}

#[tokio::test]
async fn forged_tokens_that_name_no_key_are_not_passed_on_to_the_issuer() {
    let idp = Server::idp(&[&EC]).await;
    let (verifier, _refresh) = start(
        vec![issuer(&idp.url, KeySource::Discovery)],
        Duration::from_secs(30),
    );
    verifier.ready().await;
    for _ in 0..100 {
        let forged = unnamed(&EC_2, &idp);
        assert_eq!(refused(&verifier, &forged).await, "JWT_BAD_SIGNATURE");
    }
    assert_eq!(idp.jwks_requests(), 2);
}
