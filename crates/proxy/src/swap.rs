use std::future::Future;

use exchange::{AccessToken, Exchange, ExchangeError, ExchangeRequest};
use tower::Service;
use tower::util::ServiceFn;

/// What gives a workspace's token for a verified identity: [`Exchange`], or a test's own.
pub trait Swap:
    Service<ExchangeRequest, Response = AccessToken, Error = ExchangeError, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
    /// The same for one worker alone, whose requests each make a clone of it. Whatever all workers would count or lock at one place
    /// may have a place for each here, as cores that meet at one wait for each other.
    #[must_use]
    fn for_one_worker(&self) -> Self {
        self.clone()
    }
}

impl<S> Swap for Exchange<S>
where
    S: Service<ExchangeRequest, Response = AccessToken, Error = ExchangeError, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static,
{
    fn for_one_worker(&self) -> Self {
        Self::for_one_worker(self)
    }
}

impl<F, T> Swap for ServiceFn<F>
where
    F: FnMut(ExchangeRequest) -> T + Clone + Send + Sync + 'static,
    T: Future<Output = Result<AccessToken, ExchangeError>> + Send,
{
}
