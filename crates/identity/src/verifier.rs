use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use url::Url;

use crate::claims::Claims;
use crate::digest::TokenDigest;
use crate::facts::Verified;
use crate::fetch::HttpKeys;
use crate::jws::{Jws, MAX_TOKEN_BYTES};
use crate::keys::Keys;
use crate::memory::Memory;
use crate::provider::Provider;
use crate::refresh::Refresher;
use crate::rejection::{Quoted, Rejection};
use crate::{BearerToken, Clock, Identity, LastToken};

pub use builder::VerifierBuilder;

mod builder;

/// Judges tokens. A cheap clone; share it freely between threads.
#[derive(Clone, Debug)]
pub struct Verifier(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    providers: Vec<Provider>,
    memory: Memory,
    clock: Clock,
    leeway: Duration,
}

/// The background half of a [`Verifier`]: fetches and refreshes keys until every handle is gone.
/// Run it on the control plane; without it no discovered key ever arrives.
#[must_use = "keys are fetched only while this runs"]
pub struct KeyRefresh(Vec<Refresher<HttpKeys>>);

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
    /// Starts from `issuers`; `http` fetches their keys and must not follow redirects.
    pub fn builder(issuers: Vec<crate::Issuer>, http: reqwest::Client) -> VerifierBuilder {
        VerifierBuilder::new(issuers, http)
    }

    /// Verifies one token: from memory when these exact bytes were verified before, by its signature otherwise.
    ///
    /// Waits only where waiting helps, and only for seconds: for the first keys of an issuer, and for a
    /// refetch when the token names a key that is not known.
    ///
    /// # Errors
    /// The [`Rejection`] says why, and what to do about it.
    pub async fn verify(&self, token: BearerToken) -> Result<Identity, Rejection> {
        self.verify_next(token, &LastToken::default()).await
    }

    /// The same for one of many tokens that a connection presents, most often the one before.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    #[expect(
        clippy::manual_async_fn,
        reason = "an `async fn` has room for its arguments twice, and every request in flight pays for this future"
    )]
    pub fn verify_next(
        &self,
        token: BearerToken,
        last: &LastToken,
    ) -> impl Future<Output = Result<Identity, Rejection>> {
        async move {
            // Before the digest, so that an oversized token costs nothing at all.
            if token.expose().len() > MAX_TOKEN_BYTES {
                return Err(Rejection::TooLarge {
                    size: token.expose().len(),
                });
            }
            let verified = match self.0.recall(&token, last) {
                Ok(verified) => verified,
                // Boxed: it is rare, and its state is large.
                Err(unknown) => Box::pin(self.0.judge_and_remember(&token, unknown, last)).await?,
            };
            Ok(Identity::new(token, verified))
        }
    }

    /// Resolves once every issuer's keys are there; for ever, if [`KeyRefresh`] does not run.
    pub async fn ready(&self) {
        for provider in &self.0.providers {
            if let Keys::Refreshed(keys) = &provider.keys {
                keys.ready().await;
            }
        }
    }

    /// How each issuer's keys are doing, in the order of the configuration.
    pub fn health(&self) -> Vec<IssuerHealth> {
        self.0.providers.iter().map(IssuerHealth::of).collect()
    }
}

// === impl Inner ===

impl Inner {
    /// What came of `token` before, from the connection itself or from memory, judged anew.
    ///
    /// # Errors
    /// Its digest, if it is new.
    fn recall(&self, token: &BearerToken, last: &LastToken) -> Result<Verified, TokenDigest> {
        let (now, memory) = (self.clock.now(), &self.memory);
        let known = last.known(token, memory.id());
        let comes_again = known.is_some();
        let (digest, verified) = match known {
            Some(known) => (known.digest, known.verified),
            None => (TokenDigest::of(token), None),
        };
        if let Some(verified) = verified.filter(|verified| verified.is_current(now)) {
            return Ok(verified);
        }
        let verified = memory.recall(digest, now).ok_or(digest)?;
        last.keep(token, digest, comes_again.then_some((&verified, memory.id())));
        Ok(verified)
    }

