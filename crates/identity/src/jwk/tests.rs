use serde_json::{Value, json};

use super::parse;
use crate::algorithm::Algorithm;
use crate::testing::{EC, RSA, encode};

fn fault(jwk: &Value) -> String {
    parse(jwk.to_string().as_bytes())
        .expect_err("this key must be refused")
        .to_string()
}

fn with(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk[member] = value;
    jwk
}

fn without(mut jwk: Value, member: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(member);
    jwk
}

fn decoded(jwk: &Value, member: &str) -> Vec<u8> {
    crate::base64url::decode(jwk[member].as_str().unwrap().as_bytes()).unwrap()
}

#[test]
fn both_kinds_of_key_are_accepted() {
    let rsa = parse(RSA.jwk().to_string().as_bytes()).unwrap();
    assert_eq!(
        (rsa.id.as_deref(), rsa.algorithm),
        (Some("rsa-1"), Algorithm::Rs256)
    );
    let ec = parse(EC.jwk().to_string().as_bytes()).unwrap();
    assert_eq!((ec.id.as_deref(), ec.algorithm), (Some("ec-1"), Algorithm::Es256));
}

#[test]
fn what_a_key_need_not_say_may_be_left_out() {
    for member in ["use", "alg", "kid"] {
        assert!(
            parse(without(RSA.jwk(), member).to_string().as_bytes()).is_ok(),
            "{member}"
        );
    }
    let verify = with(EC.jwk(), "key_ops", json!(["sign", "verify"]));
    assert!(parse(verify.to_string().as_bytes()).is_ok());
}

#[test]
fn a_key_for_another_purpose_is_refused() {
    assert!(fault(&with(RSA.jwk(), "use", json!("enc"))).contains("use"));
    assert!(fault(&with(RSA.jwk(), "use", json!(null))).contains("use"));
    assert!(fault(&with(RSA.jwk(), "key_ops", json!(["encrypt"]))).contains("key_ops"));
    assert!(fault(&with(RSA.jwk(), "key_ops", json!([]))).contains("key_ops"));
    assert!(fault(&with(RSA.jwk(), "key_ops", json!("verify"))).contains("key_ops"));
    for alg in ["RS384", "PS256", "RSA-OAEP", "ES256", "rs256"] {
        assert!(
            fault(&with(RSA.jwk(), "alg", json!(alg))).contains("alg"),
            "{alg}"
        );
    }
    assert!(fault(&with(EC.jwk(), "alg", json!("RS256"))).contains("alg"));
    assert!(fault(&with(EC.jwk(), "alg", json!(1))).contains("alg"));
}

#[test]
fn symmetric_unknown_and_private_keys_are_refused() {
    assert!(fault(&json!({"kty": "oct", "k": "c2VjcmV0", "kid": "rsa-1"})).contains("kty"));
    assert!(fault(&json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"})).contains("kty"));
    assert!(fault(&json!({})).contains("kty"));
    assert!(fault(&with(EC.jwk(), "d", json!("AA"))).contains("private"));
    assert!(fault(&with(EC.jwk(), "kid", json!(7))).contains("kid"));
    assert!(fault(&json!([])).contains("object"));
    assert!(parse(br#"{"kty":"RSA","kty":"RSA"}"#).is_err());
}

#[test]
fn an_rsa_key_of_the_wrong_size_is_refused() {
    let mut modulus = vec![0xff; 8192 / 8];
    assert!(
        parse(
            with(RSA.jwk(), "n", json!(encode(&modulus)))
                .to_string()
                .as_bytes()
        )
        .is_ok()
    );
    modulus.insert(0, 1);
    assert!(fault(&with(RSA.jwk(), "n", json!(encode(&modulus)))).contains("2048 to 8192"));
    // 2,047 bits in 256 bytes.
    let mut short = vec![0xff; 256];
    short[0] = 0x7f;
    assert!(fault(&with(RSA.jwk(), "n", json!(encode(&short)))).contains("2048 to 8192"));
    assert!(fault(&with(RSA.jwk(), "n", json!(""))).contains("2048 to 8192"));
}

#[test]
fn the_public_exponent_is_65537() {
    for exponent in [&[1_u8][..], &[3], &[0], &[], &[1, 0, 2], &[1, 0, 0, 1]] {
        assert!(
            fault(&with(RSA.jwk(), "e", json!(encode(exponent)))).contains("exponent"),
            "{exponent:?}"
        );
    }
}

#[test]
fn a_sign_byte_before_modulus_and_exponent_is_taken_off() {
    let jwk = RSA.jwk();
    let padded = [vec![0], decoded(&jwk, "n")].concat();
    let signed = with(
        with(jwk.clone(), "n", json!(encode(padded))),
        "e",
        json!("AAEAAQ"),
    );
    let same = parse(jwk.to_string().as_bytes()).unwrap();
    assert!(parse(signed.to_string().as_bytes()).unwrap().is_same(&same));
}

#[test]
fn an_even_modulus_is_refused() {
    let mut modulus = decoded(&RSA.jwk(), "n");
    *modulus.last_mut().unwrap() &= 0xfe;
    assert!(fault(&with(RSA.jwk(), "n", json!(encode(modulus)))).contains("even"));
}

#[test]
fn a_modulus_with_the_roca_fingerprint_is_refused() {
    // 65537^128 is a power of 65537 modulo every prime, and has 2,049 bits.
    let mut power = vec![1_u8];
    for _ in 0..128 {
        let shifted = [power.clone(), vec![0, 0]].concat();
        power = sum(&shifted, &power);
    }
    assert!(fault(&with(RSA.jwk(), "n", json!(encode(power)))).contains("ROCA"));
}

fn sum(long: &[u8], short: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let addends = short.iter().rev().chain(std::iter::repeat(&0));
    let digits = long.iter().rev().zip(addends).map(|(a, b)| {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        carry = digit >> 8;
        (digit & 0xff) as u8
    });
    let mut digits: Vec<u8> = digits.collect();
    digits.reverse();
    if carry > 0 {
        [vec![1], digits].concat()
    } else {
        digits
    }
}

#[test]
fn a_point_off_the_curve_or_of_the_wrong_size_is_refused() {
    let jwk = EC.jwk();
    let mut y = decoded(&jwk, "y");
    y[31] ^= 1;
    assert!(fault(&with(jwk.clone(), "y", json!(encode(&y)))).contains("curve"));
    assert!(fault(&with(jwk.clone(), "y", json!(encode(&y[1..])))).contains("32 bytes"));
    assert!(fault(&with(jwk.clone(), "y", json!(encode([&[0][..], &y].concat())))).contains("32 bytes"));
    assert!(
        fault(&with(
            with(jwk.clone(), "x", json!(encode([0; 32]))),
            "y",
            json!(encode([0; 32]))
        ))
        .contains("curve")
    );
    assert!(fault(&with(jwk.clone(), "crv", json!("P-384"))).contains("crv"));
    assert!(fault(&without(jwk, "crv")).contains("crv"));
}

#[test]
fn padded_base64_is_refused() {
    assert!(fault(&with(RSA.jwk(), "e", json!("AQAB="))).contains("base64url"));
    assert!(fault(&with(RSA.jwk(), "n", json!(1))).contains("base64url"));
}

#[test]
fn debug_shows_no_key_material() {
    let jwk = RSA.jwk();
    let shown = format!("{:?}", parse(jwk.to_string().as_bytes()).unwrap());
    assert_eq!(
        shown,
        r#"Key { id: Some("rsa-1"), algorithm: Rs256, withdrawn: false, .. }"#
    );
}
