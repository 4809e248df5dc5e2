use std::hash::{BuildHasherDefault, Hash, Hasher};

use aws_lc_rs::digest::{Context, SHA256, digest};

use crate::claims::Claims;
use crate::facts::SubjectDigest;
use crate::{BearerToken, Issuer};

/// Claims that differ from token to token of one and the same caller, and by which no federation
/// policy decides. They do not take part in the [`SubjectDigest`]; every other claim does.
///
/// A name belongs here only if leaving it out can never merge two callers whom Databricks could tell apart.
pub(crate) const NOISE: [&str; 14] = [
    // This token's own lifetime and serial number (RFC 7519 section 4.1).
    "exp",
    "iat",
    "nbf",
    "jti",
    // Binding of an ID token to one login request and its artefacts (OpenID Connect Core sections 2, 3.3.2.11; FAPI).
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    // When, and in which browser session, the caller logged in (OpenID Connect Core section 2, Front-Channel Logout 1.0).
    "auth_time",
    "sid",
    "session_state",
    // Opaque, changing bookkeeping of Microsoft Entra ID.
    "uti",
    "aio",
    "rh",
];

/// SHA-256 of exactly the bytes that were presented: a token's name in memory, from which it cannot be had back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenDigest([u8; 32]);

/// Hashes a [`TokenDigest`] by taking 8 of its bytes: SHA-256 already spreads them evenly.
#[derive(Default)]
pub(crate) struct DigestHasher(u64);

pub(crate) type BuildDigestHasher = BuildHasherDefault<DigestHasher>;

// === impl TokenDigest ===

impl TokenDigest {
    pub(crate) fn of(token: &BearerToken) -> Self {
        Self(finished(&digest(&SHA256, token.expose())))
    }
}

impl Hash for TokenDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.first_chunk().copied().map_or(0, u64::from_ne_bytes));
    }
}

// === impl DigestHasher ===

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, prefix: u64) {
        self.0 = prefix;
    }
}

// === impl SubjectDigest ===

impl SubjectDigest {
    /// Over the issuer, then every identity-bearing claim: its name and its JSON text as the identity
    /// provider wrote it, in the order of the names, each preceded by its length. Claims that differ in
    /// spelling alone (spaces, escapes, number formats) make two digests: a cache miss, never a mistake.
    ///
    /// Where the configuration narrows the claims, its list comes first: digests made under another list, before the
    /// configuration changed, are not to meet these.
    pub(crate) fn new(issuer: &Issuer, claims: &Claims<'_>) -> Self {
        let mut hash = Context::new(&SHA256);
        update(&mut hash, issuer.url.as_bytes());
        let narrowed = issuer.identity_claims.as_deref().unwrap_or_default();
        update(&mut hash, &(narrowed.len() as u64).to_be_bytes());
        for name in narrowed {
            update(&mut hash, name.as_bytes());
        }
        for (name, value) in claims.members().iter() {
            if bears_identity(issuer.identity_claims.as_deref(), name) {
                update(&mut hash, name.as_bytes());
                update(&mut hash, value.get().as_bytes());
            }
        }
        Self(finished(&hash.finish()))
    }
}

fn bears_identity(narrowed: Option<&[String]>, claim: &str) -> bool {
    match narrowed {
        None => !NOISE.contains(&claim),
        Some(listed) => ["iss", "sub", "aud"].contains(&claim) || listed.iter().any(|listed| listed == claim),
    }
}

/// The length first, so that no two different sequences of fields are the same bytes.
fn update(hash: &mut Context, field: &[u8]) {
    hash.update(&(field.len() as u64).to_be_bytes());
    hash.update(field);
}

fn finished(digest: &aws_lc_rs::digest::Digest) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

#[cfg(test)]
mod tests;
