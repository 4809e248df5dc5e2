//! Whatever is accepted here, `jsonwebtoken` accepts as well.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::testing::{AUDIENCE, EC, ISSUER, RSA, Signer, bearer, http, issuer, jwks};
use crate::{Clock, FixedKeys, KeySource, Verifier};

/// By the system's clock, since `jsonwebtoken` knows no other.
fn ours(token: &str) -> bool {
    let keys = FixedKeys::parse(jwks(&[&RSA, &EC]).as_bytes()).unwrap();
    let (verifier, _) = Verifier::builder(vec![issuer(ISSUER, KeySource::Fixed(keys))], http()).build();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(verifier.verify(bearer(token))).is_ok()
}

fn theirs(signer: &Signer, token: &str) -> bool {
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(signer.jwk()).unwrap();
    let algorithm = if signer.alg() == "RS256" {
        Algorithm::RS256
    } else {
        Algorithm::ES256
    };
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    jsonwebtoken::decode::<Value>(token, &DecodingKey::from_jwk(&jwk).unwrap(), &validation).is_ok()
}

/// Mostly the good value, sometimes an odd one.
fn odd(good: Value, odd: &[Value]) -> impl Strategy<Value = Value> + use<> {
    prop_oneof![4 => Just(good), 1 => select(odd.to_vec())]
}

fn any_claims() -> impl Strategy<Value = Value> {
    let now = Clock::system().now().seconds();
    let later = json!(now + 3600);
    let odd_times = [
        json!(0),
        json!(-1),
        json!("1"),
        json!(now),
        json!(now + 30),
        later.clone(),
        json!(1e300),
        json!(null),
    ];
    let exp = odd(later, &odd_times);
    let nbf = odd(json!(now), &odd_times);
    let iss = odd(
        json!(ISSUER),
        &[
            json!([ISSUER]),
            json!("https://idp.example/"),
            json!(1),
            json!(null),
        ],
    );
    let odd_audiences = [
        json!([AUDIENCE]),
        json!(["x", AUDIENCE]),
        json!([]),
        json!("x"),
        json!({"a": AUDIENCE}),
        json!(null),
    ];
    let aud = odd(json!(AUDIENCE), &odd_audiences);
    let sub = odd(
        json!("alice"),
        &[json!(""), json!(1), json!(null), json!(["alice"])],
    );
    (exp, nbf, iss, aud, sub).prop_map(|(exp, nbf, iss, aud, sub)| {
        let mut claims = json!({"exp": exp, "nbf": nbf, "iss": iss, "aud": aud, "sub": sub});
        claims
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        claims
    })
}

fn any_header(signer: &Signer) -> impl Strategy<Value = Value> + use<> {
    let odd_algorithms = ["none", "HS256", "RS256", "ES256", "PS256"].map(Value::from);
    let alg = odd(json!(signer.alg()), &odd_algorithms);
    let kid = odd(
        json!(signer.kid),
        &[json!("rsa-1"), json!("ec-1"), json!("x"), json!(1)],
    );
    let typ = odd(json!("JWT"), &[json!("at+jwt"), json!("jwt"), json!(1)]);
    (alg, kid, typ).prop_map(|(alg, kid, typ)| json!({"alg": alg, "kid": kid, "typ": typ}))
}

fn compared(signer: &Signer, header: &Value, claims: &Value, cut: usize) {
    let mut token = signer.sign_text(&header.to_string(), &claims.to_string());
    token.truncate(token.len() - cut);
    assert!(!ours(&token) || theirs(signer, &token), "{header} {claims}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_accepted_here_is_accepted_by_jsonwebtoken(header in any_header(&RSA), claims in any_claims(), cut in select(vec![0, 0, 0, 1, 2])) {
        compared(&RSA, &header, &claims, cut);
    }

    #[test]
    fn what_is_accepted_here_is_accepted_by_jsonwebtoken_too_for_es256(header in any_header(&EC), claims in any_claims(), cut in select(vec![0, 0, 0, 1, 2])) {
        compared(&EC, &header, &claims, cut);
    }
}

#[test]
fn both_accept_a_good_token_so_that_the_comparison_means_something() {
    let now = Clock::system().now().seconds();
    for signer in [&*RSA, &*EC] {
        let token = signer.sign(&json!({"exp": now + 3600, "iss": ISSUER, "aud": AUDIENCE, "sub": "alice"}));
        assert!(ours(&token) && theirs(signer, &token));
    }
}
