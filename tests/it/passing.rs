use testbed::{Databricks, Idp};

use crate::harness::{Answer, Call, Gateway, ME, claims, forwarded, trio};

const PAT: &str = "dapi0123456789abcdef0123456789abcdef-2";
const SWITCH: &str = "allow_databricks_tokens = true";

/// A gateway that lets Databricks' own tokens pass.
async fn allowing() -> (Gateway, Databricks, Idp) {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of(&databricks, &idp)
        .workspace(SWITCH)
        .start()
        .await;
    (gateway, databricks, idp)
}

/// A token that the workspace has issued, as it came in a request that the gateway had swapped it for.
async fn own_token(gateway: &Gateway, databricks: &Databricks, idp: &Idp) -> String {
    gateway.get(ME, &idp.mint("alice")).await;
    gateway.record().await;
    let seen = forwarded(databricks).pop().unwrap();
    seen.values("authorization")[0]
        .strip_prefix("Bearer ")
        .unwrap()
        .to_owned()
}

/// It reached the workspace under itself alone, and nobody was named for it.
async fn passed(gateway: &Gateway, databricks: &Databricks, token: &str) {
    let seen = forwarded(databricks).pop().unwrap();
    assert_eq!(seen.values("authorization"), [format!("Bearer {token}")]);
    let record = gateway.record().await;
    assert!(record.passed_through);
    assert_eq!(record.subject, None);
}

#[tokio::test]
async fn a_personal_access_token_passes_where_it_may() {
    let (gateway, databricks, _) = allowing().await;
    for _ in 0..2 {
        // The fake workspace has issued none.
        assert_eq!(gateway.get(ME, PAT).await.status, 403);
        passed(&gateway, &databricks, PAT).await;
    }
    assert_eq!(databricks.token_calls(), 0);
    assert_eq!(gateway.counters().passed_through, 2);
}

#[tokio::test]
async fn the_password_of_basic_credentials_passes_too() {
    let (gateway, databricks, _) = allowing().await;
    let basic = format!("Basic {}", base64(&format!("token:{PAT}")));
    gateway.send(Call::get(ME).field("authorization", &basic)).await;
    passed(&gateway, &databricks, PAT).await;
}

#[tokio::test]
async fn an_oauth_token_of_the_workspace_passes_where_it_may() {
    let (gateway, databricks, idp) = allowing().await;
    let token = own_token(&gateway, &databricks, &idp).await;
    let calls = databricks.token_calls();
    assert_eq!(gateway.get(ME, &token).await.user(), "alice");
    passed(&gateway, &databricks, &token).await;
    assert_eq!(databricks.token_calls(), calls);
}

#[tokio::test]
async fn without_the_switch_no_token_of_databricks_own_passes() {
    let (gateway, databricks, idp) = trio().await;
    let token = own_token(&gateway, &databricks, &idp).await;
    let before = forwarded(&databricks).len();
    gateway.get(ME, PAT).await.failure(401, "DATABRICKS_TOKEN");
    // A workspace on loopback does not look like one.
    gateway.get(ME, &token).await.failure(401, "JWT_UNKNOWN_ISSUER");
    assert_eq!(forwarded(&databricks).len(), before);
    assert_eq!(gateway.counters().passed_through, 0);
}

#[tokio::test]
async fn nothing_else_passes_with_them() {
    let (gateway, databricks, idp) = allowing().await;
    let ours = idp.mint("alice");
    let own = format!("{}/oidc", databricks.url());
    let issued_by = |iss: &str| idp.token("alice").issuer(iss).sign();
    let forged = [&ours[..ours.len() - 8], "AAAAAAAA"].concat();
    for (token, reason) in [
        (forged, "JWT_BAD_SIGNATURE"),
        (issued_by("https://elsewhere.example"), "JWT_UNKNOWN_ISSUER"),
        (issued_by(&format!("{own}/")), "JWT_UNKNOWN_ISSUER"),
        (issued_by(&format!("{own}?")), "JWT_UNKNOWN_ISSUER"),
        (
            issued_by("https://dbc-1.cloud.databricks.com/oidc"),
            "DATABRICKS_TOKEN",
        ),
        ("dapi".to_owned(), "DATABRICKS_TOKEN"),
        ("dapi0123456789abcdef,Bearer".to_owned(), "DATABRICKS_TOKEN"),
        ("dapi01 23".to_owned(), "DATABRICKS_TOKEN"),
        ("dkea0123456789abcdef".to_owned(), "JWT_MALFORMED"),
    ] {
        let answer: Answer = gateway.get(ME, &token).await;
        answer.failure(401, reason);
        assert!(!gateway.record().await.passed_through);
    }
    assert_eq!(forwarded(&databricks).len(), 0);
    // What can be exchanged still is.
    assert_eq!(gateway.get(ME, &ours).await.user(), "alice");
    let seen = forwarded(&databricks).pop().unwrap();
    let token = seen.values("authorization")[0].to_owned();
    assert_eq!(claims(&token)["iss"], own);
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
