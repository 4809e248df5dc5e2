mod builder;
mod service;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use identity::{Clock, Identity};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};
use tower::ServiceExt;

use crate::access_token::is_usable_at;
use crate::cache::Cache;
use crate::future::{BROKE, STOPPED};
use crate::key::{Key, KeyParts};
use crate::near::Near;
use crate::renewals::Renewals;
use crate::slot::{Ask, Verdict};
use crate::stats::{Counters, Lane};
use crate::{
    AccessToken, EndpointHealth, ExchangeError, ExchangeFuture, ExchangeRequest, ExchangeStats, Grant,
    TokenExchange,
};

pub use builder::ExchangeBuilder;
pub use service::ExchangeService;

/// The front door: a cached token when there is a good one, one exchange for all who wait otherwise.
///
/// A cheap clone. An exchange runs on a task of its own, so a caller that goes away never cancels
/// one that others wait for. A hit is answered at once, without an allocation. Generic over what
/// makes an exchange, so that a test can put a `tower::service_fn` there.
///
/// The cache can be reached only with a verified [`Identity`]. Nothing is served in the last 5 s of the
/// JWT that was presented, or of the token that was given for it.
///
/// A subject whose identity provider has given it a new JWT does not wait: the token that was given for the old one serves, while
/// the new one is exchanged in the background. Should that be refused, so is the new JWT from then on; in an outage the token
/// serves until its end. [`ExchangeBuilder::overlap`] turns that off.
pub struct Exchange<S = TokenExchange>(Arc<Desk<S>>);

/// One worker's part: copies of what it serves most.
struct Desk<S> {
    shared: Arc<Shared<S>>,
    near: Near,
    lane: Lane,
}

struct Shared<S> {
    service: S,
    clock: Clock,
    control_plane: Handle,
    deadline: Duration,
    overlap: bool,
    /// What its successors take over.
    held: Held,
}

/// What is known of callers' tokens by now. Clones are one and the same.
#[derive(Clone)]
struct Held {
    cache: Cache,
    renewals: Renewals,
    counters: Arc<Counters>,
}

// === impl Exchange ===

impl Exchange {
    /// Starts from a client that must not follow redirects.
    pub fn builder(http: reqwest::Client) -> ExchangeBuilder {
        ExchangeBuilder::new(http)
    }

    /// How each token endpoint is doing that was asked for a token.
    pub fn endpoints(&self) -> Vec<EndpointHealth> {
        self.0.shared.service.endpoints()
    }
}

impl<S> Exchange<S> {
    /// Counters since the start, and how much is held now.
    pub fn stats(&self) -> ExchangeStats {
        let Held { cache, counters, .. } = &self.0.shared.held;
        counters.read(cache.len())
    }

    /// The same for one worker alone: cores that serve one caller's token wait for each other, at its lock and at the count of those
    /// who hold it, unless each has its copy. It takes a kilobyte or two for each of the 64 callers that ask it most.
    #[must_use]
    pub fn for_one_worker(&self) -> Self {
        Self::at(Arc::clone(&self.0.shared))
    }

    fn at(shared: Arc<Shared<S>>) -> Self {
        let Held { cache, counters, .. } = &shared.held;
        let (near, lane) = (Near::new(cache.clone()), counters.lane());
        Self(Arc::new(Desk { shared, near, lane }))
    }
}

impl<S: ExchangeService> Exchange<S> {
    /// A token for `identity` under `grant`.
    ///
    /// # Errors
    /// [`ExchangeError`], shared by all who waited for the same exchange, and remembered for a moment.
    pub async fn access_token(
        &self,
        identity: &Identity,
        grant: &Grant,
    ) -> Result<AccessToken, ExchangeError> {
        self.answer(ExchangeRequest::new(identity.clone(), grant.clone()))
            .await
    }

    /// The token that is in the cache for `identity` under `grant`, if it is to be served as it is: [`call`](tower::Service::call)
    /// answers with the same. Without a request of its own, of which nothing would be left to do.
    pub fn at_hand(&self, identity: &Identity, grant: &Grant) -> Option<AccessToken> {
        let Desk { shared, near, lane } = &*self.0;
        let (now, expiry) = (shared.clock.now(), identity.expiry());
        if !is_usable_at(expiry, now) {
            return None;
        }
        let ask = Ask {
            expiry,
            refused: None,
        };
        let verdict = near.peek(&shared.key_parts(identity, grant), &ask, now);
        let Verdict::Serve(token) = verdict else {
            return None;
        };
        shared.held.counters.hit(*lane);
        Some(token)
    }

