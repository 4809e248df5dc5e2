use std::time::Duration;

use crate::{Authority, Faults};

/// A fake OpenID Connect provider. Serves `/.well-known/openid-configuration` and `/jwks`; stops when the last clone is dropped.
#[derive(Clone)]
pub struct Idp;

/// Settings of an [`Idp`].
pub struct IdpBuilder;

/// One token to be signed: a good one unless told otherwise.
pub struct TokenBuilder;

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
}

impl Idp {
    /// On a free loopback port, plain HTTP, one RS256 key and one ES256 key.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Settings first.
    pub fn builder() -> IdpBuilder {
        todo!()
    }

    /// The issuer, which is also its base URL, without a trailing slash: `http://127.0.0.1:PORT`.
    pub fn issuer(&self) -> &str {
        todo!()
    }

    /// A good RS256 token for `subject`: audience `databricks-gateway`, one hour, `email` the same as `sub`.
    pub fn mint(&self, subject: &str) -> String {
        self.token(subject).sign()
    }

    /// A token to be adjusted.
    pub fn token(&self, _subject: &str) -> TokenBuilder {
        todo!()
    }

    /// The key set as it is served now, as JSON.
    pub fn jwks(&self) -> String {
        todo!()
    }

    /// Adds fresh keys and signs with them from now on; the old ones stay in the set.
    pub fn rotate(&self) {
        todo!()
    }

    /// Takes every key but the newest of each algorithm out of the set.
    pub fn withdraw_old_keys(&self) {
        todo!()
    }

    /// Replaces the served key set by this text; `None` goes back to the truth.
    pub fn serve_jwks(&self, _document: Option<String>) {
        todo!()
    }

    /// How often the key set was fetched.
    pub fn jwks_fetches(&self) -> u64 {
        todo!()
    }

    /// How to misbehave.
    pub fn faults(&self) -> &Faults {
        todo!()
    }
}

impl IdpBuilder {
    /// This port instead of a free one.
    pub fn port(self, _port: u16) -> Self {
        todo!()
    }

    /// TLS, with a certificate of `authority`; the issuer becomes `https://localhost:PORT`.
    pub fn tls(self, _authority: &Authority) -> Self {
        todo!()
    }

    /// Also answers `GET /mint?sub=…[&ttl=SECONDS][&aud=…]` with a token in plain text: for the demo.
    pub fn mint_endpoint(self) -> Self {
        todo!()
    }

    /// Binds and serves on the present runtime.
    pub async fn start(self) -> Idp {
        todo!()
    }
}

impl TokenBuilder {
    /// Another algorithm than RS256.
    pub fn algorithm(self, _algorithm: Algorithm) -> Self {
        todo!()
    }

    /// `aud`, one string.
    pub fn audience(self, _audience: &str) -> Self {
        todo!()
    }

    /// `iss`.
    pub fn issuer(self, _issuer: &str) -> Self {
        todo!()
    }

    /// `exp`, from now; may lie in the past.
    pub fn expires_in(self, _seconds: i64) -> Self {
        todo!()
    }

    /// `exp`, absolute, in seconds since the epoch.
    pub fn expires_at(self, _seconds: u64) -> Self {
        todo!()
    }

    /// Any claim; replaces what is there. `Value::Null` takes the claim out.
    pub fn claim(self, _name: &str, _value: serde_json::Value) -> Self {
        todo!()
    }

    /// Any header parameter; replaces what is there. `Value::Null` takes it out.
    pub fn header(self, _name: &str, _value: serde_json::Value) -> Self {
        todo!()
    }

    /// Signed with the newest key.
    pub fn sign(self) -> String {
        todo!()
    }

    /// Header and claims as they would be, under a signature by a key that is not in the set.
    pub fn forge(self) -> String {
        todo!()
    }
}

/// How long a token lives unless told otherwise.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
