use std::time::Duration;

use crate::{BearerToken, Clock, Identity, Issuer, Rejection};

/// Judges tokens. A cheap clone; share it freely between threads.
#[derive(Clone, Debug)]
pub struct Verifier;

/// Settings of a [`Verifier`], each with its default.
#[derive(Debug)]
pub struct VerifierBuilder;

/// The background half of a [`Verifier`]: fetches and refreshes keys until every handle is gone.
/// Run it on the control plane; without it no discovered key ever arrives.
#[derive(Debug)]
#[must_use = "keys are fetched only while this runs"]
pub struct KeyRefresh;

/// How an issuer's keys are doing, for readiness and metrics.
#[derive(Clone, Debug)]
pub struct IssuerHealth {
    /// The configured `iss`.
    pub issuer: String,
    /// Keys in the present set that can verify something; 0 until the first set arrives.
    pub keys: usize,
    /// Time since the present set was fetched or confirmed; `None` until the first, and for fixed keys.
    pub age: Option<Duration>,
    /// What went wrong at the last attempt, if it failed. Never contains a secret.
    pub last_error: Option<String>,
    /// Fetches of the keys so far, good or bad.
    pub fetches: u64,
    /// Of those, the ones that failed.
    pub failures: u64,
}

// === impl Verifier ===

impl Verifier {
    /// Starts from `issuers`; `http` fetches their keys.
    pub fn builder(_issuers: Vec<Issuer>, _http: reqwest::Client) -> VerifierBuilder {
        todo!()
    }

    /// Verifies one token: from memory when these exact bytes were verified before, by its signature otherwise.
    ///
    /// # Errors
    /// The [`Rejection`] says why, and what to do about it.
    pub async fn verify(&self, _token: BearerToken) -> Result<Identity, Rejection> {
        todo!()
    }

    /// How each issuer's keys are doing, in the order of the configuration.
    pub fn health(&self) -> Vec<IssuerHealth> {
        todo!()
    }
}

// === impl VerifierBuilder ===

impl VerifierBuilder {
    /// The clock that decides `exp` and `nbf`. Default: the system's.
    #[must_use]
    pub fn clock(self, _clock: Clock) -> Self {
        todo!()
    }

    /// How far `nbf` and `iat` may lie in the future. Default: 60 s. `exp` has none: Databricks grants none.
    #[must_use]
    pub fn leeway(self, _leeway: Duration) -> Self {
        todo!()
    }

    /// How many verified tokens are remembered. Default: 100,000.
    #[must_use]
    pub fn remembered_tokens(self, _entries: u64) -> Self {
        todo!()
    }

    /// The verifier, and the future that keeps its keys fresh.
    pub fn build(self) -> (Verifier, KeyRefresh) {
        todo!()
    }
}

// === impl KeyRefresh ===

impl KeyRefresh {
    /// Fetches and refreshes every issuer's keys; ends when the last [`Verifier`] is dropped.
    pub async fn run(self) {
        todo!()
    }
}
