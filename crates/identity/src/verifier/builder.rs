use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Inner, KeyRefresh, Verifier};
use crate::fetch::{HttpKeys, Location};
use crate::keys::{Keys, RefreshedKeys};
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
    previous: Option<Verifier>,
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
            previous: None,
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

    /// Takes over from `previous` what holds on: the keys of issuers whose keys come from where they came from, until they
    /// have been fetched anew; and, if all issuers are the same in every respect, the tokens that were verified. Nothing
    /// that it admitted under other terms is admitted by this.
    #[must_use]
    pub fn succeeding(self, previous: &Verifier) -> Self {
        Self {
            previous: Some(previous.clone()),
            ..self
        }
    }

    /// The verifier, and the future that keeps its keys fresh.
    pub fn build(self) -> (Verifier, KeyRefresh) {
        let memory = self.memory();
        let mut refreshers = Vec::new();
        let mut providers = Vec::with_capacity(self.issuers.len());
        for issuer in &self.issuers {
            let keys = match location(issuer) {
                Err(fixed) => fixed,
                Ok(location) => {
                    let (refresher, keys) = self.refresher(issuer, location);
                    refreshers.push(refresher);
                    Keys::Refreshed(keys)
                }
            };
            let (name, issuer) = (Arc::new(issuer.url.as_str().into()), issuer.clone());
            providers.push(Provider { issuer, name, keys });
        }
        let inner = Inner {
            providers,
            memory,
            clock: self.clock,
            leeway: self.leeway,
        };
        (Verifier(Arc::new(inner)), KeyRefresh(refreshers))
    }

    fn memory(&self) -> Memory {
        let kept = self.previous.as_ref().filter(|previous| {
            let before = previous.0.providers.iter().map(|provider| &provider.issuer);
            before.eq(&self.issuers)
        });
        kept.map_or_else(
            || Memory::new(self.remembered_tokens, self.clock.clone()),
            |previous| previous.0.memory.clone(),
        )
    }

    fn refresher(&self, issuer: &Issuer, location: Location) -> (Refresher<HttpKeys>, RefreshedKeys) {
        let name: Arc<str> = issuer.url.as_str().into();
        let http = self.http.clone();
        let source = HttpKeys { http, location };
        let previous = self.previous.as_ref();
        match previous.and_then(|previous| previous.0.keys_of(issuer)) {
            Some(keys) => Refresher::taking_over(name, source, self.refetch_interval, keys),
            None => Refresher::new(name, source, self.refetch_interval),
        }
    }
}

impl Inner {
    /// The keys of this issuer, from the very place that it names now.
    fn keys_of(&self, issuer: &Issuer) -> Option<&RefreshedKeys> {
        let from_there =
            |provider: &&Provider| provider.issuer.url == issuer.url && provider.issuer.keys == issuer.keys;
        match &self.providers.iter().find(from_there)?.keys {
            Keys::Refreshed(keys) => Some(keys),
            Keys::Fixed(_) => None,
        }
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
