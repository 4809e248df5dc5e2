use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;

use super::credential;
use crate::Failure;
use crate::route::Allowances;

const KEYS_ALLOWED: Allowances = Allowances {
    api_key_carriers: true,
    databricks_tokens: false,
    cookies: false,
};

fn presented(values: &[&str]) -> Result<Vec<u8>, Failure> {
    let fields: Vec<_> = values.iter().map(|value| ("authorization", *value)).collect();
    carried("/", &fields, Allowances::default())
}

fn carried(path: &str, fields: &[(&str, &str)], allowances: Allowances) -> Result<Vec<u8>, Failure> {
    let request = fields.iter().fold(Request::get(path), |request, (name, value)| {
        request.header(*name, *value)
    });
    credential(&request.body(()).unwrap(), allowances).map(|token| token.expose().to_vec())
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

#[test]
fn an_api_key_is_a_credential_only_where_it_is_allowed() {
    for name in ["x-api-key", "X-Goog-Api-Key"] {
        let field = [(name, "a.b.c")];
        let given = carried("/ai-gateway/anthropic/v1/messages", &field, KEYS_ALLOWED);
        assert_eq!(given.unwrap(), b"a.b.c");
        for (path, allowances) in [
            ("/ai-gateway/x", Allowances::default()),
            ("/ai-gateway", KEYS_ALLOWED),
            ("/ai-gatewayx/", KEYS_ALLOWED),
            ("/api/2.0/ai-gateway/", KEYS_ALLOWED),
            ("/AI-GATEWAY/", KEYS_ALLOWED),
        ] {
            let given = carried(path, &field, allowances);
            assert!(matches!(given, Err(Failure::NoCredential)), "{path}");
        }
    }
}

#[test]
fn two_carriers_are_refused_whatever_they_hold() {
    let all = [
        ("authorization", "Bearer a.b.c"),
        ("x-api-key", "a.b.c"),
        ("x-api-key", ""),
        ("x-goog-api-key", "a.b.c"),
    ];
    for (first, one) in all.iter().enumerate() {
        for other in &all[first + 1..] {
            let given = carried("/ai-gateway/x", &[*one, *other], KEYS_ALLOWED);
            assert!(matches!(given, Err(Failure::TwoCredentials)), "{one:?} {other:?}");
        }
    }
}
