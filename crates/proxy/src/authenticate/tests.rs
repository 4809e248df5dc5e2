use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};

use super::credential;
use crate::Failure;

fn presented(values: &[&str]) -> Result<Vec<u8>, Failure> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
    }
    credential(&headers).map(|token| token.expose().to_vec())
}

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

#[test]
fn a_bearer_token_is_taken_as_it_stands() {
    assert_eq!(presented(&["Bearer a.b.c"]).unwrap(), b"a.b.c");
}

#[test]
fn the_scheme_is_read_in_any_case_and_with_any_number_of_spaces() {
    assert_eq!(presented(&["bEARER   a.b.c"]).unwrap(), b"a.b.c");
}

#[test]
fn a_scheme_without_a_token_gives_an_empty_token_which_is_no_jwt() {
    assert_eq!(presented(&["Bearer"]).unwrap(), b"");
    assert_eq!(presented(&["Bearer "]).unwrap(), b"");
}

#[test]
fn the_password_of_the_basic_user_token_is_the_jwt() {
    assert_eq!(presented(&[&basic("token:a.b.c")]).unwrap(), b"a.b.c");
}

#[test]
fn basic_with_another_user_is_refused() {
    for pair in ["Token:a.b.c", "alice:a.b.c", "a.b.c", ":a.b.c", ""] {
        assert!(
            matches!(presented(&[&basic(pair)]), Err(Failure::UnsupportedCredential)),
            "{pair}"
        );
    }
}

#[test]
fn basic_that_is_not_base64_is_refused() {
    assert!(matches!(
        presented(&["Basic token:a.b.c"]),
        Err(Failure::UnsupportedCredential)
    ));
}

#[test]
fn another_scheme_is_refused() {
    for value in ["Digest a", "Bearera.b.c", "a.b.c", "", "Negotiate x"] {
        assert!(
            matches!(presented(&[value]), Err(Failure::UnsupportedCredential)),
            "{value}"
        );
    }
}

#[test]
fn no_credential_is_a_fault_of_its_own() {
    assert!(matches!(presented(&[]), Err(Failure::NoCredential)));
}

#[test]
fn two_credentials_are_refused_even_if_they_are_the_same() {
    assert!(matches!(
        presented(&["Bearer a.b.c", "Bearer a.b.c"]),
        Err(Failure::TwoCredentials)
    ));
}