    async fn judge_and_remember(
        &self,
        token: &BearerToken,
        digest: TokenDigest,
        last: &LastToken,
    ) -> Result<Verified, Rejection> {
        let verified = self.judge(token.expose()).await?;
        self.memory.remember(digest, verified.clone());
        last.keep(token, digest, None);
        Ok(verified)
    }

    /// The order is the security: size and shape, header, then `iss` - not trusted, only used to choose
    /// whose keys may vouch - then the key, then the signature, and only then what the claims say.
    async fn judge(&self, token: &[u8]) -> Result<Verified, Rejection> {
        let jws = Jws::parse(token)?;
        let claims = Claims::parse(&jws.payload)?;
        let provider = self.provider(&claims.issuer()?)?;
        let found = provider.signer(&jws).await;
        let key = match found {
            Err(rejection) if may_be_a_new_key(&jws, &rejection) && provider.keys.refetch().await => {
                provider.signer(&jws).await
            }
            found => found,
        }?;
        provider.admit(&claims, key, self.clock.now(), self.leeway)
    }

    /// The provider whose configured issuer equals `iss` byte for byte.
    fn provider(&self, iss: &str) -> Result<&Provider, Rejection> {
        let found = self.providers.iter().find(|provider| provider.issuer.url == iss);
        found.ok_or_else(|| self.unknown_issuer(iss))
    }

    fn unknown_issuer(&self, iss: &str) -> Rejection {
        let configured = || self.providers.iter().map(|provider| provider.issuer.url.as_str());
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        let presented = Quoted::new(iss);
        if let Some(near) = configured().find(|url| bare(url) == bare(iss)) {
            return Rejection::IssuerTrailingSlash {
                presented,
                configured: near.to_owned(),
            };
        }
        if is_databricks(iss) {
            return Rejection::DatabricksToken {
                issuer: Some(presented),
            };
        }
        Rejection::UnknownIssuer {
            presented,
            configured: configured().collect::<Vec<_>>().join(", "),
        }
    }
}

/// Whether a token that names no key may be signed by one that is not known yet. Who has only one key need not name it (RFC 7515
/// section 4.1.4); when it is replaced, this is the only sign.
fn may_be_a_new_key(jws: &Jws<'_>, rejection: &Rejection) -> bool {
    let unnamed = jws.header.key_id.is_none();
    unnamed
        && matches!(
            rejection,
            Rejection::BadSignature { .. } | Rejection::KeyNotNamed { candidates: 0, .. }
        )
}

/// Whether `iss` is that of Databricks' own OAuth tokens, which callers present by mistake.
fn is_databricks(iss: &str) -> bool {
    Url::parse(iss).is_ok_and(|iss| {
        iss.host_str().is_some_and(|host| host.contains("databricks")) && iss.path().starts_with("/oidc")
    })
}

// === impl KeyRefresh ===

impl KeyRefresh {
    /// Fetches and refreshes every issuer's keys; ends when the last [`Verifier`] is dropped.
    ///
    /// Each issuer on a task of its own, so that a slow one never starves the others; dropping this
    /// future stops them all.
    pub async fn run(self) {
        let mut refreshers: JoinSet<()> = self.0.into_iter().map(Refresher::run).collect();
        while refreshers.join_next().await.is_some() {}
    }
}

impl std::fmt::Debug for KeyRefresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRefresh")
            .field("issuers", &self.0.len())
            .finish()
    }
}

// === impl IssuerHealth ===

impl IssuerHealth {
    fn of(provider: &Provider) -> Self {
        let issuer = provider.issuer.url.clone();
        match &provider.keys {
            Keys::Fixed(set) => Self {
                issuer,
                keys: set.len(),
                age: None,
                last_error: None,
                fetches: 0,
                failures: 0,
            },
            Keys::Refreshed(keys) => {
                let progress = keys.progress.borrow().clone();
                Self {
                    issuer,
                    keys: keys.shared.set.load().as_ref().map_or(0, |set| set.len()),
                    age: progress.fetched_at.map(|at| at.elapsed()),
                    last_error: progress.last_error,
                    fetches: progress.fetches,
                    failures: progress.failures,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
