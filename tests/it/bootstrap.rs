use http::Method;
use testbed::{Databricks, Idp};

use crate::harness::{Answer, Call, Gateway, ME, eventually, forwarded, trio};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// What the SQL drivers ask before anything else.
fn exchange(token: &str) -> Call {
    Call::post("/oidc/v1/token").form(&format!(
        "grant_type={TOKEN_EXCHANGE}&subject_token_type={JWT}&subject_token={token}&scope=sql\
         &return_original_token_if_authenticated=true"
    ))
}

/// RFC 6749 section 5.2: the error of a token endpoint, and its description.
#[track_caller]
fn oauth_error(answer: &Answer, error: &str) -> String {
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"], error);
    assert!(!answer.text().contains("eyJ"), "{}", answer.text());
    answer.json()["error_description"]
        .as_str()
        .expect("a description")
        .to_owned()
}

#[tokio::test]
async fn the_host_tells_everybody_what_it_is_and_leads_back_to_itself() {
    let (gateway, databricks, _idp) = trio().await;
    let ask = || gateway.send(Call::get("/.well-known/databricks-config").host("data.example.com"));
    eventually("the workspace's own metadata", async || {
        ask().await.json()["workspace_id"] == "7405600000000001"
    })
    .await;
    let config = ask().await.json();
    assert_eq!(config["oidc_endpoint"], "http://data.example.com/oidc");
    assert_eq!(config["host_type"], "workspace");
    assert_eq!(config["cloud"], "AWS");
    assert_eq!(
        config["token_federation_default_oidc_audiences"][0],
        "databricks-gateway"
    );
    assert!(!config.to_string().contains(databricks.url()), "{config}");
}

#[tokio::test]
async fn the_host_answers_while_the_workspace_is_away() {
    let idp = Idp::start().await;
    let databricks = Databricks::start(&idp).await;
    let gateway = Gateway::in_front_of_url("http://127.0.0.1:9", &databricks, &idp)
        .start()
        .await;
    let config = gateway.send(Call::get("/.well-known/databricks-config")).await;
    assert_eq!(config.status, 200);
    let oidc = format!("http://{}/oidc", gateway.address());
    assert_eq!(config.json()["oidc_endpoint"], oidc);
    assert!(
        config
            .json()
            .get("workspace_id")
            .is_none_or(serde_json::Value::is_null)
    );
}

#[tokio::test]
async fn the_authorization_server_is_the_gateway() {
    let (gateway, databricks, _idp) = trio().await;
    for base in ["/oidc", "/oidc/accounts/5ac7a0b2-6f4e-4c1d-9a57-0d9e5f3b8c21"] {
        let page = format!("{base}/.well-known/oauth-authorization-server");
        let metadata = gateway.send(Call::get(&page)).await.json();
        let issuer = format!("http://{}{base}", gateway.address());
        assert_eq!(metadata["issuer"], issuer);
        assert_eq!(metadata["token_endpoint"], format!("{issuer}/v1/token"));
        assert!(!metadata.to_string().contains(databricks.url()));
    }
}

#[tokio::test]
async fn a_driver_that_exchanges_its_jwt_gets_it_back_and_can_go_on_with_it() {
    let (gateway, databricks, idp) = trio().await;
    let token = idp.token("alice").expires_in(3600).sign();
    let answer = gateway.send(exchange(&token)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("cache-control"), "no-store");
    let given = answer.json();
    assert_eq!(given["token_type"], "Bearer");
    assert_eq!(given["scope"], "sql");
    assert_eq!(
        given["issued_token_type"],
        "urn:ietf:params:oauth:token-type:access_token"
    );
    let left = given["expires_in"].as_u64().expect("a number of seconds");
    assert!((3590..=3600).contains(&left), "{left}");
    assert_eq!(given["access_token"], token);
    assert_eq!(
        databricks.token_calls(),
        0,
        "nothing is exchanged before there is a call"
    );

    let given = given["access_token"].as_str().unwrap();
    assert_eq!(gateway.get(ME, given).await.user(), "alice");
}

