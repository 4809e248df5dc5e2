//! What a forger tries.

use aws_lc_rs::hmac;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{good_token, refused, verify};
use crate::base64url;
use crate::testing::{
    EC, EC_2, ISSUER, NOW, RSA, RSA_2, Signer, claims, encode, http, issuer, jwks, verifier, verifier_of,
};
use crate::{BearerToken, Clock, FixedKeys, Identity, KeySource, Rejection, UnixTime, Verifier};

async fn judged(token: &str) -> &'static str {
    let (verifier, _) = verifier();
    refused(&verifier, token).await
}

fn assembled(header: &Value, signature: &[u8]) -> String {
    format!(
        "{}.{}.{}",
        encode(header.to_string()),
        encode(claims(json!({})).to_string()),
        encode(signature)
    )
}

/// Says that `signer` signed it, but `forger` did.
fn impersonated(signer: &Signer, forger: &Signer) -> String {
    forger.sign_text(&signer.header().to_string(), &claims(json!({})).to_string())
}

fn fixed(signers: &[&Signer]) -> KeySource {
    KeySource::Fixed(FixedKeys::parse(jwks(signers).as_bytes()).unwrap())
}

#[tokio::test]
async fn a_signature_by_another_key_is_refused() {
    assert_eq!(judged(&impersonated(&RSA, &RSA_2)).await, "JWT_BAD_SIGNATURE");
    assert_eq!(judged(&impersonated(&EC, &EC_2)).await, "JWT_BAD_SIGNATURE");
    assert_eq!(judged(&impersonated(&RSA, &EC)).await, "JWT_BAD_SIGNATURE");
}

#[tokio::test]
async fn a_public_key_is_never_a_shared_secret() {
    let jwk = RSA.jwk();
    for secret in [
        RSA.public_der(),
        jwk["n"].as_str().unwrap().as_bytes().to_vec(),
        jwk.to_string().into_bytes(),
    ] {
        for (alg, expected) in [
            ("HS256", "JWT_ALGORITHM_NOT_ALLOWED"),
            ("RS256", "JWT_BAD_SIGNATURE"),
        ] {
            let header = json!({"alg": alg, "kid": "rsa-1"});
            let unsigned = assembled(&header, b"");
            let input = unsigned.trim_end_matches('.');
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), input.as_bytes());
            assert_eq!(judged(&assembled(&header, tag.as_ref())).await, expected);
        }
    }
}

#[tokio::test]
async fn an_unsigned_token_is_refused() {
    for alg in ["none", "None", "NONE", "nOnE"] {
        assert_eq!(
            judged(&assembled(&json!({"alg": alg}), b"")).await,
            "JWT_ALGORITHM_NOT_ALLOWED"
        );
    }
    assert_eq!(judged(&assembled(&RSA.header(), b"")).await, "JWT_BAD_SIGNATURE");
    assert_eq!(judged(&assembled(&EC.header(), b"")).await, "JWT_BAD_SIGNATURE");
}

#[tokio::test]
async fn the_algorithm_must_be_that_of_the_named_key() {
    let header = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid}).to_string();
    let claims = claims(json!({})).to_string();
    assert_eq!(
        judged(&EC.sign_text(&header("ES256", "rsa-1"), &claims)).await,
        "JWT_ALGORITHM_MISMATCH"
    );
    assert_eq!(
        judged(&EC.sign_text(&header("RS256", "ec-1"), &claims)).await,
        "JWT_ALGORITHM_MISMATCH"
    );
    assert_eq!(
        judged(&RSA.sign_text(&header("RS256", "ec-1"), &claims)).await,
        "JWT_ALGORITHM_MISMATCH"
    );
    assert_eq!(
        judged(&RSA.sign_text(&header("rs256", "rsa-1"), &claims)).await,
        "JWT_ALGORITHM_NOT_ALLOWED"
    );
}

