use std::sync::{Arc, LazyLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::locked::Locked;
use crate::{Algorithm, random};

/// A private key with its name in a key set (RFC 7517 section 4.5).
pub(crate) struct SigningKey {
    kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(Arc<RsaKeyPair>),
    Ec(EcdsaKeyPair),
}

// === impl SigningKey ===

impl SigningKey {
    /// A fresh key under a fresh name.
    pub(crate) fn generate(algorithm: Algorithm) -> Self {
        Self {
            kid: random::hex::<8>(),
            pair: Pair::generate(algorithm),
        }
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Rsa(_) => Algorithm::Rs256,
            Pair::Ec(_) => Algorithm::Es256,
        }
    }

    /// The public half, as a JWK (RFC 7517; RFC 7518 section 6).
    pub(crate) fn jwk(&self) -> Value {
        let member = |bytes: Option<&[u8]>| URL_SAFE_NO_PAD.encode(bytes.expect(PUBLIC_KEY_SIZE));
        let (kid, alg) = (self.kid(), self.algorithm().name());
        match &self.pair {
            Pair::Rsa(pair) => {
                let n = member(pair.public_key().as_ref().get(RSA_2048_MODULUS));
                json!({"kty": "RSA", "use": "sig", "alg": alg, "kid": kid, "n": n, "e": "AQAB"})
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (member(point.get(1..33)), member(point.get(33..65)));
                json!({"kty": "EC", "use": "sig", "alg": alg, "kid": kid, "crv": "P-256", "x": x, "y": y})
            }
        }
    }

    /// The compact serialisation (RFC 7515 section 7.1) of these texts, whatever they say.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        );
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(input.as_bytes()));
        format!("{input}.{signature}")
    }
}

// === impl Pair ===

impl Pair {
    fn generate(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => Self::Rsa(lease_rsa()),
            Algorithm::Es256 => {
                Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect(GENERATES))
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect(SIGNS);
                signature
            }
            Self::Ec(pair) => pair.sign(&random, message).expect(SIGNS).as_ref().to_vec(),
        }
    }
}

/// A key that nobody else holds now. Generating one takes a good part of a second in a debug build, so keys whose
/// holders are gone serve again, under new names; two providers that live at the same time never share one.
fn lease_rsa() -> Arc<RsaKeyPair> {
    static POOL: LazyLock<Locked<Vec<Arc<RsaKeyPair>>>> = LazyLock::new(Locked::default);
    if let Some(idle) = POOL.lock().iter().find(|pair| Arc::strong_count(pair) == 1) {
        return Arc::clone(idle);
    }
    let fresh = Arc::new(RsaKeyPair::generate(KeySize::Rsa2048).expect(GENERATES));
    POOL.lock().push(Arc::clone(&fresh));
    fresh
}

/// Where the modulus stands in the DER of a 2048-bit `RSAPublicKey` (RFC 8017 appendix A.1.1), whose public exponent is 65537.
const RSA_2048_MODULUS: std::ops::Range<usize> = 9..265;
const GENERATES: &str = "keys of these sizes can be generated";
const SIGNS: &str = "a key that was just generated signs";
const PUBLIC_KEY_SIZE: &str = "a public key has the size that its algorithm says";
