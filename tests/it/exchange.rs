use std::time::Duration;

use http::StatusCode;
use testbed::{Databricks, Fault, Idp, Policy};
use tokio::task::JoinSet;

use crate::harness::{Call, Gateway, ME, claims, eventually, forwarded, soon, trio};

const SALES: &str = "7cb2f8a4-49a7-4147-83db-35cb69e5cede";
/// The account that the fake workspace belongs to.
const ACCOUNT: &str = "5ac7a0b2-6f4e-4c1d-9a57-0d9e5f3b8c21";

/// What the workspace was last sent instead of the caller's JWT.
fn last_token(databricks: &Databricks) -> String {
    let seen = forwarded(databricks);
    let values = seen.last().expect("a request").values("authorization");
    values[0].strip_prefix("Bearer ").expect("a bearer").to_owned()
}

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let headers = headers
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()));
    Fault::Answer(status, headers.collect(), body.to_owned())
}

#[tokio::test]
async fn a_hundred_first_requests_of_one_subject_make_one_exchange() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    databricks
        .faults()
        .inject("/oidc/", Fault::Delay(Duration::from_millis(300)), 100);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let token = idp.mint("alice");

    let mut clients = Vec::new();
    for _ in 0..100 {
        clients.push(gateway.client().await);
    }
    let mut calls = JoinSet::new();
    for mut client in clients {
        let call = Call::get(ME).bearer(&token);
        calls.spawn(async move { client.send(call).await.user() });
    }
    assert_eq!(calls.join_all().await, vec!["alice"; 100]);
    assert_eq!(databricks.token_calls(), 1);
    let stats = gateway.health().exchange();
    assert_eq!((stats.granted, stats.hits + stats.misses), (1, 100));
}

#[tokio::test]
async fn another_jwt_of_the_same_caller_and_expiry_needs_no_exchange() {
    let (gateway, databricks, idp) = trio().await;
    for _ in 0..3 {
        // Each has a `jti` of its own, and so another signature.
        let token = idp.token("alice").expires_at(4_000_000_000).sign();
        assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    }
    assert_eq!(databricks.exchanges("alice"), 1);
}

#[tokio::test]
async fn a_client_that_leaves_cancels_no_exchange_that_others_wait_for() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    databricks
        .faults()
        .inject("/oidc/", Fault::Delay(Duration::from_millis(500)), 100);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let token = idp.mint("alice");

    let mut first = gateway.wire().await;
    first
        .say(format!(
            "GET {ME} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
        ))
        .await;
    eventually("the exchange", async || databricks.token_calls() == 1).await;
    let second = tokio::spawn({
        let (mut client, call) = (gateway.client().await, Call::get(ME).bearer(&token));
        async move { client.send(call).await.user() }
    });
    drop(first);
    assert_eq!(gateway.record().await.status, None, "the first one left");

    assert_eq!(soon(second).await.unwrap(), "alice");
    assert_eq!(databricks.token_calls(), 1);
    assert_eq!(
        forwarded(&databricks).len(),
        1,
        "nothing is asked of the workspace for who has left"
    );
}

#[tokio::test]
async fn a_service_principal_policy_makes_the_caller_the_service_principal() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    databricks.add_policy(Policy {
        service_principal: Some((SALES.to_owned(), "alice".to_owned())),
        ..Policy::account_wide(&idp)
    });
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .workspace(&format!("client_id = \"{SALES}\""))
        .start()
        .await;
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), SALES);

    let message = gateway
        .get(ME, &idp.mint("bob"))
        .await
        .failure(401, "EXCHANGE_DENIED");
    assert!(message.contains("the policy is for another subject"), "{message}");
}

#[tokio::test]
async fn an_account_has_a_token_endpoint_of_its_own() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let not_here = answer(400, &[], r#"{"error":"invalid_request"}"#);
    databricks.faults().inject("/oidc/v1/token", not_here, 100);
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .workspace(&format!("account_id = \"{ACCOUNT}\""))
        .start()
        .await;
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");
}

#[tokio::test]
async fn the_configured_scope_is_asked_for() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .workspace("scope = \"sql\"")
        .start()
        .await;
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");
    assert_eq!(claims(&last_token(&databricks))["scope"], "sql");
}

#[tokio::test]
async fn opaque_tokens_are_as_good_as_jwts() {
    let idp = Idp::start().await;
    let databricks = Databricks::builder().trust(&idp).opaque_tokens().start().await;
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");
    assert!(last_token(&databricks).starts_with("dkea"));
}

#[tokio::test]
async fn a_refused_exchange_is_a_401_with_databricks_own_reason() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    databricks.set_users(&["bob"]);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let token = idp.mint("alice");
    for _ in 0..5 {
        let message = gateway.get(ME, &token).await.failure(401, "EXCHANGE_DENIED");
        assert!(
            message.contains("invalid_grant: there is no such user"),
            "{message}"
        );
    }
    assert_eq!(databricks.token_calls(), 1, "a caller in a loop costs one call");
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn a_forbidden_exchange_is_a_403() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let blocked = r#"{"error_code":"PERMISSION_DENIED","message":"Source IP is blocked by an access list."}"#;
    databricks.faults().inject("/oidc/", answer(403, &[], blocked), 1);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let answer = gateway.get(ME, &idp.mint("alice")).await;
    let message = answer.failure(403, "EXCHANGE_DENIED");
    assert!(message.contains("Source IP is blocked"), "{message}");
    assert_eq!(answer.json()["error_code"], "PERMISSION_DENIED");
}

