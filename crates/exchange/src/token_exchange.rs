use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header;
use identity::{Clock, Identity};
use url::{Position, Url};

use crate::body::{self, Body, End};
use crate::slot::Ask;
use crate::words::tame;
use crate::{AccessToken, EndpointHealth, ExchangeError, Grant};

mod answer;
mod breaker;
mod form;
mod refusal;
mod retry;
mod retry_after;
mod token_response;

use answer::Answer;
use breaker::Breakers;
use retry::Setback;

/// One exchange to be made, or one token to be found.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    /// Who is asking; its token becomes the `subject_token`.
    pub identity: Identity,
    /// How.
    pub grant: Grant,
    /// A token that was given for the same before, and that the workspace has refused: it is no answer if there can be another.
    pub refused: Option<AccessToken>,
}

/// RFC 8693 against a Databricks token endpoint, with retries inside one deadline and no cache.
///
/// 400, 401 and 403 are final. 429, 500, 502, 503, 504 and whatever happens to the connection are
/// tried again, at most twice: an exchange changes nothing at the token endpoint, so that a repeated
/// one does no harm, and that holds for a 500 as well. One attempt gets half of the deadline, so that
/// a connection that went silent leaves room for another.
///
/// Clones share what they learn of a token endpoint: one that has failed five times in a row is asked once a second until it
/// is back, and one that answers 429 not at all before its `Retry-After` is over.
#[derive(Clone, Debug)]
pub struct TokenExchange {
    http: reqwest::Client,
    clock: Clock,
    deadline: Duration,
    breakers: Breakers,
}

// === impl ExchangeRequest ===

impl ExchangeRequest {
    /// A token for `identity` under `grant`.
    pub fn new(identity: Identity, grant: Grant) -> Self {
        Self {
            identity,
            grant,
            refused: None,
        }
    }

    /// The same, but another token than this one, which the workspace has refused.
    #[must_use]
    pub fn instead_of(self, refused: AccessToken) -> Self {
        Self {
            refused: Some(refused),
            ..self
        }
    }

    pub(crate) fn ask(&self) -> Ask<'_> {
        Ask {
            expiry: self.identity.expiry(),
            refused: self.refused.as_ref(),
        }
    }
}

// === impl TokenExchange ===

impl TokenExchange {
    /// `http` must not follow redirects: the subject token would leak. `deadline` bounds the whole exchange, retries included.
    pub fn new(http: reqwest::Client, clock: Clock, deadline: Duration) -> Self {
        Self {
            http,
            clock,
            deadline,
            breakers: Breakers::default(),
        }
    }

    /// With what `previous` has learnt of the token endpoints.
    #[must_use]
    pub(crate) fn succeeding(self, previous: &Self) -> Self {
        Self {
            breakers: previous.breakers.clone(),
            ..self
        }
    }

    /// How each token endpoint is doing that was asked for a token.
    pub fn endpoints(&self) -> Vec<EndpointHealth> {
        self.breakers.health()
    }

    async fn exchange(&self, request: &ExchangeRequest) -> Result<AccessToken, ExchangeError> {
        let endpoint = request.grant.endpoint();
        let attempt = || self.breakers.guard(endpoint, self.attempt(request));
        let token = retry::within(self.deadline, attempt).await?;
        token.bound_to(&request.identity, self.clock.now())
    }

    /// The life of the answer's token is counted from before it was asked for: that errs to the safe side.
    async fn attempt(&self, request: &ExchangeRequest) -> Result<AccessToken, Setback> {
        let asked_at = self.clock.now();
        let response = self.post(request).await.map_err(|error| self.no_answer(&error))?;
        let endpoint = request.grant.endpoint().url();
        if !is_same(endpoint, response.url()) {
            return Err(Setback::last(ExchangeError::malformed(FOLLOWED)));
        }
        let (status, retry_after) = (
            response.status(),
            retry_after::read(response.headers(), self.clock.now()),
        );
        let Body { bytes, end } = body::read(response).await;
        let fault = match end {
            End::Complete => None,
            End::TooLong => Some(Setback::last(ExchangeError::malformed("more than 64 KiB"))),
            End::Broken(error) => Some(self.no_answer(&error)),
        };
        Answer {
            status,
            retry_after,
            body: bytes,
            fault,
        }
        .judge(&request.identity, asked_at)
    }

    async fn post(&self, request: &ExchangeRequest) -> Result<reqwest::Response, reqwest::Error> {
        let post = self
            .http
            .post(request.grant.endpoint().url().clone())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form::of(request));
        post.timeout(self.attempt_limit()).send().await
    }

    /// A request that could not even be made is the configuration's fault; everything else may pass.
    fn no_answer(&self, error: &reqwest::Error) -> Setback {
        if error.is_timeout() {
            return Setback::passing(ExchangeError::no_answer_within(self.attempt_limit()));
        }
        let what = match root_cause(error) {
            _ if error.is_builder() => {
                return Setback::last(ExchangeError::unavailable("it cannot be asked at this URL"));
            }
            cause if error.is_connect() => format!("no connection: {cause}"),
            cause => format!("the connection broke: {cause}"),
        };
        Setback::passing(ExchangeError::unavailable(tame(&what, "")))
    }

    fn attempt_limit(&self) -> Duration {
        self.deadline / 2
    }
}

impl tower::Service<ExchangeRequest> for TokenExchange {
    type Response = AccessToken;
    type Error = ExchangeError;
    type Future = Pin<Box<dyn Future<Output = Result<AccessToken, ExchangeError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ExchangeRequest) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.exchange(&request).await })
    }
}

/// The last of the chain is what the system said; those before it only say that something failed, and where.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut words = "nothing more is known".to_owned();
    while let Some(error) = cause {
        words = error.to_string();
        cause = error.source();
    }
    words
}

/// Credentials in a URL do not count: reqwest takes them out.
fn is_same(asked: &Url, answered: &Url) -> bool {
    asked.scheme() == answered.scheme()
        && asked[Position::BeforeHost..Position::AfterQuery]
            == answered[Position::BeforeHost..Position::AfterQuery]
}

const FOLLOWED: &str = "the HTTP client followed a redirect, which it must not, as that gives the JWT away";

#[cfg(test)]
mod tests;
