use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use testbed::{Databricks, Fault, Idp};
use tokio::task::JoinSet;

use crate::harness::{Call, Gateway, ME, eventually, forwarded, soon, trio};

#[tokio::test]
async fn a_rotated_key_fails_no_request() {
    let (gateway, _, idp) = trio().await;
    let old = idp.mint("alice");
    assert_eq!(gateway.get(ME, &old).await.user(), "alice");

    idp.rotate();
    assert_eq!(gateway.get(ME, &idp.mint("bob")).await.user(), "bob");
    assert_eq!(gateway.get(ME, &old).await.user(), "alice");
    assert_eq!(
        idp.jwks_fetches(),
        2,
        "once at the start, once for the key that was new"
    );
}

#[tokio::test]
async fn a_withdrawn_key_stops_what_it_had_admitted() {
    let (gateway, _, idp) = trio().await;
    let old = idp.mint("alice");
    assert_eq!(gateway.get(ME, &old).await.user(), "alice");

    idp.rotate();
    idp.withdraw_old_keys();
    assert_eq!(gateway.get(ME, &idp.mint("bob")).await.user(), "bob");
    gateway.get(ME, &old).await.failure(401, "JWT_UNKNOWN_KEY");
}

/// `good` under a header of this text; nobody will look at its signature.
fn under(header: &str, good: &str) -> String {
    let (_, rest) = good.split_once('.').expect("a JWT has three parts");
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
}

#[tokio::test]
async fn a_flood_of_unknown_keys_is_not_passed_on_to_the_issuer() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    let (good, mut floods) = (idp.mint("mallory"), JoinSet::new());
    for flood in 0..20 {
        let tokens: Vec<_> = (0..50)
            .map(|number| {
                under(
                    &format!(r#"{{"alg":"RS256","kid":"key-{flood}-{number}"}}"#),
                    &good,
                )
            })
            .collect();
        let mut client = gateway.h2_client().await;
        floods.spawn(async move {
            for token in tokens {
                let call = Call::get(ME).bearer(&token);
                client.send(call).await.failure(401, "JWT_UNKNOWN_KEY");
            }
        });
    }
    floods.join_all().await;
    assert_eq!(idp.jwks_fetches(), 2, "a thousand cost one");
    assert_eq!((databricks.token_calls(), forwarded(&databricks).len()), (0, 0));
}

#[tokio::test]
async fn a_token_that_names_no_key_is_looked_for_once_as_well() {
    let (gateway, databricks, idp) = trio().await;
    let forged = idp.token("mallory").header("kid", Value::Null).forge();
    for _ in 0..10 {
        gateway.get(ME, &forged).await.failure(401, "JWT_BAD_SIGNATURE");
    }
    assert_eq!((idp.jwks_fetches(), databricks.token_calls()), (2, 0));
}

#[tokio::test]
async fn the_only_key_of_an_issuer_may_change_though_its_tokens_do_not_name_it() {
    let (gateway, databricks, idp) = trio().await;
    idp.rotate();
    idp.withdraw_old_keys();
    // The fake workspace wants a key to be named; that it is asked shows that the gateway found the key.
    let unnamed = idp.token("alice").header("kid", Value::Null).sign();
    gateway.get(ME, &unnamed).await.failure(401, "EXCHANGE_DENIED");
    assert_eq!((idp.jwks_fetches(), databricks.token_calls()), (2, 1));
}

#[tokio::test]
async fn a_malformed_key_among_good_ones_spoils_nothing() {
    let idp = Idp::start().await;
    let mut keys: Value = serde_json::from_str(&idp.jwks()).unwrap();
    let bad = [
        json!({"kty": "RSA", "kid": "x", "n": "!", "e": "AQAB"}),
        json!(42),
        json!({"kty": "EC"}),
    ];
    for (place, key) in bad.into_iter().enumerate() {
        keys["keys"].as_array_mut().unwrap().insert(place, key);
    }
    idp.serve_jwks(Some(keys.to_string()));
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");
}

#[tokio::test]
async fn keys_from_a_file_work_while_another_issuer_has_none() {
    let (file, down) = (Idp::start().await, Idp::start().await);
    down.faults().inject("/", Fault::Reset, 1_000_000);
    let databricks = Databricks::builder().trust(&file).start().await;
    let gateway = Gateway::in_front_of(&databricks, &down)
        .and_issuer(file.issuer())
        .issuer("jwks = { file = \"jwks.json\" }")
        .file("jwks.json", &file.jwks())
        .start_cold();
    assert_eq!(gateway.get(ME, &file.mint("alice")).await.user(), "alice");
    assert_eq!(gateway.admin("/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    gateway
        .get(ME, &down.mint("bob"))
        .await
        .failure(503, "JWT_KEYS_UNAVAILABLE");
}

#[tokio::test]
async fn an_issuer_without_keys_is_named_and_hurts_no_other() {
    let (down, up) = (Idp::start().await, Idp::start().await);
    down.faults().inject("/", Fault::Reset, 1_000);
    let databricks = Databricks::builder().trust(&down).trust(&up).start().await;
    let gateway = Gateway::in_front_of(&databricks, &up)
        .and_issuer(down.issuer())
        .start_cold();
    eventually("the good issuer's keys", async || {
        gateway.health().issuers().iter().any(|issuer| issuer.keys > 0)
    })
    .await;

    assert_eq!(gateway.get(ME, &up.mint("alice")).await.user(), "alice");
    let message = gateway
        .get(ME, &down.mint("bob"))
        .await
        .failure(503, "JWT_KEYS_UNAVAILABLE");
    assert!(message.contains(down.issuer()), "{message}");
    let (status, reason) = gateway.admin("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        reason,
        format!("not ready: no keys of issuer {}\n", down.issuer())
    );

    down.faults().clear();
    soon(gateway.health().ready()).await;
    assert_eq!(gateway.get(ME, &down.mint("bob")).await.user(), "bob");
    assert_eq!(gateway.admin("/readyz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_last_good_keys_outlive_their_issuer() {
    let (gateway, _, idp) = trio().await;
    idp.stop().await;
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");

    let unknown = idp.token("alice").header("kid", json!("lost-key")).sign();
    let message = gateway.get(ME, &unknown).await.failure(401, "JWT_UNKNOWN_KEY");
    assert!(message.contains("could not be fetched again"), "{message}");
    assert_eq!(gateway.admin("/readyz").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_was_admitted_is_refused_once_it_is_nearly_over() {
    let (gateway, _, idp) = trio().await;
    let token = idp.token("alice").expires_in(8).sign();
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");

    let mut pace = tokio::time::interval(Duration::from_millis(50));
    let refusal = soon(async {
        loop {
            pace.tick().await;
            let answer = gateway.get(ME, &token).await;
            // Who asks in the very moment in which it comes to be nearly over may hear that from the workspace.
            if answer.status != StatusCode::OK && !answer.text().contains("EXCHANGE_DENIED") {
                return answer;
            }
        }
    });
    refusal.await.failure(401, "JWT_EXPIRES_TOO_SOON");
}
