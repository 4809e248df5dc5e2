//! What an honest token must say.

use std::time::Duration;

use serde_json::{Value, json};

use super::{good_token, refused, token, verify};
use crate::testing::{AUDIENCE, EC, ISSUER, NOW, RSA, claims, http, verifier, verifier_with};
use crate::{Expiry, UnixTime, Verifier};

async fn judged(changes: Value) -> &'static str {
    let (verifier, _) = verifier();
    refused(&verifier, &token(changes)).await
}

async fn told(changes: Value) -> String {
    let (verifier, _) = verifier();
    verify(&verifier, &token(changes)).await.unwrap_err().to_string()
}

/// Claims as text, so that they can say what no JSON library would write.
async fn judged_text(claims: &str) -> &'static str {
    let (verifier, _) = verifier();
    refused(&verifier, &RSA.sign_text(&RSA.header().to_string(), claims)).await
}

#[tokio::test]
async fn a_good_token_of_either_algorithm_is_an_identity() {
    let (verifier, _) = verifier();
    for signer in [&*RSA, &*EC] {
        let token = signer.sign(&claims(json!({})));
        let identity = verify(&verifier, &token).await.unwrap();
        assert_eq!(identity.issuer(), ISSUER);
        assert_eq!(identity.subject().as_str(), "alice");
        assert_eq!(identity.expiry(), Expiry(UnixTime::from_seconds(NOW + 3600)));
        assert_eq!(identity.token().expose(), token.as_bytes());
    }
}

#[tokio::test]
async fn two_tokens_of_one_caller_have_one_digest_and_two_callers_have_two() {
    let (verifier, _) = verifier();
    let digest = async |changes| verify(&verifier, &token(changes)).await.unwrap().digest();
    let alice = digest(json!({})).await;
    assert_eq!(
        alice,
        digest(json!({"exp": NOW + 60, "iat": NOW - 9, "jti": "x"})).await
    );
    assert_ne!(alice, digest(json!({"sub": "bob"})).await);
    assert_ne!(alice, digest(json!({"groups": ["admins"]})).await);
    assert_ne!(alice, digest(json!({"aud": [AUDIENCE]})).await);
}

#[tokio::test]
async fn a_token_is_dead_at_its_very_expiry_and_useless_five_seconds_before() {
    assert_eq!(judged(json!({"exp": NOW - 1})).await, "JWT_EXPIRED");
    assert_eq!(judged(json!({"exp": NOW})).await, "JWT_EXPIRED");
    assert_eq!(judged(json!({"exp": NOW + 1})).await, "JWT_EXPIRES_TOO_SOON");
    assert_eq!(judged(json!({"exp": NOW + 5})).await, "JWT_EXPIRES_TOO_SOON");
    assert_eq!(judged(json!({"exp": NOW + 6})).await, "accepted");
    assert_eq!(judged(json!({"exp": -1})).await, "JWT_WRONG_TYPE");
    assert_eq!(judged(json!({"exp": u64::MAX})).await, "accepted");
}

#[tokio::test]
async fn an_expired_token_is_told_since_when() {
    let message = told(json!({"exp": NOW - 720})).await;
    assert!(
        message.contains("expired 12 minutes ago, at 2026-11-23T20:48:00Z"),
        "{message}"
    );
}

