use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use testbed::{Algorithm, Databricks, Idp};

use crate::harness::{Answer, Call, Gateway, ME, forwarded, trio};

const ALICE: &str = "alice@example.com";

/// A gateway that refuses, and a workspace that never hears of it.
async fn refused(call: impl FnOnce(&Idp) -> Call) -> Answer {
    let (gateway, databricks, idp) = trio().await;
    let answer = gateway.send(call(&idp)).await;
    assert_eq!(gateway.record().await.subject, None, "nobody was verified");
    assert_eq!(forwarded(&databricks).len(), 0);
    assert_eq!(databricks.token_calls(), 0);
    answer
}

fn me(token: &str) -> Call {
    Call::get(ME).bearer(token)
}

#[tokio::test]
async fn rs256_and_es256_tokens_are_accepted_with_keys_found_by_discovery() {
    let (gateway, _, idp) = trio().await;
    assert_eq!(gateway.get(ME, &idp.mint(ALICE)).await.user(), ALICE);
    let es256 = idp.token(ALICE).algorithm(Algorithm::Es256).sign();
    assert_eq!(gateway.get(ME, &es256).await.user(), ALICE);
    assert_eq!((idp.discovery_fetches(), idp.jwks_fetches()), (1, 1));
}

#[tokio::test]
async fn keys_come_from_a_jwks_url_without_discovery() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let jwks = format!("jwks = {{ url = \"{}/jwks\" }}", idp.issuer());
    let gateway = Gateway::bare()
        .and_issuer(idp.issuer())
        .issuer(&jwks)
        .and_workspace(&databricks)
        .start()
        .await;
    assert_eq!(gateway.get(ME, &idp.mint(ALICE)).await.user(), ALICE);
    let es256 = idp.token("bob").algorithm(Algorithm::Es256).sign();
    assert_eq!(gateway.get(ME, &es256).await.user(), "bob");
    assert_eq!((idp.discovery_fetches(), idp.jwks_fetches()), (0, 1));
}

#[tokio::test]
async fn keys_come_from_a_file_without_any_fetch() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::bare()
        .file("keys.json", &idp.jwks())
        .and_issuer(idp.issuer())
        .issuer("jwks = { file = \"keys.json\" }")
        .and_workspace(&databricks)
        .start()
        .await;
    assert_eq!(gateway.get(ME, &idp.mint(ALICE)).await.user(), ALICE);
    let es256 = idp.token("bob").algorithm(Algorithm::Es256).sign();
    assert_eq!(gateway.get(ME, &es256).await.user(), "bob");
    assert_eq!((idp.discovery_fetches(), idp.jwks_fetches()), (0, 0));
}

#[tokio::test]
async fn each_of_two_issuers_vouches_for_its_own_tokens_only() {
    let (here, there) = (Idp::start().await, Idp::start().await);
    let databricks = Databricks::builder().trust(&here).trust(&there).start().await;
    let gateway = Gateway::in_front_of(&databricks, &here)
        .and_issuer(there.issuer())
        .start()
        .await;
    assert_eq!(gateway.get(ME, &here.mint("alice")).await.user(), "alice");
    assert_eq!(gateway.get(ME, &there.mint("bob")).await.user(), "bob");
    let calls = databricks.token_calls();

    let borrowed = there.token("alice").issuer(here.issuer()).sign();
    gateway.get(ME, &borrowed).await.failure(401, "JWT_UNKNOWN_KEY");
    let kid = here.kid(Algorithm::Rs256);
    let forged = there
        .token("alice")
        .issuer(here.issuer())
        .header("kid", json!(kid));
    gateway
        .get(ME, &forged.sign())
        .await
        .failure(401, "JWT_BAD_SIGNATURE");
    assert_eq!(databricks.token_calls(), calls);
}

#[tokio::test]
async fn one_of_several_audiences_is_enough() {
    let (gateway, _, idp) = trio().await;
    let token = idp
        .token(ALICE)
        .claim("aud", json!(["elsewhere", "databricks-gateway"]));
    assert_eq!(gateway.get(ME, &token.sign()).await.user(), ALICE);
}

