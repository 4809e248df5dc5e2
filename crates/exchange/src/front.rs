use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use identity::{Clock, Identity};

use crate::{AccessToken, ExchangeError, ExchangeRequest, Grant, TokenExchange};

/// The front door: a cached token when there is a good one, one exchange for all who wait otherwise.
///
/// A cheap clone. An exchange runs on a task of its own, so a caller that goes away never cancels
/// one that others wait for. Generic over what makes an exchange, so that a test can put a `tower::service_fn` there.
#[derive(Clone, Debug)]
pub struct Exchange<S = TokenExchange>(std::marker::PhantomData<S>);

/// Settings of an [`Exchange`], each with its default.
#[derive(Debug)]
pub struct ExchangeBuilder;

/// Counters since the start, and how much is held now.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExchangeStats {
    /// Answers from the cache.
    pub hits: u64,
    /// Answers that had to wait for an exchange, their own or another's.
    pub misses: u64,
    /// Exchanges that gave a token.
    pub granted: u64,
    /// Exchanges that were refused.
    pub denied: u64,
    /// Exchanges that failed otherwise.
    pub failed: u64,
    /// Time spent in exchanges, all together.
    pub exchange_time: Duration,
    /// Tokens and remembered failures held now.
    pub entries: u64,
}

// === impl Exchange ===

impl Exchange {
    /// Starts from a client that must not follow redirects.
    pub fn builder(_http: reqwest::Client) -> ExchangeBuilder {
        todo!()
    }
}

impl<S> Exchange<S> {
    /// A token for `identity` under `grant`.
    ///
    /// # Errors
    /// [`ExchangeError`], shared by all who waited for the same exchange, and remembered for a moment.
    pub async fn access_token(&self, _identity: &Identity, _grant: &Grant) -> Result<AccessToken, ExchangeError> {
        todo!()
    }

    /// Counters since the start, and how much is held now.
    pub fn stats(&self) -> ExchangeStats {
        todo!()
    }
}

// === impl ExchangeBuilder ===

impl ExchangeBuilder {
    /// The clock that decides expiry. Default: the system's.
    #[must_use]
    pub fn clock(self, _clock: Clock) -> Self {
        todo!()
    }

    /// Where exchanges run. Default: the runtime in which `build` is called.
    #[must_use]
    pub fn runtime(self, _control_plane: tokio::runtime::Handle) -> Self {
        todo!()
    }

    /// Bounds one exchange, retries included. Default: 10 s.
    #[must_use]
    pub fn deadline(self, _deadline: Duration) -> Self {
        todo!()
    }

    /// How many tokens are held at most. Default: 100,000.
    #[must_use]
    pub fn capacity(self, _entries: u64) -> Self {
        todo!()
    }

    /// With the real token endpoint behind it.
    pub fn build(self) -> Exchange {
        todo!()
    }

    /// With `exchange` behind it instead.
    pub fn build_over<S>(self, _exchange: S) -> Exchange<S>
    where
        S: tower::Service<ExchangeRequest, Response = AccessToken, Error = ExchangeError> + Clone + Send + Sync + 'static,
        S::Future: Send,
    {
        todo!()
    }
}

impl<S> tower::Service<ExchangeRequest> for Exchange<S> {
    type Response = AccessToken;
    type Error = ExchangeError;
    type Future = Pin<Box<dyn Future<Output = Result<AccessToken, ExchangeError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: ExchangeRequest) -> Self::Future {
        todo!()
    }
}
