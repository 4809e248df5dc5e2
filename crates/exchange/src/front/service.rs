use tower::Service;

use crate::{AccessToken, ExchangeError, ExchangeRequest};

/// What makes an exchange, and is all that [`Exchange`](crate::Exchange) knows of it: [`TokenExchange`](crate::TokenExchange), or a
/// test's own `tower::service_fn`. Whatever can is one.
pub trait ExchangeService:
    Service<ExchangeRequest, Response = AccessToken, Error = ExchangeError, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> ExchangeService for S where
    S: Service<ExchangeRequest, Response = AccessToken, Error = ExchangeError, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