#[tokio::test]
async fn a_reason_that_repeats_the_token_is_cleaned_of_it() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let token = idp.mint("alice");
    let echo = format!(r#"{{"error":"invalid_grant","error_description":"cannot use {token} here"}}"#);
    databricks.faults().inject("/oidc/", answer(400, &[], &echo), 1);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    // Which also looks for anything like a token in the whole answer.
    gateway.get(ME, &token).await.failure(401, "EXCHANGE_DENIED");
}

#[tokio::test]
async fn a_token_endpoint_that_fails_is_a_503_and_nothing_is_forwarded() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    databricks.faults().inject("/oidc/", Fault::Reset, 100);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let answer = gateway.get(ME, &idp.mint("alice")).await;
    answer.failure(503, "EXCHANGE_UNAVAILABLE");
    assert_eq!(answer.json()["error_code"], "TEMPORARILY_UNAVAILABLE");
    assert_eq!(databricks.token_calls(), 3, "tried again, twice at most");
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn a_token_endpoint_that_stumbles_goes_unnoticed() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    databricks.faults().inject("/oidc/", answer(503, &[], ""), 1);
    databricks.faults().inject("/oidc/", Fault::Reset, 1);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    assert_eq!(gateway.get(ME, &idp.mint("alice")).await.user(), "alice");
    assert_eq!(databricks.token_calls(), 3);
}

#[tokio::test]
async fn a_token_endpoint_that_hangs_is_given_up() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    databricks.faults().inject("/oidc/", Fault::Hang, 100);
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .exchange("timeout = \"200ms\"")
        .start()
        .await;
    gateway
        .get(ME, &idp.mint("alice"))
        .await
        .failure(503, "EXCHANGE_UNAVAILABLE");
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn a_throttled_exchange_is_a_429_with_the_same_retry_after() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    // Longer than an exchange may take, so that it is not waited for.
    databricks
        .faults()
        .inject("/oidc/", answer(429, &[("retry-after", "30")], ""), 100);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let token = idp.mint("alice");
    for _ in 0..3 {
        let answer = gateway.get(ME, &token).await;
        answer.failure(429, "EXCHANGE_THROTTLED");
        assert_eq!(answer.header("retry-after"), "30");
        assert_eq!(answer.json()["error_code"], "RESOURCE_EXHAUSTED");
    }
    assert_eq!(databricks.token_calls(), 1, "it asked not to be asked");
}

#[tokio::test]
async fn an_answer_that_holds_no_token_is_a_503() {
    for nonsense in [
        "<html>sign in</html>",
        "{}",
        r#"{"access_token":"a\r\nb","token_type":"Bearer"}"#,
    ] {
        let idp = Idp::start().await;
        let databricks = Databricks::start(&idp).await;
        databricks
            .faults()
            .inject("/oidc/", answer(200, &[], nonsense), 100);
        let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
        gateway
            .get(ME, &idp.mint("alice"))
            .await
            .failure(503, "EXCHANGE_MALFORMED");
        assert_eq!(forwarded(&databricks).len(), 0);
    }
}

#[tokio::test]
async fn a_redirect_of_the_token_endpoint_is_not_followed() {
    let idp = Idp::start().await;
    let (databricks, elsewhere) = (Databricks::start(&idp).await, Databricks::start(&idp).await);
    let there = format!("{}/oidc/v1/token", elsewhere.url());
    for status in [302, 307, 308] {
        databricks
            .faults()
            .inject("/oidc/", answer(status, &[("location", &there)], ""), 1);
    }
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    for user in ["alice", "bob", "carol"] {
        gateway
            .get(ME, &idp.mint(user))
            .await
            .failure(503, "EXCHANGE_MALFORMED");
    }
    assert_eq!(elsewhere.token_calls(), 0);
}

#[tokio::test]
async fn callers_with_a_token_do_not_notice_an_outage() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");

    databricks
        .faults()
        .inject("/oidc/", answer(503, &[("retry-after", "60")], ""), 100);
    gateway
        .get(ME, &idp.mint("bob"))
        .await
        .failure(503, "EXCHANGE_UNAVAILABLE");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
}

#[tokio::test]
async fn a_databricks_token_that_ends_before_the_jwt_is_exchanged_again() {
    let idp = Idp::start().await;
    let lifetime = Duration::from_secs(7);
    let databricks = Databricks::builder()
        .trust(&idp)
        .token_lifetime(lifetime)
        .start()
        .await;
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let token = idp.mint("alice");
    eventually("another exchange", async || {
        let answer = gateway.get(ME, &token).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        databricks.exchanges("alice") > 1
    })
    .await;
}
