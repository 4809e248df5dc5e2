use std::time::Duration;

use crate::{Authority, Faults, Idp};

/// A fake Databricks workspace. Stops when the last clone is dropped.
#[derive(Clone)]
pub struct Databricks;

/// Settings of a [`Databricks`].
pub struct DatabricksBuilder;

/// A federation policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `iss`, exactly.
    pub issuer: String,
    /// Any of these in `aud`.
    pub audiences: Vec<String>,
    /// Which claim names the caller. Databricks' default: `sub`.
    pub subject_claim: String,
    /// `Some`: a service principal's policy, for exactly this subject, chosen by this `client_id`. `None`: the account's.
    pub service_principal: Option<(String, String)>,
    /// The keys, as the issuer publishes them.
    pub jwks: String,
}

/// One request that the workspace received, as it was on the wire.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The request target, byte for byte.
    pub target: String,
    /// The header fields in order, names as written.
    pub headers: Vec<(String, String)>,
    /// Whose token it carried, if it carried one that is known.
    pub identity: Option<String>,
    /// How many body bytes arrived.
    pub body_bytes: u64,
}

impl Databricks {
    /// On a free loopback port, plain HTTP, with an account-wide policy for `idp` and audience `databricks-gateway`;
    /// every `sub` is a known user.
    pub async fn start(idp: &Idp) -> Self {
        Self::builder().trust(idp).start().await
    }

    /// Settings first.
    pub fn builder() -> DatabricksBuilder {
        todo!()
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT`.
    pub fn url(&self) -> &str {
        todo!()
    }

    /// Adds a policy.
    pub fn add_policy(&self, _policy: Policy) {
        todo!()
    }

    /// Only these subjects are users from now on.
    pub fn set_users(&self, _users: &[&str]) {
        todo!()
    }

    /// How many exchanges were asked for with a valid token of `subject`.
    pub fn exchanges(&self, _subject: &str) -> u64 {
        todo!()
    }

    /// How many times the token endpoint was called at all.
    pub fn token_calls(&self) -> u64 {
        todo!()
    }

    /// How many requests outside the token endpoint carried an IdP's JWT anywhere in their head. Must stay 0.
    pub fn leaked_jwts(&self) -> u64 {
        todo!()
    }

    /// Everything outside the token endpoint, in order.
    pub fn seen(&self) -> Vec<Seen> {
        todo!()
    }

    /// Forgets every issued token: each is answered `403 Invalid access token.` from now on.
    pub fn revoke_tokens(&self) {
        todo!()
    }

    /// The content of the file at this path of the Files API, if there is one.
    pub fn file(&self, _path: &str) -> Option<bytes::Bytes> {
        todo!()
    }

    /// Resolves when a client has gone away from an unfinished stream of `/testbed/stream`, once for each.
    pub async fn stream_cancelled(&self) {
        todo!()
    }

    /// How to misbehave, by path prefix: `/oidc/` for the token endpoint, `/api/` for the rest.
    pub fn faults(&self) -> &Faults {
        todo!()
    }
}

impl DatabricksBuilder {
    /// An account-wide policy for `idp`'s tokens with audience `databricks-gateway`.
    pub fn trust(self, _idp: &Idp) -> Self {
        todo!()
    }

    /// This port instead of a free one.
    pub fn port(self, _port: u16) -> Self {
        todo!()
    }

    /// TLS, with a certificate of `authority`.
    pub fn tls(self, _authority: &Authority) -> Self {
        todo!()
    }

    /// Issue opaque tokens instead of JWTs.
    pub fn opaque_tokens(self) -> Self {
        todo!()
    }

    /// How long an issued token lives at most; by default as long as the subject token.
    pub fn token_lifetime(self, _lifetime: Duration) -> Self {
        todo!()
    }

    /// Binds and serves on the present runtime.
    pub async fn start(self) -> Databricks {
        todo!()
    }
}
