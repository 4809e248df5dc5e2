use std::sync::Arc;

use serde_json::{Value, json};

use super::{KeySet, MAX_DOCUMENT_BYTES, NoKey};
use crate::algorithm::Algorithm;
use crate::jws::{Header, Jws};
use crate::testing::{EC, EC_2, RSA, RSA_2, jwks};

#[expect(clippy::needless_pass_by_value, reason = "reads better at every call")]
fn set(keys: Value) -> Result<KeySet, String> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

fn header(algorithm: Algorithm, kid: Option<&str>) -> Header {
    Header {
        algorithm,
        key_id: kid.map(str::to_owned),
    }
}

fn renamed(mut jwk: Value, kid: &str) -> Value {
    jwk["kid"] = json!(kid);
    jwk
}

fn unnamed(mut jwk: Value) -> Value {
    jwk.as_object_mut().unwrap().remove("kid");
    jwk
}

#[test]
fn one_bad_key_does_not_spoil_the_set() {
    let bad = [
        json!(null),
        json!(1),
        json!("x"),
        json!({"kty": "RSA", "kid": 1, "x5c": 7}),
        json!({"kty": "oct", "k": "AA"}),
    ];
    for bad in bad {
        let set = set(json!([bad, RSA.jwk(), bad, EC.jwk()])).unwrap();
        assert_eq!(set.len(), 2, "{bad}");
    }
}

#[test]
fn a_document_that_is_no_key_set_is_refused() {
    for document in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[]}"#,
        r#"{"keys":[],"keys":[]}"#,
        "<html>",
    ] {
        assert!(KeySet::parse(document.as_bytes()).is_err(), "{document}");
    }
}

#[test]
fn a_refusal_names_the_reasons_once_each() {
    let refused = set(json!([{"kty": "oct"}, {"kty": "oct"}, {}])).unwrap_err();
    assert_eq!(
        refused,
        "no key in the JWKS can verify RS256 and ES256; kty is missing or not a string; kty is neither RSA nor EC"
    );
}

#[test]
fn a_document_that_is_too_large_is_refused() {
    let keys: Vec<_> = (0..101).map(|n| renamed(EC.jwk(), &n.to_string())).collect();
    assert!(set(json!(keys[..100])).is_ok());
    assert!(set(json!(keys)).unwrap_err().contains("101 keys"));
    let padded = format!("{}{}", jwks(&[&RSA]), " ".repeat(MAX_DOCUMENT_BYTES));
    assert!(KeySet::parse(padded.as_bytes()).is_err());
}

