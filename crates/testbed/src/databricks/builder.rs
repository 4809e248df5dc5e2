use std::sync::Arc;
use std::time::Duration;

use super::policy::TrustedPolicy;
use super::workspace::Workspace;
use super::{Databricks, Policy};
use crate::server::Bound;
use crate::{Authority, Idp};

/// Settings of a [`Databricks`].
#[derive(Default)]
#[must_use = "nothing is served before `start`"]
pub struct DatabricksBuilder {
    port: u16,
    authority: Option<Authority>,
    h2c: bool,
    policies: Vec<TrustedPolicy>,
    settings: Settings,
}

/// How the token endpoint words a refusal of the subject token: both are seen in life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refusals {
    /// `400 {"error":"invalid_grant","error_description":…}` (RFC 6749 section 5.2).
    #[default]
    OAuth,
    /// `401 {"error_code":"TOKEN_INVALID","message":…}`.
    Databricks,
}

/// How the token endpoint writes `expires_in` (RFC 6749 section 5.1: a number).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpiresIn {
    /// `3600`.
    #[default]
    Number,
    /// `"3600"`.
    Text,
    /// Not at all.
    Absent,
}

/// What stays as it was at the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) opaque_tokens: bool,
    pub(super) token_lifetime: Option<Duration>,
    pub(super) refusals: Refusals,
    pub(super) expires_in: ExpiresIn,
    pub(super) forgetful: bool,
    pub(super) max_streams: Option<u32>,
}

// === impl DatabricksBuilder ===

impl DatabricksBuilder {
    /// An account-wide policy for `idp`'s tokens with audience `databricks-gateway`.
    ///
    /// Its keys are always the ones that `idp` has at the moment of an exchange.
    pub fn trust(mut self, idp: &Idp) -> Self {
        self.policies.push(TrustedPolicy::account_wide(idp));
        self
    }

    /// A policy from the start on.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policies.push(policy.into());
        self
    }

    /// This port instead of a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// TLS, with a certificate of `authority`.
    pub fn tls(mut self, authority: &Authority) -> Self {
        self.authority = Some(authority.clone());
        self
    }

    /// HTTP/2 without TLS too, to clients with prior knowledge of it; with TLS it is agreed on by ALPN.
    pub fn h2c(mut self) -> Self {
        self.h2c = true;
        self
    }

    /// So many streams at most on one connection of HTTP/2, instead of 100.
    pub fn max_streams(mut self, streams: u32) -> Self {
        self.settings.max_streams = Some(streams);
        self
    }

    /// Issue opaque tokens instead of JWTs.
    pub fn opaque_tokens(mut self) -> Self {
        self.settings.opaque_tokens = true;
        self
    }

    /// How long an issued token lives at most; by default as long as the subject token.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.token_lifetime = Some(lifetime);
        self
    }

    /// Another wording of refusals.
    pub fn refusals(mut self, refusals: Refusals) -> Self {
        self.settings.refusals = refusals;
        self
    }

    /// Another way to write `expires_in`.
    pub fn expires_in(mut self, expires_in: ExpiresIn) -> Self {
        self.settings.expires_in = expires_in;
        self
    }

    /// Keep no record of requests, so that a bench of millions runs in constant memory: `seen` stays empty.
    pub fn forgetful(mut self) -> Self {
        self.settings.forgetful = true;
        self
    }

    /// Binds and serves on the present runtime.
    pub async fn start(self) -> Databricks {
        let bound = Bound::new(self.port, self.authority.as_ref()).await.h2c(self.h2c);
        let workspace = Arc::new(Workspace::new(bound.url(), self.policies, self.settings));
        let running = Arc::new(bound.serve(Arc::clone(&workspace)));
        Databricks { workspace, running }
    }
}