#[tokio::test]
async fn exp_is_required_and_a_number() {
    assert_eq!(judged(json!({"exp": null})).await, "JWT_MISSING_CLAIM");
    assert_eq!(
        judged(json!({"exp": (NOW + 3600).to_string()})).await,
        "JWT_WRONG_TYPE"
    );
    let exp = |text: &str| {
        claims(json!({"exp": 0}))
            .to_string()
            .replace(r#""exp":0"#, &format!(r#""exp":{text}"#))
    };
    assert_eq!(judged_text(&exp("1e400")).await, "JWT_WRONG_TYPE");
    assert_eq!(judged_text(&exp("null")).await, "JWT_WRONG_TYPE");
    assert_eq!(
        judged_text(&exp(&format!("{}.9", NOW + 5))).await,
        "JWT_EXPIRES_TOO_SOON"
    );
    assert_eq!(judged_text(&exp(&format!("{}.0", NOW + 6))).await, "accepted");
}

#[tokio::test]
async fn nbf_and_iat_may_be_ahead_by_the_leeway_and_no_more() {
    for claim in ["nbf", "iat"] {
        assert_eq!(judged(json!({claim: NOW + 60})).await, "accepted");
        assert_eq!(judged(json!({claim: NOW + 61})).await, "JWT_NOT_YET_VALID");
        assert_eq!(judged(json!({claim: "0"})).await, "JWT_WRONG_TYPE");
        assert_eq!(judged(json!({claim: null})).await, "accepted");
        let fraction = claims(json!({claim: 0})).to_string().replace(
            &format!(r#""{claim}":0"#),
            &format!(r#""{claim}":{}.1"#, NOW + 60),
        );
        assert_eq!(judged_text(&fraction).await, "JWT_NOT_YET_VALID");
    }
    let message = told(json!({"nbf": NOW + 7200})).await;
    assert!(
        message.contains("nbf is 2026-11-23T23:00:00Z, 2 hours from now"),
        "{message}"
    );
}

#[tokio::test]
async fn the_leeway_can_be_set_and_never_prolongs_a_life() {
    let (strict, hand) = verifier_with(|builder| builder.leeway(Duration::ZERO));
    let early = token(json!({"nbf": NOW + 1}));
    assert_eq!(refused(&strict, &early).await, "JWT_NOT_YET_VALID");
    hand.advance(Duration::from_secs(1));
    assert_eq!(refused(&strict, &early).await, "accepted");
    let (generous, _) = verifier_with(|builder| builder.leeway(Duration::from_hours(1)));
    assert_eq!(
        refused(&generous, &token(json!({"exp": NOW}))).await,
        "JWT_EXPIRED"
    );
}

#[tokio::test]
async fn one_of_the_audiences_must_be_ours() {
    assert_eq!(judged(json!({"aud": [AUDIENCE]})).await, "accepted");
    assert_eq!(judged(json!({"aud": ["other", AUDIENCE]})).await, "accepted");
    for wrong in [
        json!("other"),
        json!(["other"]),
        json!([]),
        json!(""),
        json!("Databricks-Gateway"),
    ] {
        assert_eq!(
            judged(json!({"aud": wrong})).await,
            "JWT_WRONG_AUDIENCE",
            "{wrong}"
        );
    }
    assert_eq!(judged(json!({"aud": null})).await, "JWT_MISSING_CLAIM");
    for wrong in [
        json!(1),
        json!([[AUDIENCE]]),
        json!([AUDIENCE, 1]),
        json!({"aud": AUDIENCE}),
    ] {
        assert_eq!(judged(json!({"aud": wrong})).await, "JWT_WRONG_TYPE", "{wrong}");
    }
    let message = told(json!({"aud": ["a b", "b", "c", "d", "e", "f", "g"]})).await;
    assert!(
        message.contains("a?b, b, c, d, e and 2 more, but databricks-gateway is expected"),
        "{message}"
    );
    assert!(told(json!({"aud": []})).await.contains("audience (none)"));
}

#[tokio::test]
async fn the_wrong_audience_is_told_before_the_expiry() {
    assert_eq!(
        judged(json!({"aud": "other", "exp": NOW - 1})).await,
        "JWT_WRONG_AUDIENCE"
    );
}

#[tokio::test]
async fn sub_is_required() {
    assert_eq!(judged(json!({"sub": null})).await, "JWT_MISSING_CLAIM");
    assert_eq!(judged(json!({"sub": ""})).await, "JWT_WRONG_TYPE");
    assert_eq!(judged(json!({"sub": 7})).await, "JWT_WRONG_TYPE");
}

#[tokio::test]
async fn the_issuer_is_compared_byte_for_byte() {
    assert_eq!(judged(json!({"iss": null})).await, "JWT_MISSING_CLAIM");
    assert_eq!(judged(json!({"iss": [ISSUER]})).await, "JWT_WRONG_TYPE");
    assert_eq!(
        judged(json!({"iss": "https://idp.example/"})).await,
        "JWT_ISSUER_TRAILING_SLASH"
    );
    assert_eq!(
        judged(json!({"iss": "https://IDP.example"})).await,
        "JWT_UNKNOWN_ISSUER"
    );
    assert_eq!(
        judged(json!({"iss": "https://idp.example.evil.example"})).await,
        "JWT_UNKNOWN_ISSUER"
    );
    let message = told(json!({"iss": "https://other.example/\u{1b}[31m"})).await;
    assert!(
        message.contains("https://other.example/?[31m is not accepted"),
        "{message}"
    );
    assert!(
        message.ends_with("configured are: https://idp.example"),
        "{message}"
    );
}

#[tokio::test]
async fn a_token_of_databricks_itself_is_recognised() {
    for iss in [
        "https://dbc-1.cloud.databricks.com/oidc",
        "https://adb-1.2.azuredatabricks.net/oidc",
    ] {
        assert_eq!(judged(json!({"iss": iss})).await, "DATABRICKS_TOKEN");
    }
    assert_eq!(
        judged(json!({"iss": "https://login.example/databricks/oidc"})).await,
        "JWT_UNKNOWN_ISSUER"
    );
    let (verifier, _) = verifier();
    assert_eq!(
        refused(&verifier, "dapi0123456789abcdef").await,
        "DATABRICKS_TOKEN"
    );
}

#[tokio::test]
async fn a_repeated_claim_is_refused_however_it_is_spelled() {
    let good = claims(json!({})).to_string();
    for twice in [
        r#"{"iss":"https://evil.example","#,
        r#"{"\u0069ss":"https://idp.example","#,
        r#"{"email":"bob","#,
    ] {
        assert_eq!(
            judged_text(&good.replacen('{', twice, 1)).await,
            "JWT_MALFORMED",
            "{twice}"
        );
    }
}

#[tokio::test]
async fn claims_that_are_nested_without_end_do_not_overflow_the_stack() {
    let deep = |depth: usize, close: &str| {
        let nested = format!("{}{}", "[".repeat(depth), close.repeat(depth));
        claims(json!({"x": 0}))
            .to_string()
            .replace(r#""x":0"#, &format!(r#""x":{nested}"#))
    };
    assert_eq!(judged_text(&deep(2_000, "]")).await, "accepted");
    assert_eq!(judged_text(&deep(10_000, "")).await, "JWT_MALFORMED");
    assert_eq!(judged_text(&deep(100_000, "]")).await, "JWT_TOO_LARGE");
}

#[tokio::test]
async fn a_token_without_kid_is_verified_by_the_only_key_of_its_algorithm() {
    let (verifier, _) = verifier();
    for signer in [&*RSA, &*EC] {
        assert_eq!(
            refused(&verifier, &signer.sign_with_header(json!({"kid": null}))).await,
            "accepted"
        );
    }
}

#[tokio::test]
async fn debug_of_everything_leaks_nothing() {
    let (verifier, _) = verifier();
    let token = good_token();
    let identity = verify(&verifier, &token).await.unwrap();
    let refusal = verify(&verifier, &super::token(json!({"aud": "x"})))
        .await
        .unwrap_err();
    let builder = Verifier::builder(vec![], http());
    let shown = format!(
        "{identity:?} {verifier:?} {refusal:?} {builder:?} {:?}",
        identity.token()
    );
    for segment in token.split('.') {
        assert!(!shown.contains(segment), "{shown}");
    }
    assert!(!shown.contains("alice@example.com"), "{shown}");
}