#[test]
fn a_nested_document_does_not_overflow_the_stack() {
    let bomb = format!(r#"{{"keys":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(KeySet::parse(bomb.as_bytes()).is_err());
}

#[test]
fn a_kid_that_means_two_keys_means_neither() {
    let twice = set(json!([RSA.jwk(), renamed(RSA_2.jwk(), "rsa-1"), EC.jwk()])).unwrap();
    assert_eq!(twice.len(), 1);
    let kid = "rsa-1".to_owned();
    assert_eq!(
        twice
            .choose(&header(Algorithm::Rs256, Some("rsa-1")))
            .unwrap_err(),
        NoKey::Unknown { kid }
    );
    assert!(set(json!([RSA.jwk(), renamed(EC.jwk(), "rsa-1")])).is_err());
}

#[test]
fn the_same_key_printed_twice_is_one_key() {
    assert_eq!(set(json!([RSA.jwk(), RSA.jwk()])).unwrap().len(), 1);
}

#[test]
fn a_key_is_chosen_by_its_name_and_must_be_for_the_algorithm() {
    let set = set(json!([RSA.jwk(), EC.jwk()])).unwrap();
    assert_eq!(
        set.choose(&header(Algorithm::Rs256, Some("rsa-1")))
            .unwrap()
            .id
            .as_deref(),
        Some("rsa-1")
    );
    assert_eq!(
        set.choose(&header(Algorithm::Rs256, Some("ec-1"))).unwrap_err(),
        NoKey::WrongAlgorithm {
            of_key: Algorithm::Es256
        }
    );
    assert!(matches!(
        set.choose(&header(Algorithm::Rs256, Some("other"))),
        Err(NoKey::Unknown { .. })
    ));
    assert!(matches!(
        set.choose(&header(Algorithm::Rs256, Some(""))),
        Err(NoKey::Unknown { .. })
    ));
}

#[test]
fn without_a_name_only_the_single_fitting_key_is_chosen() {
    let one_each = set(json!([RSA.jwk(), EC.jwk()])).unwrap();
    assert_eq!(
        one_each
            .choose(&header(Algorithm::Es256, None))
            .unwrap()
            .id
            .as_deref(),
        Some("ec-1")
    );
    let two = set(json!([EC.jwk(), unnamed(EC_2.jwk())])).unwrap();
    assert_eq!(
        two.choose(&header(Algorithm::Es256, None)).unwrap_err(),
        NoKey::NotNamed { candidates: 2 }
    );
    assert_eq!(
        two.choose(&header(Algorithm::Rs256, None)).unwrap_err(),
        NoKey::NotNamed { candidates: 0 }
    );
}

#[test]
fn a_key_without_a_name_does_not_answer_to_one() {
    let set = set(json!([unnamed(EC.jwk())])).unwrap();
    assert!(matches!(
        set.choose(&header(Algorithm::Es256, Some("ec-1"))),
        Err(NoKey::Unknown { .. })
    ));
    assert!(set.choose(&header(Algorithm::Es256, None)).is_ok());
}

#[test]
fn a_key_that_stays_is_the_same_object_and_one_that_goes_is_withdrawn() {
    let old = set(json!([RSA.jwk(), EC.jwk()])).unwrap();
    let (rsa, ec) = (
        header(Algorithm::Rs256, Some("rsa-1")),
        header(Algorithm::Es256, Some("ec-1")),
    );
    let (old_rsa, old_ec) = (old.choose(&rsa).unwrap(), old.choose(&ec).unwrap());
    let new = set(json!([EC_2.jwk(), EC.jwk()])).unwrap().succeeding(&old);
    old.withdraw_all_but(Some(&new));
    assert!(Arc::ptr_eq(&new.choose(&ec).unwrap(), &old_ec));
    assert!(!old_ec.is_withdrawn());
    assert!(old_rsa.is_withdrawn());
}

#[test]
fn a_key_under_a_new_name_is_a_new_key() {
    let old = set(json!([EC.jwk()])).unwrap();
    let new = set(json!([renamed(EC.jwk(), "renamed")]))
        .unwrap()
        .succeeding(&old);
    assert!(new.choose(&header(Algorithm::Es256, Some("renamed"))).is_ok());
    assert!(new.choose(&header(Algorithm::Es256, Some("ec-1"))).is_err());
}

/// Whoever chose the key, it vouches for nothing under another algorithm than its own.
#[test]
fn a_key_does_not_vouch_for_a_token_that_says_another_algorithm() {
    let set = set(json!([RSA.jwk()])).unwrap();
    let key = set.choose(&header(Algorithm::Rs256, Some("rsa-1"))).unwrap();
    let says = |alg: &str| RSA.sign_text(&json!({ "alg": alg }).to_string(), "{}");
    assert!(key.signed(&Jws::parse(says("RS256").as_bytes()).unwrap()));
    assert!(!key.signed(&Jws::parse(says("ES256").as_bytes()).unwrap()));
}

#[test]
fn a_name_that_passes_to_another_key_withdraws_the_old_one() {
    let ec = header(Algorithm::Es256, Some("ec-1"));
    let old = set(json!([EC.jwk()])).unwrap();
    let old_key = old.choose(&ec).unwrap();
    let new = set(json!([renamed(EC_2.jwk(), "ec-1")]))
        .unwrap()
        .succeeding(&old);
    old.withdraw_all_but(Some(&new));
    assert!(old_key.is_withdrawn());
    assert!(!new.choose(&ec).unwrap().is_withdrawn());
}
