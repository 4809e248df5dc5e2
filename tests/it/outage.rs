use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use testbed::{Databricks, Fault, Idp};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::harness::{Call, Gateway, ME, eventually, forwarded};

const FOR_EVER: usize = 100_000;

/// A token endpoint that misbehaves from now on: whoever has a token notices nothing, whoever has none is told `status` and
/// when to come back, nothing goes upstream for them, and once it behaves they are served.
async fn is_withstood(fault: Fault, (status, reason): (u16, &str)) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .exchange("timeout = \"2s\"")
        .start()
        .await;
    let (alice, bob) = (idp.mint("alice"), idp.mint("bob"));
    assert_eq!(gateway.get(ME, &alice).await.user(), "alice");

    databricks.faults().inject("/oidc/", fault, FOR_EVER);
    gateway.get(ME, &bob).await.failure(status, reason);
    assert_eq!(gateway.get(ME, &alice).await.user(), "alice");
    assert_eq!(forwarded(&databricks).len(), 2, "both alice's");

    databricks.faults().clear();
    eventually("bob is served", async || {
        let answer = gateway.get(ME, &bob).await;
        answer.status == StatusCode::OK && answer.user() == "bob"
    })
    .await;
}

const UNAVAILABLE: (u16, &str) = (503, "EXCHANGE_UNAVAILABLE");
const MALFORMED: (u16, &str) = (503, "EXCHANGE_MALFORMED");

fn answer(status: u16, body: impl Into<String>) -> Fault {
    Fault::Answer(status, Vec::new(), body.into())
}

#[tokio::test]
async fn a_token_endpoint_that_resets_is_withstood() {
    is_withstood(Fault::Reset, UNAVAILABLE).await;
}

#[tokio::test]
async fn a_token_endpoint_that_never_answers_is_withstood() {
    is_withstood(Fault::Hang, UNAVAILABLE).await;
}

#[tokio::test]
async fn a_token_endpoint_that_breaks_off_is_withstood() {
    is_withstood(Fault::HalfHead, UNAVAILABLE).await;
    is_withstood(Fault::HalfBody, UNAVAILABLE).await;
}

#[tokio::test]
async fn a_token_endpoint_that_drips_is_withstood() {
    is_withstood(Fault::Drip(Duration::from_millis(200)), UNAVAILABLE).await;
}

#[tokio::test]
async fn a_token_endpoint_that_answers_5xx_in_any_wording_is_withstood() {
    let databricks =
        r#"{"error_code":"TEMPORARILY_UNAVAILABLE","message":"The service is temporarily unavailable."}"#;
    let oauth = r#"{"error":"server_error","error_description":"try later"}"#;
    let html = "<html><title>503</title></html>";
    for (status, body) in [(500, oauth), (502, html), (503, databricks), (504, "")] {
        is_withstood(answer(status, body), UNAVAILABLE).await;
    }
}

#[tokio::test]
async fn a_token_endpoint_that_answers_429_without_a_time_is_withstood() {
    is_withstood(answer(429, "slow down"), (429, "EXCHANGE_THROTTLED")).await;
}

#[tokio::test]
async fn a_token_endpoint_that_answers_with_a_page_or_with_garbage_is_withstood() {
    for body in ["<html>sign in</html>", "\u{0}\u{1}garbage", "[]", ""] {
        is_withstood(answer(200, body), MALFORMED).await;
    }
}

#[tokio::test]
async fn a_token_endpoint_that_redirects_is_withstood() {
    let elsewhere = vec![("location".to_owned(), "http://127.0.0.1:9/".to_owned())];
    is_withstood(Fault::Answer(307, elsewhere, String::new()), MALFORMED).await;
}

#[tokio::test]
async fn a_hundred_megabytes_instead_of_a_token_are_withstood() {
    is_withstood(Fault::Flood(100 * 1024 * 1024), MALFORMED).await;
}

#[tokio::test]
async fn a_token_that_is_over_already_is_withstood() {
    for expires_in in [json!(0), json!(-3600), json!("5")] {
        let body = json!({"access_token": "opaque", "token_type": "Bearer", "expires_in": expires_in});
        is_withstood(answer(200, body.to_string()), MALFORMED).await;
    }
}

#[tokio::test]
async fn a_token_endpoint_that_nobody_listens_at_is_withstood() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = format!("http://{}/token", listener.local_addr().unwrap());
    drop(listener);
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .workspace(&format!("token_url = \"{nobody}\""))
        .start()
        .await;
    let message = gateway
        .get(ME, &idp.mint("alice"))
        .await
        .failure(503, "EXCHANGE_UNAVAILABLE");
    assert!(message.contains("no connection"), "{message}");
    assert_eq!(forwarded(&databricks).len(), 0);
}

