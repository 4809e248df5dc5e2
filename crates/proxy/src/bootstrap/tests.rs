use http::Method;

use super::{Question, TokenRequest};
use crate::Failure;

const EXCHANGE: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
const JWT: &str = "subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";

fn error(form: &str) -> &'static str {
    match TokenRequest::parse(form.as_bytes()) {
        Err(Failure::TokenRequest { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_these_paths_are_answered_without_a_credential() {
    for (path, question) in [
        ("/.well-known/databricks-config", Question::HostMetadata),
        (
            "/oidc/.well-known/oauth-authorization-server",
            Question::AuthorizationServer,
        ),
        (
            "/oidc/accounts/1a-2b/.well-known/oauth-authorization-server",
            Question::AuthorizationServer,
        ),
        ("/oidc/v1/token", Question::Token),
        ("/oidc/accounts/1a-2b/v1/token", Question::Token),
    ] {
        assert_eq!(Question::asked(path), Some(question), "{path}");
    }
    for path in [
        "/",
        "/oidc",
        "/oidc/",
        "/oidc/v1/authorize",
        "/oidc/v1/token/",
        "/oidc/v1/%74oken",
        "//oidc/v1/token",
        "/OIDC/v1/token",
        "/x/oidc/v1/token",
        "/oidc/accounts/v1/token",
        "/oidc/accounts/a/b/v1/token",
        "/.well-known/databricks-config/../../api/2.0/clusters/list",
        "/api/2.0/clusters/list",
    ] {
        assert_eq!(Question::asked(path), None, "{path}");
    }
}

#[test]
fn each_question_has_its_method() {
    assert!(Question::Token.check_method(&Method::POST).is_ok());
    assert!(Question::Token.check_method(&Method::GET).is_err());
    assert!(Question::HostMetadata.check_method(&Method::HEAD).is_ok());
    assert!(Question::HostMetadata.check_method(&Method::POST).is_err());
}

#[test]
fn a_drivers_token_exchange_is_understood() {
    let form = format!(
        "client_id=x&{EXCHANGE}&scope=sql&{JWT}&subject_token=a.b.c&return_original_token_if_authenticated=true"
    );
    let request = TokenRequest::parse(form.as_bytes()).unwrap();
    assert_eq!(request.subject_token().expose(), b"a.b.c");
}

#[test]
fn other_grants_and_incomplete_requests_are_refused_in_oauths_words() {
    assert_eq!(error("grant_type=client_credentials"), "unsupported_grant_type");
    assert_eq!(error("scope=sql"), "invalid_request");
    assert_eq!(error(EXCHANGE), "invalid_request");
    assert_eq!(error(&format!("{EXCHANGE}&subject_token=")), "invalid_request");
    assert_eq!(
        error(&format!("{EXCHANGE}&subject_token=a&subject_token=b")),
        "invalid_request"
    );
    assert_eq!(
        error(&format!("{EXCHANGE}&subject_token=a&subject_token_type=saml")),
        "invalid_request"
    );
}

#[test]
fn the_debug_of_a_token_request_shows_no_token() {
    let form = format!("{EXCHANGE}&subject_token=secret.secret.secret");
    let request = TokenRequest::parse(form.as_bytes()).unwrap();
    assert!(!format!("{request:?}").contains("secret"));
}
