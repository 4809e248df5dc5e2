use identity::UnixTime;
use testbed::{Databricks, Fault};
use tower::{Service, ServiceExt};

use super::*;
use crate::testing::{Callers, Scripted, answer, grant_at, http, http_following, service_principal};
use crate::{Scope, TokenEndpoint};

mod fakes;
mod faults;

const GOOD: &str = r#"{"access_token":"opaque-token","token_type":"Bearer","expires_in":600}"#;

/// Long enough for any answer on a busy machine.
const DEADLINE: Duration = Duration::from_secs(10);

async fn exchanged(
    callers: &Callers,
    deadline: Duration,
    grant: Grant,
) -> Result<AccessToken, ExchangeError> {
    let identity = callers.identity("alice").await;
    let exchange = TokenExchange::new(http(), callers.clock.clone(), deadline);
    exchange.oneshot(ExchangeRequest::new(identity, grant)).await
}

/// What becomes of these answers, and how many were asked for.
async fn outcome(answers: Vec<String>) -> (Result<AccessToken, ExchangeError>, usize) {
    let (callers, endpoint) = (Callers::new().await, Scripted::answering(answers).await);
    let outcome = exchanged(&callers, DEADLINE, endpoint.grant()).await;
    (outcome, endpoint.requests().len())
}

fn form(request: &str) -> Vec<(String, String)> {
    let (_, body) = request.split_once("\r\n\r\n").unwrap();
    Url::parse(&format!("x:?{body}"))
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect()
}

#[tokio::test]
async fn the_request_is_that_of_rfc_8693_and_carries_no_other_credential() {
    let (callers, endpoint) = (
        Callers::new().await,
        Scripted::answering(vec![answer("200 OK", GOOD)]).await,
    );
    let identity = callers.identity("alice").await;
    let jwt = String::from_utf8(identity.token().expose().to_vec()).unwrap();
    let mut exchange = TokenExchange::new(http(), callers.clock.clone(), DEADLINE);
    exchange.ready().await.unwrap();
    exchange
        .call(ExchangeRequest::new(identity, endpoint.grant()))
        .await
        .unwrap();

    let [request] = &endpoint.requests()[..] else {
        panic!("{:?}", endpoint.requests())
    };
    let head = request.split_once("\r\n\r\n").unwrap().0.to_ascii_lowercase();
    assert!(head.starts_with("post /oidc/v1/token http/1.1\r\n"), "{head}");
    assert!(
        head.contains("content-type: application/x-www-form-urlencoded"),
        "{head}"
    );
    assert!(!head.contains("authorization"), "{head}");
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", jwt.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ("scope", "all-apis"),
    ];
    assert_eq!(
        form(request),
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

#[tokio::test]
async fn a_client_id_is_sent_for_a_service_principal() {
    let (callers, endpoint) = (
        Callers::new().await,
        Scripted::answering(vec![answer("200 OK", GOOD)]).await,
    );
    let at = TokenEndpoint::at(endpoint.url.clone());
    let grant = Grant::new(at, service_principal("sp-1"), Scope::new("sql files").unwrap());
    exchanged(&callers, DEADLINE, grant).await.unwrap();
    let form = form(&endpoint.requests()[0]);
    assert!(
        form.contains(&("client_id".to_owned(), "sp-1".to_owned())),
        "{form:?}"
    );
    assert!(
        form.contains(&("scope".to_owned(), "sql files".to_owned())),
        "{form:?}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let head = format!("{status}\r\nlocation: /elsewhere");
        let (outcome, requests) = outcome(vec![answer(&head, ""), answer("200 OK", GOOD)]).await;
        let error = outcome.unwrap_err().to_string();
        assert!(
            error.ends_with(&format!("{status}, a redirect, which is never followed")),
            "{error}"
        );
        assert_eq!(requests, 1);
    }
}

#[tokio::test]
async fn a_client_that_follows_redirects_is_found_out() {
    let head = "307 Temporary Redirect\r\nlocation: /elsewhere";
    let endpoint = Scripted::answering(vec![answer(head, ""), answer("200 OK", GOOD)]).await;
    let callers = Callers::new().await;
    let request = ExchangeRequest::new(callers.identity("alice").await, endpoint.grant());
    let client = http_following(reqwest::redirect::Policy::limited(3));
    let error = TokenExchange::new(client, callers.clock, DEADLINE)
        .oneshot(request)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "EXCHANGE_MALFORMED");
}

#[tokio::test]
async fn credentials_in_the_url_are_not_mistaken_for_a_redirect() {
    let (callers, endpoint) = (
        Callers::new().await,
        Scripted::answering(vec![answer("200 OK", GOOD)]).await,
    );
    let mut url = endpoint.url.clone();
    url.set_username("somebody").unwrap();
    exchanged(&callers, DEADLINE, grant_at(&url)).await.unwrap();
}

#[tokio::test]
async fn a_token_without_a_future_is_malformed() {
    for expires_in in ["-1", "0", "5"] {
        let body = format!(r#"{{"access_token":"opaque-token","expires_in":{expires_in}}}"#);
        let (outcome, requests) = outcome(vec![answer("200 OK", &body)]).await;
        assert_eq!((outcome.unwrap_err().code(), requests), ("EXCHANGE_MALFORMED", 1));
    }
    let (token, _) = outcome(vec![answer(
        "200 OK",
        r#"{"access_token":"opaque-token","expires_in":6}"#,
    )])
    .await;
    token.unwrap();
}
