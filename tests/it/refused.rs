use http::StatusCode;
use testbed::Fault;
use tokio::task::JoinSet;

use crate::harness::{Call, ME, forwarded, trio};

fn answer(status: u16, reason: &str) -> Fault {
    let reason = ("x-databricks-reason-phrase".to_owned(), reason.to_owned());
    Fault::Answer(status, vec![reason], String::new())
}

const INVALID: &str = "Invalid access token.";

#[tokio::test]
async fn a_token_that_the_workspace_has_forgotten_is_exchanged_anew_and_nobody_notices() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    databricks.revoke_tokens();
    for _ in 0..3 {
        assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    }
    assert_eq!(databricks.exchanges("alice"), 2);
    assert_eq!(forwarded(&databricks).len(), 5, "one of them twice");
}

#[tokio::test]
async fn a_401_is_taken_for_a_refusal_of_the_token_as_well() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    databricks
        .faults()
        .inject("/api/", answer(401, "Unauthorized"), 1);
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    assert_eq!(databricks.exchanges("alice"), 2);
}

#[tokio::test]
async fn a_request_with_a_body_is_not_sent_twice_and_the_next_one_is_served() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    databricks.revoke_tokens();
    for call in [Call::post("/testbed/echo"), Call::put("/testbed/echo").body("x")] {
        let before = forwarded(&databricks).len();
        let answer = gateway.send(call.bearer(&token)).await;
        assert!(matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::OK));
        assert_eq!(forwarded(&databricks).len(), before + 1);
    }
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    assert_eq!(databricks.exchanges("alice"), 2);
}

#[tokio::test]
async fn what_may_not_be_sent_twice_gets_the_workspaces_own_answer() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    databricks.revoke_tokens();
    let answer = gateway.send(Call::post("/testbed/echo").bearer(&token)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(answer.header("x-databricks-reason-phrase"), INVALID);
}

#[tokio::test]
async fn a_stream_of_refusals_is_passed_on_and_costs_one_exchange() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    databricks
        .faults()
        .inject("/api/", answer(401, "Unauthorized"), 1_000);
    for _ in 0..50 {
        let answer = gateway.get(ME, &token).await;
        assert_eq!(
            (answer.status, answer.has("retry-after")),
            (StatusCode::UNAUTHORIZED, false)
        );
        assert_eq!(answer.header("x-databricks-reason-phrase"), "Unauthorized");
    }
    assert_eq!(databricks.exchanges("alice"), 2, "within half a minute");
    assert_eq!(forwarded(&databricks).len(), 1 + 50 + 1);
    let (_, page) = gateway.admin("/metrics").await;
    assert!(
        page.contains("lakegate_token_renewals_total{reason=\"refused\"} 1"),
        "{page}"
    );
}

#[tokio::test]
async fn a_lack_of_permission_is_no_refusal_of_the_token() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    databricks
        .faults()
        .inject("/api/", answer(403, "User does not have permission"), 10);
    for _ in 0..10 {
        assert_eq!(gateway.get(ME, &token).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(
        (databricks.exchanges("alice"), forwarded(&databricks).len()),
        (1, 10)
    );
}

#[tokio::test]
async fn many_refusals_at_once_cost_one_exchange() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(gateway.client().await);
    }
    databricks.revoke_tokens();
    let mut calls = JoinSet::new();
    for mut client in clients {
        let call = Call::get(ME).bearer(&token);
        calls.spawn(async move { client.send(call).await.user() });
    }
    assert_eq!(calls.join_all().await, vec!["alice"; 50]);
    assert_eq!(databricks.exchanges("alice"), 2);
}

#[tokio::test]
async fn a_refusal_in_an_outage_of_the_token_endpoint_is_passed_on_and_takes_nothing_away() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.mint("alice");
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    databricks.faults().inject("/oidc/", Fault::Reset, 1_000);
    databricks
        .faults()
        .inject("/api/", answer(401, "Unauthorized"), 1);
    assert_eq!(gateway.get(ME, &token).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
}
