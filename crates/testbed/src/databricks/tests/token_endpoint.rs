use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{Algorithm, ExpiresIn, Fault, Policy, Refusals};

#[tokio::test]
async fn a_good_jwt_is_exchanged_for_a_token_that_names_its_subject() {
    let (idp, workspace) = both().await;

    let granted = exchange(&workspace, &idp.mint("alice@example.com")).await;

    assert_eq!(granted.status, 200, "{}", granted.text());
    assert_eq!(granted.json()["token_type"], "Bearer");
    assert_eq!(granted.json()["scope"], "all-apis");
    let lifetime = granted.json()["expires_in"].as_u64().unwrap();
    assert!((3590..=3600).contains(&lifetime), "{lifetime}");
    let token = access_token(&granted);
    assert!((800..1400).contains(&token.len()), "{}", token.len());
    assert_eq!(who_is(&workspace, &token).await, "alice@example.com");
    assert_eq!(workspace.exchanges("alice@example.com"), 1);
    assert_eq!(workspace.exchanges("bob@example.com"), 0);
    assert_eq!(workspace.token_calls(), 1);
    assert_eq!(workspace.seen().len(), 1, "token requests are not recorded");
    assert_eq!(
        workspace.leaked_jwts(),
        0,
        "the token endpoint is where JWTs belong"
    );
}

#[tokio::test]
async fn an_es256_token_is_exchanged_too() {
    let (idp, workspace) = both().await;
    let token = idp.token("alice").algorithm(Algorithm::Es256).sign();
    assert_eq!(exchange(&workspace, &token).await.status, 200);
}

#[tokio::test]
async fn one_of_several_audiences_suffices() {
    let (idp, workspace) = both().await;
    let token = idp
        .token("alice")
        .claim("aud", json!(["other", "databricks-gateway"]))
        .sign();
    assert_eq!(exchange(&workspace, &token).await.status, 200);
}

#[tokio::test]
async fn a_request_that_is_no_form_is_refused() {
    let (idp, workspace) = both().await;
    let url = format!("{}/oidc/v1/token", workspace.url());
    for headers in [&[][..], &[("content-type", "application/json")]] {
        let refused = request(Method::POST, &url, headers, form(&[("subject_token", "a.b.c")])).await;
        assert_eq!(reason(&refused), (400, "invalid_request".to_owned()));
    }
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let wrong_method = request(
        Method::PUT,
        &url,
        &headers,
        form(&[("subject_token", &idp.mint("alice"))]),
    )
    .await;
    assert_eq!(reason(&wrong_method), (400, "invalid_request".to_owned()));
    assert_eq!(workspace.token_calls(), 3);
}

#[tokio::test]
async fn a_parameter_that_is_wrong_missing_or_doubled_is_refused() {
    let (idp, workspace) = both().await;
    let jwt = idp.mint("alice");
    let cases: [(&[(&str, &str)], &str); 6] = [
        (&[("grant_type", "")], "invalid_request"),
        (&[("grant_type", "client_credentials")], "unsupported_grant_type"),
        (&[("subject_token_type", "")], "invalid_request"),
        (
            &[(
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            )],
            "invalid_request",
        ),
        (&[("subject_token", "")], "invalid_request"),
        (&[("assume_group", "a"), ("assume_group", "a")], "invalid_request"),
    ];
    for (changes, error) in cases {
        let mut parameters = vec![("subject_token", jwt.as_str())];
        parameters.extend_from_slice(changes);
        let mut body = form(&parameters);
        if changes.len() == 2 {
            body.push_str("&assume_group=a");
        }
        let refused = post_form(&workspace, "/oidc/v1/token", body).await;
        assert_eq!(reason(&refused), (400, error.to_owned()), "{changes:?}");
    }
    assert_eq!(workspace.exchanges("alice"), 0);
}

#[tokio::test]
async fn what_is_no_jwt_is_refused() {
    let (idp, workspace) = both().await;
    let jwt = idp.mint("alice");
    let two_segments = jwt.rsplit_once('.').unwrap().0;
    for token in [
        "opaque",
        "a.b.c",
        two_segments,
        &format!("{jwt}.x"),
        &format!(" {jwt}"),
    ] {
        assert_invalid_grant(&workspace, token).await;
    }
}

#[tokio::test]
async fn another_algorithm_is_refused_whatever_signed_it() {
    let (idp, workspace) = both().await;
    for algorithm in ["HS256", "RS512", "PS256", "ES384"] {
        let token = idp.token("alice").header("alg", json!(algorithm)).sign();
        let refused = exchange(&workspace, &token).await;
        assert_eq!(reason(&refused), (400, "invalid_grant".to_owned()));
        let why = refused.json()["error_description"].clone();
        assert_eq!(
            why, "the subject token must be signed with RS256 or ES256",
            "{algorithm}"
        );
    }
    assert_invalid_grant(
        &workspace,
        &idp.token("alice").header("alg", json!("none")).sign(),
    )
    .await;
}