    fn answer(&self, request: ExchangeRequest) -> ExchangeFuture {
        let Desk { shared, near, lane } = &*self.0;
        let (counters, now) = (&shared.held.counters, shared.clock.now());
        if !is_usable_at(request.identity.expiry(), now) {
            counters.nearly_expired();
            return ExchangeFuture::ready(Err(ExchangeError::nearly_expired()));
        }
        let parts = shared.key_parts(&request.identity, &request.grant);
        match near.peek(&parts, &request.ask(), now) {
            Verdict::Serve(token) => {
                counters.hit(*lane);
                ExchangeFuture::ready(Ok(token))
            }
            Verdict::Renew(token) => {
                counters.hit(*lane);
                shared.renew(Key::of(&parts), request);
                ExchangeFuture::ready(Ok(token))
            }
            Verdict::Refuse(error) => {
                counters.hit(*lane);
                ExchangeFuture::ready(Err(error))
            }
            Verdict::Exchange => shared.wait(Key::of(&parts), request),
        }
    }
}

impl<S> Clone for Exchange<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Exchange<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("cache", &self.0.shared.held.cache)
            .finish_non_exhaustive()
    }
}

impl<S: ExchangeService> tower::Service<ExchangeRequest> for Exchange<S> {
    type Response = AccessToken;
    type Error = ExchangeError;
    type Future = ExchangeFuture;

    /// Always ready: whoever finds a token in the cache does not wait for the service behind it.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ExchangeRequest) -> Self::Future {
        self.answer(request)
    }
}

// === impl Shared ===

impl<S: ExchangeService> Shared<S> {
    fn key_parts(&self, identity: &Identity, grant: &Grant) -> KeyParts {
        if self.overlap {
            KeyParts::new(identity, grant)
        } else {
            KeyParts::of_one_expiry(identity, grant)
        }
    }

    fn wait(self: &Arc<Self>, key: Key, request: ExchangeRequest) -> ExchangeFuture {
        self.held.counters.miss();
        if request.refused.is_some() {
            self.held.counters.refused();
        }
        let shared = Arc::clone(self);
        let obtained = async move { shared.obtain(key, &request).await };
        ExchangeFuture::waiting(self.control_plane.spawn(obtained))
    }

    /// Exchanges a renewed JWT while the token that is held serves, one at a time for each subject. What comes of it is in the
    /// cache; nobody waits for it.
    fn renew(self: &Arc<Self>, key: Key, request: ExchangeRequest) {
        let Some(turn) = self.held.renewals.begin(key) else {
            return;
        };
        self.held.counters.overlapped();
        let shared = Arc::clone(self);
        self.control_plane.spawn(async move {
            let _turn = turn;
            let _ = shared.obtain(key, &request).await;
        });
    }

    /// What the cache holds by now, or comes to hold.
    async fn obtain(&self, key: Key, request: &ExchangeRequest) -> Result<AccessToken, ExchangeError> {
        let exchange = || self.exchange(request.clone());
        self.held.cache.get_or(key, &request.ask(), exchange).await
    }

    /// One exchange, counted and logged.
    async fn exchange(&self, request: ExchangeRequest) -> Result<AccessToken, ExchangeError> {
        let ExchangeRequest { identity, grant, .. } = request.clone();
        let started = Instant::now();
        self.held.counters.started();
        let outcome = self.contained(request).await;
        let outcome = outcome.and_then(|token| token.bound_to(&identity, self.clock.now()));
        self.held.counters.ended(&outcome, started.elapsed());
        if let Err(error) = &outcome {
            report(error, &identity, &grant, started.elapsed());
        }
        outcome
    }

    /// On a task of its own, so that a panic ends as an answer: those who wait must get one, and the
    /// cache must not be left with a key that is being worked on by nobody.
    async fn contained(&self, request: ExchangeRequest) -> Result<AccessToken, ExchangeError> {
        let deadline = self.deadline;
        let exchange = timeout(deadline, self.service.clone().oneshot(request));
        match self.control_plane.spawn(exchange).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(ExchangeError::no_answer_within(deadline)),
            Err(lost) => Err(ExchangeError::unavailable(if lost.is_panic() {
                BROKE
            } else {
                STOPPED
            })),
        }
    }
}

/// One line per failed exchange, however many waited for it. The subject appears as the start of its digest.
fn report(error: &ExchangeError, identity: &Identity, grant: &Grant, took: Duration) {
    let endpoint = grant.endpoint().url().host_str().unwrap_or_default();
    let [a, b, c, d, ..] = *identity.digest().as_bytes();
    let subject = format_args!("{a:02x}{b:02x}{c:02x}{d:02x}");
    let took = took.as_secs_f64();
    if matches!(error, ExchangeError::Denied(_)) {
        tracing::info!(endpoint, outcome = error.code(), took, %subject, %error, "token exchange refused");
    } else {
        tracing::warn!(endpoint, outcome = error.code(), took, %subject, %error, "token exchange failed");
    }
}

#[cfg(test)]
mod tests;
