//! Whatever is presented as a JWT: nobody gets in without a signature, and nobody with one beyond the rules.
//!
//! An input that begins with `{` is a header, a line end, and claims, which are then signed by the issuer: so the fuzzer gets
//! past the signature. Every other input is a token as it is.

use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::FixedKeys;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use crate::judge::{AUDIENCE, DOCUMENTED, DOCUMENTED_KEY, ISSUER, Judge, NOW};

/// Nothing is admitted but what a key of the issuer has signed, within the rules of RFC 7515 and RFC 7519 as two other parsers
/// see them; and no byte of an admitted token can be another.
pub fn check(input: &[u8]) {
    if input.starts_with(b"{") {
        let end = input.iter().position(|&byte| byte == b'\n');
        let (header, claims) = input.split_at(end.unwrap_or(input.len()));
        signed(header, claims);
    } else if JUDGE.judge(input).is_ok() {
        // ECDSA allows for a second signature; what is signed is the same.
        assert_eq!(signing_input(input), signing_input(DOCUMENTED));
    }
}

fn signed(header: &[u8], claims: &[u8]) {
    let token = sign(header, claims);
    if let Ok(identity) = JUDGE.judge(&token) {
        check_header(&serde_json::from_slice(header).expect("an accepted header is JSON"));
        let claims: Value = serde_json::from_slice(claims).expect("accepted claims are JSON");
        check_claims(&claims);
        assert_eq!(claims["sub"], identity.subject().as_str());
        assert_eq!(identity.issuer(), ISSUER);
        assert_eq!(second_opinion(&token), claims);
        assert_altered_tokens_are_refused(&token);
    }
}

fn sign(header: &[u8], claims: &[u8]) -> Vec<u8> {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let input = format!("{header}.{claims}");
    let signature = KEY
        .sign(&SystemRandom::new(), input.as_bytes())
        .expect("a signature");
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)).into_bytes()
}

fn signing_input(token: &[u8]) -> Option<&[u8]> {
    let end = token.iter().rposition(|&byte| byte == b'.')?;
    token.get(..end)
}

fn check_header(header: &Value) {
    assert_eq!(header["alg"], "ES256");
    assert!(header.get("typ").is_none_or(Value::is_string));
    // There are two keys for ES256, so one of them has to be named.
    assert_eq!(header["kid"], "fuzz");
    for member in ["crit", "b64", "jwk", "jku", "x5u", "x5c", "zip", "enc"] {
        assert!(header.get(member).is_none(), "{member}");
    }
}

/// The rules of RFC 7519 section 4.1, and ours.
fn check_claims(claims: &Value) {
    assert_eq!(claims["iss"], ISSUER);
    assert!(claims["sub"].as_str().is_some_and(|subject| !subject.is_empty()));
    let audience = &claims["aud"];
    let listed = || {
        audience
            .as_array()
            .is_some_and(|all| all.contains(&json!(AUDIENCE)))
    };
    assert!(audience == AUDIENCE || listed());
    assert!(claims["exp"].as_f64().is_some_and(|expiry| expiry > NOW.into()));
    for start in ["nbf", "iat"] {
        let moment = claims.get(start).map_or(Some(0.0), Value::as_f64);
        assert!(
            moment.is_some_and(|moment| moment <= f64::from(NOW + LEEWAY)),
            "{start}"
        );
    }
}

/// Signature, issuer and audience, without the times: `jsonwebtoken` knows no clock but the system's.
fn second_opinion(token: &[u8]) -> Value {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_exp = false;
    validation.validate_nbf = false;
    let [x, y] = coordinates();
    let key = DecodingKey::from_ec_components(&x, &y).expect("a key");
    let decoded = jsonwebtoken::decode::<Value>(token, &key, &validation);
    decoded.expect("what is admitted here, others admit").claims
}

fn assert_altered_tokens_are_refused(token: &[u8]) {
    for at in [0, token.len() / 3, token.len() - 2] {
        let mut altered = token.to_vec();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        assert!(JUDGE.judge(&altered).is_err(), "byte {at} was altered");
    }
    assert!(JUDGE.judge(&token[..token.len() - 1]).is_err());
}

/// SEC 1 section 2.3.3: 04, x, y.
fn coordinates() -> [String; 2] {
    let point = KEY.public_key().as_ref();
    [&point[1..33], &point[33..65]].map(|half| URL_SAFE_NO_PAD.encode(half))
}

static KEY: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"));

/// With a key that signs, and one that has signed a single token.
static JUDGE: LazyLock<Judge> = LazyLock::new(|| {
    let [x, y] = coordinates();
    let key = json!({"kty": "EC", "crv": "P-256", "kid": "fuzz", "x": x, "y": y});
    let keys = format!(r#"{{"keys":[{key},{DOCUMENTED_KEY}]}}"#);
    Judge::new(FixedKeys::parse(keys.as_bytes()).expect("keys"))
});

/// More than clocks may differ by default.
const LEEWAY: u32 = 300;
