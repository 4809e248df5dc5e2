use std::sync::Arc;

use crate::Idp;
use crate::idp::{DEFAULT_AUDIENCE, Provider};

/// A federation policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// `iss`, exactly.
    pub issuer: String,
    /// Any of these in `aud`. None at all: the account's id.
    pub audiences: Vec<String>,
    /// Which claim names the caller. Databricks' default: `sub`.
    pub subject_claim: String,
    /// `Some`: a service principal's policy, for exactly this subject, chosen by this `client_id`, written
    /// `(client_id, subject)`. `None`: the account's.
    pub service_principal: Option<(String, String)>,
    /// The keys, as the issuer publishes them.
    pub jwks: String,
}

/// A policy and where its keys come from.
#[derive(Clone)]
pub(super) struct TrustedPolicy {
    pub(super) policy: Policy,
    /// `Some`: the keys that this provider has now, in the place of the policy's.
    live: Option<Arc<Provider>>,
}

// === impl Policy ===

impl Policy {
    /// The account-wide policy that [`DatabricksBuilder::trust`](crate::DatabricksBuilder::trust) adds, with the keys as
    /// they are now: a start for one that differs.
    pub fn account_wide(idp: &Idp) -> Self {
        Self {
            issuer: idp.issuer().to_owned(),
            audiences: vec![DEFAULT_AUDIENCE.to_owned()],
            subject_claim: "sub".to_owned(),
            service_principal: None,
            jwks: idp.provider().jwks(),
        }
    }

    pub(super) fn client_id(&self) -> Option<&str> {
        self.service_principal
            .as_ref()
            .map(|(client_id, _)| client_id.as_str())
    }
}

// === impl TrustedPolicy ===

impl TrustedPolicy {
    pub(super) fn account_wide(idp: &Idp) -> Self {
        Self {
            policy: Policy::account_wide(idp),
            live: Some(idp.provider()),
        }
    }

    /// The key set (RFC 7517 section 5), as of now.
    pub(super) fn jwks(&self) -> String {
        self.live
            .as_ref()
            .map_or_else(|| self.policy.jwks.clone(), |provider| provider.jwks())
    }
}

impl From<Policy> for TrustedPolicy {
    fn from(policy: Policy) -> Self {
        Self { policy, live: None }
    }
}
