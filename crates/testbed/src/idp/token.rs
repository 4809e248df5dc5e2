use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::get_current_timestamp;
use serde_json::{Map, Value, json};

use super::{Algorithm, Provider, key_ring};
use crate::random;

/// One token to be signed: a good one unless told otherwise.
#[derive(Clone)]
#[must_use = "a token is made by `sign` or `forge`"]
pub struct TokenBuilder {
    provider: Arc<Provider>,
    algorithm: Algorithm,
    /// What the caller wants in the header; `null` is wanted absent.
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

// === impl TokenBuilder ===

impl TokenBuilder {
    pub(super) fn new(provider: &Arc<Provider>, subject: &str) -> Self {
        let provider = Arc::clone(provider);
        let issuer = provider.issuer().to_owned();
        let builder = Self {
            provider,
            algorithm: Algorithm::Rs256,
            header: Map::new(),
            claims: Map::new(),
        };
        let now = get_current_timestamp();
        builder
            .issuer(&issuer)
            .claim("sub", json!(subject))
            .claim("email", json!(subject))
            .audience(DEFAULT_AUDIENCE)
            .claim("iat", json!(now))
            .claim("nbf", json!(now))
            .expires_at(now.saturating_add(DEFAULT_LIFETIME.as_secs()))
            .claim("jti", json!(random::hex::<16>()))
    }

    /// Another algorithm than RS256.
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// `aud`, one string.
    pub fn audience(self, audience: &str) -> Self {
        self.claim("aud", json!(audience))
    }

    /// `iss`.
    pub fn issuer(self, issuer: &str) -> Self {
        self.claim("iss", json!(issuer))
    }

    /// `exp`, from now; may lie in the past.
    pub fn expires_in(self, seconds: i64) -> Self {
        self.expires_at(get_current_timestamp().saturating_add_signed(seconds))
    }

    /// `exp`, absolute, in seconds since the epoch.
    pub fn expires_at(self, seconds: u64) -> Self {
        self.claim("exp", json!(seconds))
    }

    /// Any claim; replaces what is there. `Value::Null` takes the claim out.
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        replace(&mut self.claims, name, value);
        self
    }

    /// Any header parameter; replaces what is there. `Value::Null` takes it out.
    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header.insert(name.to_owned(), value);
        self
    }

    /// Signed with the newest key.
    pub fn sign(self) -> String {
        self.provider
            .newest_key(self.algorithm)
            .sign(&self.header_text(), &self.claims_text())
    }

    /// Header and claims as they would be, under a signature by a key that is not in the set.
    pub fn forge(self) -> String {
        key_ring::stranger(self.algorithm).sign(&self.header_text(), &self.claims_text())
    }

    fn header_text(&self) -> String {
        let mut header = Map::new();
        header.insert("alg".to_owned(), json!(self.algorithm.name()));
        header.insert("typ".to_owned(), json!("JWT"));
        header.insert(
            "kid".to_owned(),
            json!(self.provider.newest_key(self.algorithm).kid()),
        );
        for (name, value) in &self.header {
            replace(&mut header, name, value.clone());
        }
        Value::Object(header).to_string()
    }

    fn claims_text(&self) -> String {
        Value::Object(self.claims.clone()).to_string()
    }
}

fn replace(members: &mut Map<String, Value>, name: &str, value: Value) {
    match value {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
}

/// What a gateway in front of the fake workspace asks for.
pub(crate) const DEFAULT_AUDIENCE: &str = "databricks-gateway";
/// How long a token lives unless told otherwise.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
