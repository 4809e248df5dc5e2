use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Inner, KeyRefresh, Verifier};
use crate::fetch::{HttpKeys, Location};
use crate::keys::Keys;
use crate::memory::Memory;
use crate::provider::Provider;
use crate::refresh::Refresher;
use crate::{Clock, Issuer, KeySource};

/// Settings of a [`Verifier`], each with its default.
pub struct VerifierBuilder {
    issuers: Vec<Issuer>,
    http: reqwest::Client,
    clock: Clock,
    leeway: Duration,
    remembered_tokens: u64,
    refetch_interval: Duration,
}

impl VerifierBuilder {
    pub(super) fn new(issuers: Vec<Issuer>, http: reqwest::Client) -> Self {
        Self {
            issuers,
            http,
            clock: Clock::system(),
            leeway: Duration::from_mins(1),
            remembered_tokens: 100_000,
            refetch_interval: Duration::from_secs(30),
        }
    }

    /// The clock that decides `exp` and `nbf`. Default: the system's.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// How far `nbf` and `iat` may lie in the future. Default: 60 s. `exp` has none: Databricks grants none.
    #[must_use]
    pub fn leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }

    /// How many verified tokens are remembered. Default: 100,000; with 0 every token is verified anew.
    #[must_use]
    pub fn remembered_tokens(self, entries: u64) -> Self {
        Self {
            remembered_tokens: entries,
            ..self
        }
    }

    /// How often, at most, tokens that name an unknown key make an issuer's keys be fetched again. Default: 30 s.
    ///
    /// The regular refreshes do not count, so that the first unknown key is always looked for.
    #[must_use]
    pub fn refetch_interval(self, interval: Duration) -> Self {
        Self {
            refetch_interval: interval,
            ..self
        }
    }

    /// The verifier, and the future that keeps its keys fresh.
    pub fn build(self) -> (Verifier, KeyRefresh) {
        let mut refreshers = Vec::new();
        let mut providers = Vec::with_capacity(self.issuers.len());
        for issuer in self.issuers {
            let name: Arc<str> = issuer.url.as_str().into();
            let keys = match location(&issuer) {
                Err(fixed) => fixed,
                Ok(location) => {
                    let source = HttpKeys {
                        http: self.http.clone(),
                        location,
                    };
                    let (refresher, keys) = Refresher::new(Arc::clone(&name), source, self.refetch_interval);
                    refreshers.push(refresher);
                    Keys::Refreshed(keys)
                }
            };
            providers.push(Provider { issuer, name, keys });
        }
        let memory = Memory::new(self.remembered_tokens, self.clock.clone());
        let inner = Inner {
            providers,
            memory,
            clock: self.clock,
            leeway: self.leeway,
        };
        (Verifier(Arc::new(inner)), KeyRefresh(refreshers))
    }
}

fn location(issuer: &Issuer) -> Result<Location, Keys> {
    match &issuer.keys {
        KeySource::Discovery => Ok(Location::Discovery {
            issuer: issuer.url.clone(),
        }),
        KeySource::Url(url) => Ok(Location::Jwks(url.clone())),
        KeySource::Fixed(keys) => Err(Keys::Fixed(Arc::clone(&keys.0))),
    }
}

/// Without the HTTP client, whose default headers are nobody's business.
impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder")
            .field("issuers", &self.issuers)
            .field("leeway", &self.leeway)
            .field("remembered_tokens", &self.remembered_tokens)
            .field("refetch_interval", &self.refetch_interval)
            .finish_non_exhaustive()
    }
}