#[tokio::test]
async fn signatures_of_the_wrong_form_are_refused() {
    let header = EC.header();
    for signature in [
        vec![0; 64],
        vec![0xff; 64],
        vec![0; 63],
        vec![0; 65],
        vec![0x30; 72],
        vec![1; 11_900],
    ] {
        let code = judged(&assembled(&header, &signature)).await;
        assert_eq!(code, "JWT_BAD_SIGNATURE", "{} bytes", signature.len());
    }
    assert_eq!(judged(&assembled(&header, &[1; 16_000])).await, "JWT_TOO_LARGE");
    let mut longer = base64url::decode(good_token().rsplit('.').next().unwrap().as_bytes()).unwrap();
    longer.insert(0, 0);
    assert_eq!(
        judged(&assembled(&RSA.header(), &longer)).await,
        "JWT_BAD_SIGNATURE"
    );
}

#[tokio::test]
async fn a_key_in_the_header_vouches_for_nothing() {
    for header in [
        json!({"jwk": EC_2.jwk()}),
        json!({"jku": "https://evil.example"}),
        json!({"x5u": "https://evil.example"}),
        json!({"x5c": []}),
    ] {
        assert_eq!(judged(&EC_2.sign_with_header(header)).await, "JWT_KEY_IN_HEADER");
    }
    assert_eq!(
        judged(&EC.sign_with_header(json!({"crit": ["x"], "x": 1}))).await,
        "JWT_EXTENSION_NOT_SUPPORTED"
    );
}

/// `iss` chooses whose keys are looked at; a `kid` of another issuer is of no use.
#[tokio::test]
async fn one_issuer_cannot_vouch_for_another() {
    let issuers = vec![
        issuer(ISSUER, fixed(&[&RSA])),
        issuer("https://two.example", fixed(&[&RSA_2])),
    ];
    let (clock, _hand) = Clock::manual(UnixTime::from_seconds(NOW));
    let (verifier, _) = Verifier::builder(issuers, http()).clock(clock).build();
    let token = |iss: &str| RSA_2.sign(&claims(json!({ "iss": iss })));
    assert_eq!(
        refused(&verifier, &token("https://two.example")).await,
        "accepted"
    );
    assert_eq!(refused(&verifier, &token(ISSUER)).await, "JWT_UNKNOWN_KEY");
    assert_eq!(
        refused(&verifier, &impersonated(&RSA, &RSA_2)).await,
        "JWT_BAD_SIGNATURE"
    );
}

/// Whoever can have a token signed by a trusted key must not be told more than whoever cannot.
#[tokio::test]
async fn nothing_that_the_claims_say_is_judged_before_the_signature() {
    for claims in [
        json!({"exp": 0}),
        json!({"aud": "x"}),
        json!({"sub": 1}),
        json!({"nbf": u64::MAX}),
    ] {
        let forged = RSA_2.sign_text(
            &RSA.header().to_string(),
            &crate::testing::claims(claims).to_string(),
        );
        assert_eq!(judged(&forged).await, "JWT_BAD_SIGNATURE");
    }
}

#[tokio::test]
async fn fixed_keys_are_never_fetched_and_a_refusal_says_so() {
    let (verifier, _) = verifier_of(issuer(ISSUER, fixed(&[&RSA])));
    let refusal = verify(&verifier, &EC.sign(&claims(json!({})))).await.unwrap_err();
    assert!(
        refusal.to_string().contains("key ec-1") && refusal.to_string().contains("never fetched"),
        "{refusal}"
    );
    assert_eq!(verifier.health()[0].fetches, 0);
}

#[tokio::test]
async fn an_ambiguous_token_without_kid_is_refused() {
    let (verifier, _) = verifier_of(issuer(ISSUER, fixed(&[&RSA, &RSA_2])));
    for signer in [&*RSA, &*EC] {
        let token = signer.sign_with_header(json!({"kid": null}));
        assert_eq!(refused(&verifier, &token).await, "JWT_KEY_NOT_NAMED");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_token_that_was_altered_anywhere_is_refused(position in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut token = EC.sign(&claims(json!({}))).into_bytes();
        let position = position.index(token.len());
        prop_assume!(token[position] != byte);
        token[position] = byte;
        prop_assert!(judged_bytes(token).is_err());
    }

    #[test]
    fn no_bytes_are_accepted_or_make_the_verifier_panic(token in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(judged_bytes(token).is_err());
    }
}

fn judged_bytes(token: Vec<u8>) -> Result<Identity, Rejection> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (verifier, _) = verifier();
    runtime.block_on(verifier.verify(BearerToken::new(token)))
}