#[tokio::test]
async fn basic_credentials_of_the_user_token_are_as_good_as_a_bearer() {
    let (gateway, _, idp) = trio().await;
    let basic =
        |pair: String| Call::get(ME).field("authorization", &format!("Basic {}", STANDARD.encode(pair)));
    let token = idp.mint(ALICE);
    assert_eq!(gateway.send(basic(format!("token:{token}"))).await.user(), ALICE);

    let answer = gateway.send(basic(format!("alice:{token}"))).await;
    let message = answer.failure(401, "UNSUPPORTED_CREDENTIAL");
    assert!(message.contains("the user name token"), "{message}");
}

#[tokio::test]
async fn the_name_of_the_scheme_is_not_case_sensitive() {
    let (gateway, _, idp) = trio().await;
    for scheme in ["bearer", "BEARER"] {
        let call = Call::get(ME).field("authorization", &format!("{scheme} {}", idp.mint(ALICE)));
        assert_eq!(gateway.send(call).await.user(), ALICE);
    }
}

#[tokio::test]
async fn a_call_without_a_credential_is_told_what_to_send() {
    let answer = refused(|_| Call::get(ME)).await;
    let message = answer.failure(401, "NO_CREDENTIAL");
    assert!(message.contains("Authorization: Bearer <jwt>"), "{message}");
    // RFC 6750 section 3.1: no error code where no credential was sent.
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn two_authorization_headers_are_no_choice_to_be_made() {
    let answer = refused(|idp| me(&idp.mint(ALICE)).bearer(&idp.mint("bob"))).await;
    answer.failure(400, "TWO_CREDENTIALS");
    assert_eq!(answer.header("connection"), "close");
}

#[tokio::test]
async fn an_expired_token_is_told_since_when() {
    let answer = refused(|idp| me(&idp.token(ALICE).expires_in(-7200).sign())).await;
    let message = answer.failure(401, "JWT_EXPIRED");
    assert!(
        message.starts_with("the token expired 2 hours ago, at 20"),
        "{message}"
    );
    assert_eq!(
        answer.header("www-authenticate"),
        "Bearer error=\"invalid_token\""
    );
    assert_eq!(answer.json()["error_code"], "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_token_for_somebody_else_is_told_the_right_audience() {
    let answer = refused(|idp| me(&idp.token(ALICE).audience("billing").sign())).await;
    let message = answer.failure(401, "JWT_WRONG_AUDIENCE");
    assert!(
        message.contains("for audience billing, but databricks-gateway is expected"),
        "{message}"
    );
}

#[tokio::test]
async fn a_slash_at_the_end_of_the_issuer_is_pointed_out() {
    let answer = refused(|idp| me(&idp.token(ALICE).issuer(&format!("{}/", idp.issuer())).sign())).await;
    let message = answer.failure(401, "JWT_ISSUER_TRAILING_SLASH");
    assert!(message.contains("the slash at the end matters"), "{message}");
}

#[tokio::test]
async fn an_issuer_that_is_not_configured_is_told_which_are() {
    let answer = refused(|idp| me(&idp.token(ALICE).issuer("https://elsewhere.example.com").sign())).await;
    let message = answer.failure(401, "JWT_UNKNOWN_ISSUER");
    assert!(message.contains("https://elsewhere.example.com"), "{message}");
    assert!(message.contains("configured are: http://127.0.0.1:"), "{message}");
}

#[tokio::test]
async fn a_key_that_the_issuer_does_not_publish_is_named() {
    let answer = refused(|idp| me(&idp.token(ALICE).header("kid", json!("lost-key")).sign())).await;
    let message = answer.failure(401, "JWT_UNKNOWN_KEY");
    assert!(message.contains("lost-key"), "{message}");
    assert!(message.contains("fetched again just now"), "{message}");
}

#[tokio::test]
async fn a_token_from_the_future_is_told_how_far() {
    let future = |idp: &Idp| {
        let now = idp.token(ALICE);
        now.claim("nbf", json!(4_000_000_000_u64))
            .expires_at(4_000_003_600)
            .sign()
    };
    let message = refused(|idp| me(&future(idp)))
        .await
        .failure(401, "JWT_NOT_YET_VALID");
    assert!(
        message.starts_with("the token's nbf is 2096-10-02T07:06:40Z, "),
        "{message}"
    );
}

#[tokio::test]
async fn only_rs256_and_es256_are_algorithms() {
    for algorithm in ["none", "HS256", "RS512", "PS256", "rs256"] {
        let answer = refused(|idp| me(&idp.token(ALICE).header("alg", json!(algorithm)).sign())).await;
        let message = answer.failure(401, "JWT_ALGORITHM_NOT_ALLOWED");
        assert!(message.contains(algorithm), "{message}");
    }
    let es256_by_name = |idp: &Idp| idp.token(ALICE).header("alg", json!("ES256")).sign();
    refused(|idp| me(&es256_by_name(idp)))
        .await
        .failure(401, "JWT_ALGORITHM_MISMATCH");
}

#[tokio::test]
async fn a_forged_or_altered_token_is_refused() {
    refused(|idp| me(&idp.token(ALICE).forge()))
        .await
        .failure(401, "JWT_BAD_SIGNATURE");
    let altered = |idp: &Idp| {
        let (alice, bob) = (idp.mint(ALICE), idp.mint("bob"));
        let parts: Vec<_> = alice.split('.').collect();
        let payload = bob.split('.').nth(1).unwrap();
        [parts[0], payload, parts[2]].join(".")
    };
    refused(|idp| me(&altered(idp)))
        .await
        .failure(401, "JWT_BAD_SIGNATURE");
}

#[tokio::test]
async fn a_token_of_databricks_own_is_refused() {
    let pat = "dapi0123456789abcdef0123456789abcdef";
    let answer = refused(|_| me(pat)).await;
    let message = answer.failure(401, "DATABRICKS_TOKEN");
    assert!(
        message.contains("present the token of your own identity provider"),
        "{message}"
    );
    assert!(!format!("{answer:?}").contains(pat));
}

#[tokio::test]
async fn what_is_no_jwt_is_refused_without_being_repeated() {
    let key_in_header = |idp: &Idp| idp.token(ALICE).header("jwk", json!({"kty": "RSA"})).sign();
    refused(|idp| me(&key_in_header(idp)))
        .await
        .failure(401, "JWT_KEY_IN_HEADER");
    refused(|_| me(&"x".repeat(20_000)))
        .await
        .failure(401, "JWT_TOO_LARGE");
    for garbage in ["secret-garbage", "a.b.c", "..", "e30.e30.", "a b"] {
        let answer = refused(|_| me(garbage)).await;
        let message = answer.failure(401, "JWT_MALFORMED");
        assert!(!message.contains(garbage), "{message}");
    }
}

#[tokio::test]
async fn a_refusal_leaves_the_connection_fit_for_another_try() {
    let (gateway, _, idp) = trio().await;
    let mut client = gateway.client().await;
    client
        .send(me(&idp.token(ALICE).forge()))
        .await
        .failure(401, "JWT_BAD_SIGNATURE");
    assert_eq!(client.send(me(&idp.mint(ALICE))).await.user(), ALICE);
    assert_eq!(gateway.counters().connections_total, 1);
}

#[tokio::test]
async fn mcp_clients_are_told_in_an_error_of_json_rpc() {
    let (gateway, _databricks, idp) = trio().await;
    let expired = idp.token("alice").expires_in(-60).sign();
    let ask = |call: Call| gateway.send(call.bearer(&expired));
    let answer = ask(Call::post("/api/2.0/mcp/functions/main/default").body("{}")).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
    let error = &answer.json()["error"];
    assert_eq!(answer.json()["jsonrpc"], "2.0");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("the token expired")
    );
    assert_eq!(error["data"]["details"][0]["reason"], "JWT_EXPIRED");
    // Everybody else would be shown the `error` alone.
    for other in [
        Call::get("/api/2.0/mcp/functions/main/default"),
        Call::post("/api/2.0/mcp"),
    ] {
        ask(other).await.failure(401, "JWT_EXPIRED");
    }
}
