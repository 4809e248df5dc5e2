use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher as _};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{DigestHasher, NOISE, TokenDigest};
use crate::claims::Claims;
use crate::testing::{ISSUER, RSA, bearer, issuer, jwks};
use crate::{FixedKeys, Issuer, KeySource, SubjectDigest};

fn keys() -> KeySource {
    KeySource::Fixed(FixedKeys::parse(jwks(&[&RSA]).as_bytes()).unwrap())
}

fn digest_of_text(issuer: &Issuer, json: &str) -> SubjectDigest {
    SubjectDigest::new(issuer, &Claims::parse(json.as_bytes()).unwrap())
}

fn digest(claims: &Value) -> SubjectDigest {
    digest_of_text(&issuer(ISSUER, keys()), &claims.to_string())
}

#[test]
fn the_order_of_the_claims_does_not_matter() {
    let issuer = issuer(ISSUER, keys());
    let one = digest_of_text(&issuer, r#"{"a": 1, "b": {"c": 2}}"#);
    assert_eq!(one, digest_of_text(&issuer, r#"{ "b":  {"c": 2},  "\u0061": 1}"#));
}

#[test]
fn two_issuers_never_share_a_subject() {
    let claims = r#"{"sub":"alice"}"#;
    assert_ne!(
        digest_of_text(&issuer("https://a.example", keys()), claims),
        digest_of_text(&issuer("https://b.example", keys()), claims)
    );
}

#[test]
fn numbers_that_a_float_cannot_tell_apart_are_told_apart() {
    assert_ne!(
        digest(&json!({"uid": 9_007_199_254_740_993_u64})),
        digest(&json!({"uid": 9_007_199_254_740_992_u64}))
    );
}

#[test]
fn types_are_told_apart() {
    let all = [
        json!({"x": "1"}),
        json!({"x": 1}),
        json!({"x": [1]}),
        json!({"x": null}),
        json!({}),
        json!({"x": "null"}),
    ];
    for (i, a) in all.iter().enumerate() {
        for b in &all[i + 1..] {
            assert_ne!(digest(a), digest(b), "{a} {b}");
        }
    }
}

#[test]
fn names_and_values_cannot_run_into_each_other() {
    assert_ne!(digest(&json!({"a": 11})), digest(&json!({"a1": 1})));
    assert_ne!(digest(&json!({"a": 1, "b": 2})), digest(&json!({"a": "1\"b2"})));
}

/// A longer list could merge two callers: whoever adds to it comes by here.
#[test]
fn the_list_of_noise_is_this_and_no_longer() {
    let mut noise = NOISE;
    noise.sort_unstable();
    let known = [
        "aio",
        "at_hash",
        "auth_time",
        "c_hash",
        "exp",
        "iat",
        "jti",
        "nbf",
        "nonce",
        "rh",
        "s_hash",
        "session_state",
        "sid",
        "uti",
    ];
    assert_eq!(noise, known);
}

#[test]
fn an_issuer_may_narrow_the_subject_to_listed_claims() {
    let narrowed = Issuer {
        identity_claims: Some(vec!["groups".to_owned()]),
        ..issuer(ISSUER, keys())
    };
    let digest = |claims: Value| digest_of_text(&narrowed, &claims.to_string());
    let base = json!({"iss": ISSUER, "sub": "a", "aud": "x", "groups": ["g"], "request": 1});
    let changed = |name: &str| {
        let mut claims = base.clone();
        claims[name] = json!("changed");
        digest(claims)
    };
    assert_eq!(digest(base.clone()), changed("request"));
    for name in ["iss", "sub", "aud", "groups"] {
        assert_ne!(digest(base.clone()), changed(name), "{name}");
    }
}

#[test]
fn the_digest_covers_exactly_the_presented_bytes() {
    assert!(TokenDigest::of(&bearer("a.b.c")) == TokenDigest::of(&bearer("a.b.c")));
    assert!(TokenDigest::of(&bearer("a.b.c")) != TokenDigest::of(&bearer("a.b.c ")));
}

#[test]
fn the_hash_of_a_digest_is_its_first_eight_bytes() {
    let mut hasher = DigestHasher::default();
    TokenDigest([7; 32]).hash(&mut hasher);
    assert_eq!(hasher.finish(), 0x0707_0707_0707_0707);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[ -~]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        proptest::collection::vec(inner, 0..3).prop_map(Value::from)
    })
}

fn identity_claims() -> impl Strategy<Value = BTreeMap<String, Value>> {
    let name = "[a-z]{1,3}".prop_filter("noise", |name| !NOISE.contains(&name.as_str()));
    proptest::collection::btree_map(name, json_value(), 0..4)
}

proptest! {
    #[test]
    fn different_claims_never_share_a_digest(a in identity_claims(), b in identity_claims()) {
        prop_assert_eq!(a == b, digest(&json!(a)) == digest(&json!(b)));
    }

    #[test]
    fn one_changed_claim_changes_the_digest(claims in identity_claims(), name in "[a-z]{1,3}", value in json_value()) {
        prop_assume!(!NOISE.contains(&name.as_str()) && claims.get(&name) != Some(&value));
        let mut changed = claims.clone();
        changed.insert(name, value);
        prop_assert_ne!(digest(&json!(claims)), digest(&json!(changed)));
    }

    #[test]
    fn noise_never_changes_the_digest(claims in identity_claims(), noise in proptest::sample::select(&NOISE[..]), value in json_value()) {
        let mut noisy = claims.clone();
        noisy.insert(noise.to_owned(), value);
        prop_assert_eq!(digest(&json!(claims)), digest(&json!(noisy)));
    }
}
