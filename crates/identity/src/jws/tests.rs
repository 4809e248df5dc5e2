use proptest::prelude::*;
use serde_json::json;

use super::{Jws, MAX_TOKEN_BYTES};
use crate::algorithm::Algorithm;
use crate::rejection::Rejection;
use crate::testing::{EC, RSA, claims, encode};

fn code(token: &str) -> &'static str {
    Jws::parse(token.as_bytes())
        .err()
        .map_or("accepted", |rejection| rejection.code())
}

fn header_code(header: &str) -> &'static str {
    code(&format!("{}.e30.AA", encode(header)))
}

#[test]
fn a_well_formed_token_is_taken_apart() {
    let token = RSA.sign(&claims(json!({})));
    let jws = Jws::parse(token.as_bytes()).unwrap();
    assert_eq!(jws.header.algorithm, Algorithm::Rs256);
    assert_eq!(jws.header.key_id.as_deref(), Some("rsa-1"));
    assert_eq!(jws.signing_input(), token.rsplit_once('.').unwrap().0.as_bytes());
    assert_eq!(jws.signature().len(), 256);
    assert_eq!(jws.payload, claims(json!({})).to_string().as_bytes());
}

#[test]
fn only_three_segments_are_a_token() {
    for token in [
        "",
        ".",
        "e30",
        "e30.e30",
        "e30.e30.e30.e30",
        "....",
        "a.b.c.d.e.f",
    ] {
        assert_eq!(code(token), "JWT_MALFORMED", "{token:?}");
    }
    assert_eq!(code(".."), "JWT_MALFORMED");
}

#[test]
fn what_was_sent_instead_of_a_token_is_named() {
    let message = |token: &str| Jws::parse(token.as_bytes()).err().unwrap().to_string();
    assert!(message("c2VjcmV0").contains("opaque"));
    assert!(message("a.b.c.d.e").contains("encrypted (JWE)"));
    assert!(matches!(
        Jws::parse(b"dapi0123456789abcdef").err(),
        Some(Rejection::DatabricksToken { issuer: None })
    ));
}

#[test]
fn a_token_that_is_too_large_is_refused_before_it_is_decoded() {
    let huge = "!".repeat(MAX_TOKEN_BYTES + 1);
    assert_eq!(code(&huge), "JWT_TOO_LARGE");
    assert_eq!(code(&huge[1..]), "JWT_MALFORMED");
}

#[test]
fn base64url_is_strict_in_every_segment() {
    let good = RSA.sign(&claims(json!({})));
    let segments: Vec<&str> = good.split('.').collect();
    // Padding, the other alphabet, white space, an impossible length, and bits left over.
    for broken in ["YQ==", "YQ=", "-+", "ab/d", "ab d", "abcde", "YR", "YWJ\n"] {
        for position in 0..3 {
            let mut segments = segments.clone();
            segments[position] = broken;
            assert_eq!(
                code(&segments.join(".")),
                "JWT_MALFORMED",
                "{broken:?} at {position}"
            );
        }
    }
}

#[test]
fn a_header_that_repeats_a_member_is_refused() {
    for header in [
        r#"{"alg":"RS256","alg":"RS256"}"#,
        r#"{"alg":"RS256","\u0061lg":"ES256"}"#,
        r#"{"alg":"RS256","x-unknown":1,"x-unknown":1}"#,
    ] {
        assert_eq!(header_code(header), "JWT_MALFORMED", "{header}");
    }
}

#[test]
fn only_two_algorithms_are_accepted_spelled_exactly() {
    for alg in [
        "none", "None", "HS256", "rs256", "RS256 ", "RS384", "PS256", "ES384", "es256", "EdDSA", "",
    ] {
        assert_eq!(
            header_code(&json!({"alg": alg}).to_string()),
            "JWT_ALGORITHM_NOT_ALLOWED",
            "{alg:?}"
        );
    }
    assert_eq!(header_code(r#"{"kid":"a"}"#), "JWT_MALFORMED");
    assert_eq!(header_code(r#"{"alg":null}"#), "JWT_WRONG_TYPE");
    assert_eq!(header_code(r#"{"alg":["RS256"]}"#), "JWT_WRONG_TYPE");
    assert_eq!(header_code(r#"{"alg":"RS256"}"#), "accepted");
    assert_eq!(header_code(r#"{"alg":"ES256"}"#), "accepted");
}

#[test]
fn a_header_may_not_bring_a_key() {
    let own = EC.jwk();
    for header in [
        json!({"alg": "ES256", "jwk": own}),
        json!({"alg": "ES256", "jku": "https://evil.example/jwks"}),
        json!({"alg": "ES256", "x5u": "https://evil.example/chain"}),
        json!({"alg": "ES256", "x5c": ["MIIB"]}),
        json!({"alg": "ES256", "jwk": null}),
    ] {
        assert_eq!(header_code(&header.to_string()), "JWT_KEY_IN_HEADER", "{header}");
    }
    // A thumbprint is not a key; Microsoft Entra ID always sends one.
    assert_eq!(
        header_code(r#"{"alg":"RS256","x5t":"abc","x5t#S256":"abc"}"#),
        "accepted"
    );
}

#[test]
fn extensions_are_never_passed_over() {
    for header in [
        json!({"alg": "RS256", "crit": ["exp"], "exp": 1}),
        json!({"alg": "RS256", "crit": []}),
        json!({"alg": "RS256", "b64": false}),
        json!({"alg": "RS256", "b64": true}),
        json!({"alg": "RS256", "zip": "DEF"}),
        json!({"alg": "RS256", "enc": "A256GCM"}),
    ] {
        assert_eq!(
            header_code(&header.to_string()),
            "JWT_EXTENSION_NOT_SUPPORTED",
            "{header}"
        );
    }
}

#[test]
fn types_of_access_and_id_tokens_are_accepted_and_others_are_not() {
    for typ in [
        "JWT",
        "jwt",
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "application/JWT",
        "JOSE",
    ] {
        assert_eq!(
            header_code(&json!({"alg": "RS256", "typ": typ}).to_string()),
            "accepted",
            "{typ}"
        );
    }
    for typ in [
        "",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "application/",
        "application/application/jwt",
        "text/jwt",
    ] {
        assert_eq!(
            header_code(&json!({"alg": "RS256", "typ": typ}).to_string()),
            "JWT_TYPE_NOT_ALLOWED",
            "{typ}"
        );
    }
    assert_eq!(header_code(r#"{"alg":"RS256","typ":1}"#), "JWT_WRONG_TYPE");
}

#[test]
fn a_kid_is_a_string() {
    for kid in [json!(1), json!(null), json!(["a"]), json!({"a": 1})] {
        assert_eq!(
            header_code(&json!({"alg": "RS256", "kid": kid}).to_string()),
            "JWT_WRONG_TYPE",
            "{kid}"
        );
    }
}

#[test]
fn a_nested_header_does_not_overflow_the_stack() {
    let bomb = format!(r#"{{"alg":"RS256","x":{}}}"#, "[".repeat(10_000));
    assert_eq!(header_code(&bomb), "JWT_MALFORMED");
    let closed = format!(
        r#"{{"alg":"RS256","x":{}{}}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert_eq!(header_code(&closed), "accepted");
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(token in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Jws::parse(&token);
    }

    #[test]
    fn no_three_segments_make_the_parser_panic(header in ".{0,60}", payload in "[A-Za-z0-9_-]{0,40}", signature in "[A-Za-z0-9_.=-]{0,40}") {
        let _ = Jws::parse(format!("{}.{payload}.{signature}", encode(header)).as_bytes());
    }
}
