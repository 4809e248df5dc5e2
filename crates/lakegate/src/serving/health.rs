use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use exchange::{EndpointHealth, ExchangeStats};
use identity::IssuerHealth;
use proxy::{AccessSink, CountersSnapshot};
use tokio::runtime::RuntimeMetrics;

use super::reload::Reloads;
use super::terms::Terms;
use crate::agent::Tokens;
use crate::inbound::Renewals;

/// How the gateway is doing; cheap to clone, and alive for as long as somebody asks.
#[derive(Clone)]
pub struct Health {
    /// What serves at present.
    pub(super) terms: Arc<ArcSwap<Terms>>,
    pub(super) counters: proxy::Tally,
    pub(super) control_plane: RuntimeMetrics,
    pub(super) draining: Arc<AtomicBool>,
    pub(super) renewals: Renewals,
    pub(super) reloads: Reloads,
    pub(super) access: Arc<dyn AccessSink>,
    /// Of an agent, this machine's JWT.
    pub(super) tokens: Option<Tokens>,
}

/// Whether callers should be sent here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// Yes.
    Ready,
    /// Yes: callers whose Databricks token is cached are served. But these token endpoints do not answer, and nobody else is.
    CachedOnly(Vec<String>),
    /// Not any more: it is shutting down.
    Draining,
    /// Not yet, or not for all: these issuers have no keys, so that none of their tokens can be judged.
    NoKeys(Vec<String>),
    /// An agent's machine has no JWT, for this reason.
    NoToken(String),
}

// === impl Readiness ===

impl Readiness {
    /// Whether callers should be sent here: whoever is sent elsewhere in an outage that is everybody's finds no cached token there.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::Ready | Self::CachedOnly(_))
    }
}

// === impl Health ===

impl Health {
    /// Whether callers should be sent here.
    pub fn readiness(&self) -> Readiness {
        if self.draining.load(Ordering::Relaxed) {
            return Readiness::Draining;
        }
        let without: Vec<String> = self
            .issuers()
            .into_iter()
            .filter(|issuer| issuer.keys == 0)
            .map(|issuer| issuer.issuer)
            .collect();
        if !without.is_empty() {
            return Readiness::NoKeys(without);
        }
        let down = self.token_endpoints().into_iter().filter(|health| health.open);
        let down: Vec<String> = down.map(|health| health.endpoint).collect();
        if down.is_empty() {
            Readiness::Ready
        } else {
            Readiness::CachedOnly(down)
        }
    }

    /// Each token endpoint that was asked for a token.
    pub fn token_endpoints(&self) -> Vec<EndpointHealth> {
        self.terms.load().exchange.endpoints()
    }

    /// The same, after a look at this machine's JWT, if it is an agent's.
    pub(crate) async fn checked(&self) -> Readiness {
        let lack = match &self.tokens {
            Some(tokens) => tokens.look().await.err(),
            None => None,
        };
        match (self.readiness(), lack) {
            (Readiness::Ready, Some(lack)) => Readiness::NoToken(lack.why),
            (readiness, _) => readiness,
        }
    }

    /// Each issuer's keys.
    pub fn issuers(&self) -> Vec<IssuerHealth> {
        self.terms.load().verifier.health()
    }

    /// Resolves once every issuer has its keys.
    pub async fn ready(&self) {
        let verifier = self.terms.load().verifier.clone();
        verifier.ready().await;
    }

    /// Exchanges and their cache.
    pub fn exchange(&self) -> ExchangeStats {
        self.terms.load().exchange.stats()
    }

    /// How often a new certificate was taken into use, and how often it could not be.
    pub fn certificate_renewals(&self) -> (u64, u64) {
        (self.renewals.renewed(), self.renewals.refused())
    }

    /// How often a new configuration was taken into use, and how often it could not be.
    pub fn reloads(&self) -> (u64, u64) {
        (self.reloads.applied(), self.reloads.refused())
    }

    /// What is wrong with the configuration as it is on disk, in one line; `None` while it is what serves.
    pub fn faulty_configuration(&self) -> Option<String> {
        self.reloads.fault()
    }

    /// Lines of the log that were lost, as they came faster than they could be written.
    pub fn lost_log_lines(&self) -> u64 {
        self.access.lost_lines()
    }

    /// The tasks of the data plane and of the control plane now.
    pub fn tasks(&self) -> (usize, usize) {
        (self.counters.tasks(), self.control_plane.num_alive_tasks())
    }

    /// Connections and requests, all workers together.
    pub fn counters(&self) -> CountersSnapshot {
        self.counters.read()
    }
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("readiness", &self.readiness())
            .finish_non_exhaustive()
    }
}
