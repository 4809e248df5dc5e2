use std::time::Duration;

use http::StatusCode;
use serde_json::json;
use testbed::{Databricks, Fault, Idp};

use crate::harness::{Call, Gateway, ME, eventually, soon, trio};

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

#[tokio::test]
async fn a_flood_of_unknown_keys_is_not_passed_on_to_the_issuer() {
    let (gateway, databricks, idp) = trio().await;
    let mut client = gateway.client().await;
    for number in 0..100 {
        let token = idp
            .token("mallory")
            .header("kid", json!(format!("key-{number}")))
            .sign();
        let call = Call::get(ME).bearer(&token);
        client.send(call).await.failure(401, "JWT_UNKNOWN_KEY");
    }
    assert_eq!(idp.jwks_fetches(), 2);
    assert_eq!(databricks.token_calls(), 0);
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
            if answer.status != StatusCode::OK {
                return answer;
            }
        }
    });
    refusal.await.failure(401, "JWT_EXPIRES_TOO_SOON");
}
