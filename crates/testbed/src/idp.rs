mod endpoints;
mod key_ring;
#[cfg(test)]
mod tests;
mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::locked::Locked;
use crate::server::{Bound, Running};
use crate::{Authority, Faults};
use key_ring::KeyRing;

pub(crate) use token::DEFAULT_AUDIENCE;
pub use token::TokenBuilder;

/// A fake OpenID Connect provider. Serves `/.well-known/openid-configuration` and `/jwks`; stops when the last clone is dropped.
#[derive(Clone)]
pub struct Idp {
    provider: Arc<Provider>,
    running: Arc<Running>,
}

/// Settings of an [`Idp`].
#[derive(Default)]
#[must_use = "nothing is served before `start`"]
pub struct IdpBuilder {
    port: u16,
    authority: Option<Authority>,
    mint_endpoint: bool,
}

/// How tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits.
    Rs256,
    /// ECDSA with P-256 and SHA-256.
    Es256,
}

/// What the provider knows, apart from the sockets: outlives them in the hands of who trusts it.
pub(crate) struct Provider {
    issuer: String,
    keys: Locked<KeyRing>,
    /// What is served in the place of the key set.
    instead: Locked<Option<String>>,
    jwks_fetches: AtomicU64,
    discovery_fetches: AtomicU64,
    mint_endpoint: bool,
    faults: Faults,
}

// === impl Idp ===

impl Idp {
    /// On a free loopback port, plain HTTP, one RS256 key and one ES256 key.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// Settings first.
    pub fn builder() -> IdpBuilder {
        IdpBuilder::default()
    }

    /// The issuer, which is also its base URL, without a trailing slash: `http://127.0.0.1:PORT`.
    pub fn issuer(&self) -> &str {
        self.provider.issuer()
    }

    /// A good RS256 token for `subject`: audience `databricks-gateway`, one hour, `email` the same as `sub`.
    pub fn mint(&self, subject: &str) -> String {
        self.token(subject).sign()
    }

    /// A token to be adjusted.
    pub fn token(&self, subject: &str) -> TokenBuilder {
        TokenBuilder::new(&self.provider, subject)
    }

    /// These two JSON texts, well-formed or not, under a good signature by the newest key.
    pub fn sign_raw(&self, algorithm: Algorithm, header: &str, payload: &str) -> String {
        self.provider.newest_key(algorithm).sign(header, payload)
    }

    /// The name of the newest key (RFC 7515 section 4.1.4): what [`mint`](Self::mint) writes into `kid`.
    pub fn kid(&self, algorithm: Algorithm) -> String {
        self.provider.newest_key(algorithm).kid().to_owned()
    }

    /// The key set as it is served now, as JSON.
    pub fn jwks(&self) -> String {
        self.provider.served_jwks()
    }

    /// Adds fresh keys and signs with them from now on; the old ones stay in the set.
    pub fn rotate(&self) {
        self.provider.keys.lock().rotate();
    }

    /// Takes every key but the newest of each algorithm out of the set.
    pub fn withdraw_old_keys(&self) {
        self.provider.keys.lock().withdraw_old();
    }

    /// Replaces the served key set by this text; `None` goes back to the truth.
    ///
    /// A [`Databricks`](crate::Databricks) that trusts this provider still knows the truth: it is as if it had fetched it before.
    pub fn serve_jwks(&self, document: Option<String>) {
        *self.provider.instead.lock() = document;
    }

    /// How often the key set was fetched.
    pub fn jwks_fetches(&self) -> u64 {
        self.provider.jwks_fetches.load(Ordering::Relaxed)
    }

    /// How often the discovery document was fetched.
    pub fn discovery_fetches(&self) -> u64 {
        self.provider.discovery_fetches.load(Ordering::Relaxed)
    }

    /// How to misbehave.
    pub fn faults(&self) -> &Faults {
        &self.provider.faults
    }

    /// Closes the listener and every connection, and resolves when that is done. Tokens can still be minted.
    pub async fn stop(&self) {
        self.running.stop().await;
    }

    pub(crate) fn provider(&self) -> Arc<Provider> {
        Arc::clone(&self.provider)
    }
}

// === impl IdpBuilder ===

impl IdpBuilder {
    /// This port instead of a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// TLS, with a certificate of `authority`; the issuer becomes `https://localhost:PORT`.
    pub fn tls(mut self, authority: &Authority) -> Self {
        self.authority = Some(authority.clone());
        self
    }

    /// Also answers `GET /mint?sub=…[&ttl=SECONDS][&aud=…]` with a token in plain text: for the demo.
    pub fn mint_endpoint(mut self) -> Self {
        self.mint_endpoint = true;
        self
    }

    /// Binds and serves on the present runtime.
    pub async fn start(self) -> Idp {
        let bound = Bound::new(self.port, self.authority.as_ref()).await;
        let provider = Arc::new(Provider {
            issuer: bound.url().to_owned(),
            keys: Locked::new(KeyRing::new()),
            instead: Locked::default(),
            jwks_fetches: AtomicU64::new(0),
            discovery_fetches: AtomicU64::new(0),
            mint_endpoint: self.mint_endpoint,
            faults: Faults::default(),
        });
        let running = Arc::new(bound.serve(Arc::clone(&provider)));
        Idp { provider, running }
    }
}

// === impl Algorithm ===

impl Algorithm {
    /// Its name in `alg` (RFC 7518 section 3.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        }
    }
}

// === impl Provider ===

impl Provider {
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The keys that the provider truly publishes (RFC 7517 section 5).
    pub(crate) fn jwks(&self) -> String {
        json!({"keys": self.keys.lock().published()}).to_string()
    }

    fn served_jwks(&self) -> String {
        let instead = self.instead.lock().clone();
        instead.unwrap_or_else(|| self.jwks())
    }
}
