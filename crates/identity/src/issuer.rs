use std::sync::Arc;

use url::Url;

use crate::key_set::KeySet;

/// One identity provider whose tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// `iss`, compared byte for byte (OpenID Connect Core section 3.1.3.7); a trailing slash matters.
    pub url: String,
    /// A token is for us when any of its `aud` equals any of these.
    pub audiences: Vec<Audience>,
    /// Where the keys come from.
    pub keys: KeySource,
    /// Narrows the subject to `iss`, `sub`, `aud` and these claims, for a provider that puts noise of its own
    /// into every token; `None`: every claim but the documented per-token noise.
    pub identity_claims: Option<Vec<String>>,
}

/// A value of `aud` (RFC 7519 section 4.1.3) that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience(pub String);

/// Where an issuer's keys come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// `<issuer>/.well-known/openid-configuration`, then its `jwks_uri` (OpenID Connect Discovery 1.0).
    Discovery,
    /// A JWKS document (RFC 7517 section 5) at this URL.
    Url(Url),
    /// Keys that were read before, from a file for example; never refreshed from the network.
    Fixed(FixedKeys),
}

/// A JWKS document that was parsed and holds at least one usable key.
#[derive(Clone, Debug)]
pub struct FixedKeys(pub(crate) Arc<KeySet>);

/// The same keys, whatever else the two documents say.
impl PartialEq for FixedKeys {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same(&other.0)
    }
}

impl Eq for FixedKeys {}

impl FixedKeys {
    /// Parses a JWKS document (RFC 7517 section 5).
    ///
    /// A key is usable when it is RSA (2,048 to 8,192 bits, exponent 65537) or EC on P-256, is not private,
    /// and its `use`, `key_ops` and `alg`, where given, allow it to verify RS256 or ES256. Other keys are
    /// passed over, and so are different keys with the same `kid`.
    ///
    /// # Errors
    /// A sentence that says why it cannot serve: not JSON, no `keys`, or no key that can verify RS256 or ES256.
    pub fn parse(document: &[u8]) -> Result<Self, String> {
        KeySet::parse(document).map(|keys| Self(Arc::new(keys)))
    }
}