#[tokio::test]
async fn critical_parameters_that_are_not_understood_are_refused() {
    let (idp, workspace) = both().await;
    assert_invalid_grant(
        &workspace,
        &idp.token("alice").header("crit", json!(["x"])).sign(),
    )
    .await;
}

#[tokio::test]
async fn an_issuer_that_differs_by_a_slash_is_refused() {
    let (idp, workspace) = both().await;
    let token = idp.token("alice").issuer(&format!("{}/", idp.issuer())).sign();
    assert_invalid_grant(&workspace, &token).await;
    assert_invalid_grant(
        &workspace,
        &idp.token("alice").claim("iss", json!([idp.issuer()])).sign(),
    )
    .await;
}

#[tokio::test]
async fn a_token_for_somebody_else_is_refused() {
    let (idp, workspace) = both().await;
    assert_invalid_grant(&workspace, &idp.token("alice").audience("other").sign()).await;
    assert_invalid_grant(&workspace, &idp.token("alice").claim("aud", json!(null)).sign()).await;
}

#[tokio::test]
async fn an_unknown_user_is_refused() {
    let (idp, workspace) = both().await;
    workspace.set_users(&["bob"]);
    assert_invalid_grant(&workspace, &idp.mint("alice")).await;
    assert_eq!(exchange(&workspace, &idp.mint("bob")).await.status, 200);
    assert_invalid_grant(&workspace, &idp.token("bob").claim("sub", json!(null)).sign()).await;
}

#[tokio::test]
async fn a_forged_signature_is_refused() {
    let (idp, workspace) = both().await;
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        assert_invalid_grant(&workspace, &idp.token("alice").algorithm(algorithm).forge()).await;
    }
    let (honest, other) = (idp.mint("alice"), idp.mint("bob"));
    let transplanted = format!(
        "{}.{}",
        other.rsplit_once('.').unwrap().0,
        honest.rsplit_once('.').unwrap().1
    );
    assert_invalid_grant(&workspace, &transplanted).await;
}

#[tokio::test]
async fn a_kid_that_is_unknown_missing_or_of_another_algorithm_is_refused() {
    let (idp, workspace) = both().await;
    for kid in [json!("unknown"), json!(null), json!(idp.kid(Algorithm::Es256))] {
        assert_invalid_grant(&workspace, &idp.token("alice").header("kid", kid).sign()).await;
    }
}

#[tokio::test]
async fn another_providers_key_of_the_same_name_is_refused() {
    let (idp, workspace) = both().await;
    let other = Idp::start().await;
    let token = other.token("alice").issuer(idp.issuer());
    let token = token.header("kid", json!(idp.kid(Algorithm::Rs256))).sign();
    assert_invalid_grant(&workspace, &token).await;
}

#[tokio::test]
async fn expiry_has_no_leeway() {
    let (idp, workspace) = both().await;
    assert_invalid_grant(&workspace, &idp.token("alice").expires_in(0).sign()).await;
    assert_invalid_grant(&workspace, &idp.token("alice").claim("exp", json!(null)).sign()).await;
    let tomorrow = idp.token("alice").claim("nbf", json!(4_000_000_000_u64)).sign();
    assert_invalid_grant(&workspace, &tomorrow).await;

    let expired = idp
        .token("alice")
        .claim("nbf", json!(null))
        .expires_in(-50)
        .sign();
    workspace.skew_clock(-100);
    assert_eq!(
        exchange(&workspace, &expired).await.status,
        200,
        "by the workspace's clock it is not"
    );
}

#[tokio::test]
async fn rotated_keys_are_read_live_and_published_ones_are_not() {
    let idp = Idp::start().await;
    let live = Databricks::start(&idp).await;
    let published = Databricks::builder()
        .policy(Policy::account_wide(&idp))
        .start()
        .await;
    let before = idp.mint("alice");

    idp.rotate();
    assert_eq!(exchange(&live, &before).await.status, 200);
    assert_eq!(exchange(&live, &idp.mint("alice")).await.status, 200);
    assert_eq!(exchange(&published, &before).await.status, 200);
    assert_invalid_grant(&published, &idp.mint("alice")).await;

    idp.withdraw_old_keys();
    assert_invalid_grant(&live, &before).await;
}

#[tokio::test]
async fn an_outage_of_the_provider_does_not_touch_the_policy() {
    let (idp, workspace) = both().await;
    let jwt = idp.mint("alice");
    idp.serve_jwks(Some("garbage".to_owned()));
    idp.stop().await;
    drop(idp);
    assert_eq!(exchange(&workspace, &jwt).await.status, 200);
}

