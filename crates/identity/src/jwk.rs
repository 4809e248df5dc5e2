use std::borrow::Cow;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

use crate::algorithm::Algorithm;
use crate::base64url;
use crate::key::Key;
use crate::members::{Members, WrongType};
use crate::roca;

/// Why a JWK is passed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unusable(&'static str);

/// RSA keys are accepted from 2,048 bits (RFC 7518 section 3.3) to 8,192, beyond which verifying is a way to waste CPU.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The only public exponent in real use, 65537. 1 signs nothing at all, and small ones have a bad history.
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];

/// RFC 7518 section 6.2.1.2: a coordinate has the full size of the curve's field.
const P256_COORDINATE_BYTES: usize = 32;

/// Parses one JWK (RFC 7517 section 4) that can verify RS256 or ES256.
///
/// The algorithm follows from the kind of key; `alg`, `use` and `key_ops`, where given, must agree.
pub(crate) fn parse(json: &[u8]) -> Result<Key, Unusable> {
    let jwk = Members::parse(json).ok_or(Unusable("not a JSON object, or a member occurs twice"))?;
    if jwk.contains("d") {
        return Err(Unusable(
            "it is a private key; everybody who can read it can sign with it",
        ));
    }
    let (algorithm, public) = match required(&jwk, "kty", "kty is missing or not a string")?.as_ref() {
        "RSA" => (Algorithm::Rs256, rsa(&jwk)?),
        "EC" => (Algorithm::Es256, p256(&jwk)?),
        _ => return Err(Unusable("kty is neither RSA nor EC")),
    };
    check_purpose(&jwk, algorithm)?;
    let id = jwk
        .string("kid")
        .map_err(|WrongType| Unusable("kid is not a string"))?;
    Ok(Key::new(id.map(Cow::into_owned), algorithm, public))
}

fn check_purpose(jwk: &Members<'_>, algorithm: Algorithm) -> Result<(), Unusable> {
    let agrees = |member, expected: &str| match jwk.string(member) {
        Ok(stated) => stated.is_none_or(|stated| stated == expected),
        Err(WrongType) => false,
    };
    if !agrees("use", "sig") {
        return Err(Unusable("use is not sig"));
    }
    if !agrees("alg", algorithm.name()) {
        return Err(Unusable(
            "alg is not RS256 for an RSA key or ES256 for a P-256 key",
        ));
    }
    match jwk.strings("key_ops") {
        Ok(None) => Ok(()),
        Ok(Some(operations)) if operations.iter().any(|operation| operation == "verify") => Ok(()),
        _ => Err(Unusable("key_ops does not hold verify")),
    }
}

fn rsa(jwk: &Members<'_>) -> Result<ParsedPublicKey, Unusable> {
    let modulus = decoded(jwk, "n", "n is missing or not base64url")?;
    let exponent = decoded(jwk, "e", "e is missing or not base64url")?;
    let (n, e) = (without_sign(&modulus), without_sign(&exponent));
    if !RSA_BITS.contains(&bits(n)) {
        return Err(Unusable("the modulus is not 2048 to 8192 bits long"));
    }
    if e != RSA_EXPONENT {
        return Err(Unusable("the public exponent is not 65537"));
    }
    if n.last().is_none_or(|low| low % 2 == 0) {
        return Err(Unusable("the modulus is even"));
    }
    if roca::is_weak(n) {
        return Err(Unusable(
            "the key was made by a chip with the ROCA weakness (CVE-2017-15361)",
        ));
    }
    RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_| Unusable("n and e are not an RSA key"))
}

fn p256(jwk: &Members<'_>) -> Result<ParsedPublicKey, Unusable> {
    if required(jwk, "crv", "crv is missing or not a string")? != "P-256" {
        return Err(Unusable("crv is not P-256"));
    }
    let x = decoded(jwk, "x", "x is missing or not base64url")?;
    let y = decoded(jwk, "y", "y is missing or not base64url")?;
    if x.len() != P256_COORDINATE_BYTES || y.len() != P256_COORDINATE_BYTES {
        return Err(Unusable("x or y is not 32 bytes long"));
    }
    // SEC 1 section 2.3.3, uncompressed; aws-lc refuses a point that is not on the curve.
    let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .map_err(|_| Unusable("x and y are not a point of the curve"))
}

fn required<'a>(jwk: &Members<'a>, member: &str, fault: &'static str) -> Result<Cow<'a, str>, Unusable> {
    jwk.string(member).ok().flatten().ok_or(Unusable(fault))
}

fn decoded(jwk: &Members<'_>, member: &str, fault: &'static str) -> Result<Vec<u8>, Unusable> {
    base64url::decode(required(jwk, member, fault)?.as_bytes()).ok_or(Unusable(fault))
}

/// RFC 7518 section 6.3.1.1 forbids leading zero bytes, but encoders that print signed integers put one there.
fn without_sign(mut number: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = number {
        number = rest;
    }
    number
}

fn bits(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |high| number.len() * 8 - high.leading_zeros() as usize)
}

#[cfg(test)]
mod tests;
