use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use identity::{Clock, Identity};

use crate::{AccessToken, ExchangeError, Grant};

/// One exchange to be made.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// Who is asking; its token becomes the `subject_token`.
    pub identity: Identity,
    /// How.
    pub grant: Grant,
}

/// RFC 8693 against a Databricks token endpoint, with retries inside one deadline and no cache.
#[derive(Clone, Debug)]
pub struct TokenExchange;

impl TokenExchange {
    /// `http` must not follow redirects: the subject token would leak. `deadline` bounds the whole exchange, retries included.
    pub fn new(_http: reqwest::Client, _clock: Clock, _deadline: Duration) -> Self {
        todo!()
    }
}

impl tower::Service<ExchangeRequest> for TokenExchange {
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