/// `expires_in` as this value, or not there at all.
async fn is_served_under(expires_in: Value) {
    let idp = Idp::start().await;
    let databricks = Databricks::builder().trust(&idp).opaque_tokens().start().await;
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let mut body = json!({"access_token": databricks.issue_token("alice"), "token_type": "Bearer"});
    if !expires_in.is_null() {
        body["expires_in"] = expires_in;
    }
    databricks
        .faults()
        .inject("/oidc/", answer(200, body.to_string()), 1);
    let token = idp.mint("alice");
    for _ in 0..2 {
        assert_eq!(gateway.get(ME, &token).await.user(), "alice", "{body}");
    }
    assert_eq!(databricks.token_calls(), 1, "{body}");
}

#[tokio::test]
async fn a_lifetime_as_text_or_missing_or_absurd_is_no_obstacle() {
    let absurd = [
        json!("3600"),
        Value::Null,
        json!(u64::MAX),
        json!(1e300),
        json!("99999999999999999999"),
    ];
    for expires_in in absurd {
        is_served_under(expires_in).await;
    }
}

#[tokio::test]
async fn a_thousand_requests_of_one_subject_cost_one_exchange_in_an_outage() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    databricks.faults().inject("/oidc/", Fault::Reset, FOR_EVER);
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .server("h2c = true")
        .start()
        .await;
    let token = idp.mint("alice");
    let (mut clients, mut calls) = (Vec::new(), JoinSet::new());
    for _ in 0..10 {
        clients.push(gateway.h2_client().await);
    }
    let began = Instant::now();
    for client in clients {
        for _ in 0..100 {
            let (mut client, call) = (client.clone(), Call::get(ME).bearer(&token));
            calls.spawn(async move { client.send(call).await.failure(503, "EXCHANGE_UNAVAILABLE") });
        }
    }
    assert_eq!(calls.join_all().await.len(), 1_000);
    // Three calls are one exchange, whose failure is remembered for a second.
    let exchanges = 1 + began.elapsed().as_secs();
    let calls = databricks.token_calls();
    assert!(calls <= 3 * exchanges, "{calls} calls, {exchanges} exchanges");
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_is_asked_once_a_second_whoever_comes() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    databricks.faults().inject("/oidc/", Fault::Reset, FOR_EVER);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    let began = Instant::now();
    for number in 0..50 {
        let token = idp.mint(&format!("caller-{number}"));
        gateway.get(ME, &token).await.failure(503, "EXCHANGE_UNAVAILABLE");
    }
    let probes = began.elapsed().as_secs() + 1;
    let calls = databricks.token_calls();
    assert!((5..=5 + probes).contains(&calls), "{calls} calls in {probes} s");

    let (status, reason) = gateway.admin("/readyz").await;
    assert_eq!(status, StatusCode::OK, "whoever has a token is served");
    assert!(
        reason.starts_with("ready, but no answer from 127.0.0.1:"),
        "{reason}"
    );
    let (_, page) = gateway.admin("/metrics").await;
    assert!(page.contains("lakegate_ready 1"), "{page}");
    let down = |line: &str| line.starts_with("lakegate_token_endpoint_down{") && line.ends_with(" 1");
    assert!(page.lines().any(down), "{page}");

    databricks.faults().clear();
    let token = idp.mint("alice");
    eventually("it is noticed", async || {
        gateway.get(ME, &token).await.status == StatusCode::OK
    })
    .await;
    assert_eq!(gateway.admin("/readyz").await.1, "ready\n");
}

#[tokio::test]
async fn a_retry_after_is_kept_for_everybody() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let pause = vec![("retry-after".to_owned(), "30".to_owned())];
    databricks
        .faults()
        .inject("/oidc/", Fault::Answer(429, pause, String::new()), FOR_EVER);
    let gateway = Gateway::in_front_of(&databricks, &idp).start().await;
    for user in ["alice", "bob", "carol"] {
        let answer = gateway.get(ME, &idp.mint(user)).await;
        answer.failure(429, "EXCHANGE_THROTTLED");
        assert!((28..=30).contains(&answer.header("retry-after").parse::<u32>().unwrap()));
    }
    assert_eq!(databricks.token_calls(), 1, "it asked not to be asked");
    assert_eq!(gateway.admin("/readyz").await.1, "ready\n", "it works");
}
