use serde_json::json;

use super::Claims;
use crate::UnixTime;
use crate::rejection::Rejection;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

fn exp(text: &str) -> Result<UnixTime, Rejection> {
    Claims::parse(format!(r#"{{"exp": {text}}}"#).as_bytes())
        .unwrap()
        .expiry()
}

#[test]
fn claims_are_one_object_without_repetition() {
    for payload in [
        "",
        "[]",
        "null",
        r#"{"sub":"a","sub":"b"}"#,
        r#"{"sub":"a","\u0073ub":"a"}"#,
        r#"{"x":1,"x":1}"#,
    ] {
        assert_eq!(
            Claims::parse(payload.as_bytes()).err().unwrap().code(),
            "JWT_MALFORMED",
            "{payload}"
        );
    }
}

#[test]
fn exp_is_floored_and_never_leaves_the_range() {
    assert_eq!(exp("1700000000").unwrap(), at(1_700_000_000));
    assert_eq!(exp("1700000000.999").unwrap(), at(1_700_000_000));
    assert_eq!(exp("1.7e9").unwrap(), at(1_700_000_000));
    assert_eq!(exp("-0.0").unwrap(), at(0));
    assert_eq!(exp("18446744073709551615").unwrap(), at(u64::MAX));
}

#[test]
fn exp_of_another_type_is_refused_and_absence_is_told_apart() {
    for text in [
        "\"1700000000\"",
        "null",
        "true",
        "[]",
        "{}",
        "1e400",
        "-1",
        "-0.5",
    ] {
        assert_eq!(exp(text).unwrap_err().code(), "JWT_WRONG_TYPE", "{text}");
    }
    assert_eq!(
        Claims::parse(b"{}").unwrap().expiry().unwrap_err().code(),
        "JWT_MISSING_CLAIM"
    );
}

#[test]
fn nbf_and_iat_are_rounded_up() {
    let claims = Claims::parse(br#"{"nbf": 10.1, "iat": "10"}"#).unwrap();
    assert_eq!(claims.start("nbf").unwrap(), Some(at(11)));
    assert_eq!(claims.start("iat").unwrap_err().code(), "JWT_WRONG_TYPE");
    assert_eq!(Claims::parse(b"{}").unwrap().start("nbf").unwrap(), None);
}

#[test]
fn aud_is_a_string_or_an_array_of_strings() {
    let audiences = |aud: serde_json::Value| {
        let payload = json!({"aud": aud}).to_string();
        let claims = Claims::parse(payload.as_bytes()).unwrap();
        claims
            .audiences()
            .map(|several| several.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(audiences(json!("a")).unwrap(), ["a"]);
    assert_eq!(audiences(json!(["a", "b"])).unwrap(), ["a", "b"]);
    assert_eq!(audiences(json!([])).unwrap(), Vec::<String>::new());
    for wrong in [
        json!(1),
        json!(null),
        json!({"a": 1}),
        json!(["a", 1]),
        json!([["a"]]),
    ] {
        assert_eq!(
            audiences(wrong.clone()).unwrap_err().code(),
            "JWT_WRONG_TYPE",
            "{wrong}"
        );
    }
    assert_eq!(
        Claims::parse(b"{}").unwrap().audiences().unwrap_err().code(),
        "JWT_MISSING_CLAIM"
    );
}

#[test]
fn iss_and_sub_are_strings_and_sub_is_not_empty() {
    let claims = |json: serde_json::Value| json.to_string();
    for wrong in [json!(["https://idp.example"]), json!(1), json!(null)] {
        let payload = claims(json!({"iss": wrong, "sub": wrong}));
        let parsed = Claims::parse(payload.as_bytes()).unwrap();
        assert_eq!(parsed.issuer().unwrap_err().code(), "JWT_WRONG_TYPE");
        assert_eq!(parsed.subject().unwrap_err().code(), "JWT_WRONG_TYPE");
    }
    assert_eq!(
        Claims::parse(br#"{"sub":""}"#)
            .unwrap()
            .subject()
            .unwrap_err()
            .code(),
        "JWT_WRONG_TYPE"
    );
    assert_eq!(
        Claims::parse(b"{}").unwrap().subject().unwrap_err().code(),
        "JWT_MISSING_CLAIM"
    );
    assert_eq!(
        Claims::parse(b"{}").unwrap().issuer().unwrap_err().code(),
        "JWT_MISSING_CLAIM"
    );
}
