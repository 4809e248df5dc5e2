use std::future::Future;

use exchange::{AccessToken, Exchange, ExchangeError, ExchangeRequest, ExchangeService, Grant};
use identity::Identity;
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

    /// The token for whom there is nothing to wait for and nothing to be begun, as for nearly every request. Who gets none here has
    /// to call: that it is short is all that this is for.
    fn at_hand(&self, _: &Identity, _: &Grant) -> Option<AccessToken> {
        None
    }
}

impl<S: ExchangeService> Swap for Exchange<S> {
    fn for_one_worker(&self) -> Self {
        Self::for_one_worker(self)
    }

    fn at_hand(&self, identity: &Identity, grant: &Grant) -> Option<AccessToken> {
        Self::at_hand(self, identity, grant)
    }
}

impl<F, T> Swap for ServiceFn<F>
where
    F: FnMut(ExchangeRequest) -> T + Clone + Send + Sync + 'static,
    T: Future<Output = Result<AccessToken, ExchangeError>> + Send,
{
}