#[tokio::test]
async fn a_jwt_that_would_be_refused_is_refused_here_in_oauths_own_form() {
    let (gateway, _, idp) = trio().await;
    let refused = [
        (
            idp.token("alice").expires_in(-60).sign(),
            "the token expired 1 minute ago",
        ),
        (
            idp.token("alice").forge(),
            "the token's signature is not that of issuer",
        ),
        (
            idp.token("alice").audience("x").sign(),
            "the token is for audience x",
        ),
        ("dapi0123456789".to_owned(), "the token was issued by Databricks"),
    ];
    for (token, reason) in refused {
        let description = oauth_error(&gateway.send(exchange(&token)).await, "invalid_grant");
        assert!(description.starts_with(reason), "{description}");
    }
}

#[tokio::test]
async fn no_other_grant_is_supported() {
    let (gateway, databricks, _idp) = trio().await;
    for grant in ["client_credentials", "refresh_token", "authorization_code"] {
        let call = Call::post("/oidc/v1/token").form(&format!("grant_type={grant}&scope=all-apis"));
        let call = call.field("authorization", "Basic Y2xpZW50OnNlY3JldA==");
        oauth_error(&gateway.send(call).await, "unsupported_grant_type");
    }
    assert_eq!(databricks.token_calls(), 0, "nobody's secret is passed on");
}

#[tokio::test]
async fn a_form_that_is_none_is_an_invalid_request() {
    let (gateway, _, idp) = trio().await;
    let token = idp.mint("alice");
    let forms = [
        String::new(),
        format!("grant_type={TOKEN_EXCHANGE}"),
        format!("grant_type={TOKEN_EXCHANGE}&subject_token={token}&subject_token={token}"),
        format!("grant_type={TOKEN_EXCHANGE}&subject_token={token}&subject_token_type=urn:x"),
        format!("grant_type={TOKEN_EXCHANGE}&subject_token={}", "x".repeat(70_000)),
    ];
    for form in forms {
        oauth_error(
            &gateway.send(Call::post("/oidc/v1/token").form(&form)).await,
            "invalid_request",
        );
    }
    let json = Call::post("/oidc/v1/token").field("content-type", "application/json");
    oauth_error(&gateway.send(json.body("{}")).await, "invalid_request");
}

#[tokio::test]
async fn nothing_else_is_open_to_callers_without_a_credential() {
    let (gateway, databricks, _idp) = trio().await;
    let doors = [
        "/oidc/v1/authorize",
        "/oidc/v1/token/",
        "/oidc/v1/token%2F",
        "/oidc//v1/token",
        "/OIDC/v1/token",
        "/oidc/accounts/a/b/v1/token",
        "/.well-known/databricks-config/",
        "/.well-known/databricks-config/../../api/2.0/preview/scim/v2/Me",
        "/.well-known%2Fdatabricks-config",
        "//.well-known/databricks-config",
        "/.well-known/openid-configuration",
        "/login.html",
        "/metrics",
        "/livez",
    ];
    for door in doors {
        gateway.send(Call::post(door)).await.failure(401, "NO_CREDENTIAL");
        gateway.send(Call::get(door)).await.failure(401, "NO_CREDENTIAL");
    }
    assert_eq!(forwarded(&databricks).len(), 0);
}

#[tokio::test]
async fn the_wrong_method_is_not_passed_on_to_the_workspace() {
    let (gateway, databricks, idp) = trio().await;
    let call = Call::get("/oidc/v1/token").bearer(&idp.mint("alice"));
    gateway.send(call).await.failure(405, "METHOD_NOT_ALLOWED");
    let call = Call::new(Method::DELETE, "/.well-known/databricks-config");
    gateway.send(call).await.failure(405, "METHOD_NOT_ALLOWED");
    assert_eq!(databricks.token_calls(), 0);
}