#[tokio::test]
async fn a_client_id_chooses_the_service_principals_policy() {
    let (idp, workspace) = both().await;
    let principal = ("sp-1".to_owned(), "ci-job".to_owned());
    workspace.add_policy(Policy {
        service_principal: Some(principal),
        ..Policy::account_wide(&idp)
    });
    let ask = async |subject: &str, client_id: &str| {
        exchange_with(
            &workspace,
            &[("subject_token", &idp.mint(subject)), ("client_id", client_id)],
        )
        .await
    };

    let granted = access_token(&ask("ci-job", "sp-1").await);
    assert_eq!(who_is(&workspace, &granted).await, "sp-1");
    assert_eq!(workspace.exchanges("ci-job"), 1);
    assert_eq!(
        reason(&ask("ci-job-2", "sp-1").await),
        (400, "invalid_grant".to_owned())
    );
    assert_eq!(
        reason(&ask("ci-job", "sp-2").await),
        (401, "invalid_client".to_owned())
    );
    let user = access_token(&ask("ci-job", "").await);
    assert_eq!(
        who_is(&workspace, &user).await,
        "ci-job",
        "without client_id it is the account's policy"
    );
}

#[tokio::test]
async fn a_policy_may_name_the_caller_by_another_claim() {
    let idp = Idp::start().await;
    let by_email = Policy {
        subject_claim: "email".to_owned(),
        ..Policy::account_wide(&idp)
    };
    let workspace = Databricks::builder().policy(by_email).start().await;
    let jwt = idp
        .token("0815")
        .claim("email", json!("alice@example.com"))
        .sign();

    let granted = access_token(&exchange(&workspace, &jwt).await);

    assert_eq!(who_is(&workspace, &granted).await, "alice@example.com");
    assert_eq!(workspace.exchanges("0815"), 1);
    assert_invalid_grant(&workspace, &idp.token("0815").claim("email", json!(null)).sign()).await;
}

#[tokio::test]
async fn an_account_console_answers_for_its_own_account_only() {
    let (idp, workspace) = both().await;
    let config = get(&format!("{}/.well-known/databricks-config", workspace.url()), &[]).await;
    let account = config.json()["account_id"].as_str().unwrap().to_owned();
    for (account, status) in [(account.as_str(), 200), ("another", 400)] {
        let path = format!("/oidc/accounts/{account}/v1/token");
        let answer = post_form(&workspace, &path, form(&[("subject_token", &idp.mint("alice"))])).await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(workspace.token_calls(), 2);
}

#[tokio::test]
async fn the_shape_of_the_answer_can_be_told() {
    let idp = Idp::start().await;
    let builder = || Databricks::builder().trust(&idp);
    let jwt = idp.mint("alice");

    let opaque = builder()
        .opaque_tokens()
        .token_lifetime(Duration::from_secs(60))
        .start()
        .await;
    let granted = exchange(&opaque, &jwt).await;
    assert_eq!(granted.json()["expires_in"], 60);
    let token = access_token(&granted);
    assert!(!token.contains('.'), "an opaque token has no parts");
    assert_eq!(who_is(&opaque, &token).await, "alice");

    let text = builder().expires_in(ExpiresIn::Text).start().await;
    assert!(exchange(&text, &jwt).await.json()["expires_in"].is_string());
    let absent = builder().expires_in(ExpiresIn::Absent).start().await;
    assert!(exchange(&absent, &jwt).await.json().get("expires_in").is_none());

    let strict = builder().refusals(Refusals::Databricks).start().await;
    let refused = exchange(&strict, "a.b.c").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json()["error_code"]),
        (401, &json!("TOKEN_INVALID"))
    );
    assert!(refused.json().get("error").is_none());
}

#[tokio::test]
async fn an_exchange_counts_even_if_its_answer_goes_wrong() {
    let (idp, workspace) = both().await;
    let unavailable = Fault::Answer(
        503,
        vec![("retry-after".to_owned(), "1".to_owned())],
        String::new(),
    );
    workspace.faults().inject("/oidc/", unavailable, 2);
    for status in [503, 503, 200] {
        assert_eq!(exchange(&workspace, &idp.mint("alice")).await.status, status);
    }
    assert_eq!(workspace.exchanges("alice"), 3);
}

#[tokio::test]
async fn a_refusal_never_shows_the_token() {
    let (idp, workspace) = both().await;
    let token = idp.token("alice").forge();
    let refused = exchange(&workspace, &token).await;
    assert!(!refused.text().contains("eyJ"));
    assert_eq!(
        refused.header("x-databricks-reason-phrase"),
        refused.json()["error_description"]
    );
}

async fn assert_invalid_grant(workspace: &Databricks, token: &str) {
    let refused = exchange(workspace, token).await;
    assert_eq!(reason(&refused), (400, "invalid_grant".to_owned()));
}

fn reason(refused: &Reply) -> (u16, String) {
    (
        refused.status.as_u16(),
        refused.json()["error"].as_str().unwrap_or_default().to_owned(),
    )
}
