use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::task::JoinHandle;

use crate::{AccessToken, ExchangeError};

/// The answer of an [`Exchange`](crate::Exchange): there already when it was in the cache, or being waited for.
///
/// Dropping it cancels nothing: the exchange goes on for the others, and for the cache.
pub struct ExchangeFuture(State);

enum State {
    Ready(Option<Result<AccessToken, ExchangeError>>),
    Waiting(JoinHandle<Result<AccessToken, ExchangeError>>),
}

// === impl ExchangeFuture ===

impl ExchangeFuture {
    pub(crate) fn ready(outcome: Result<AccessToken, ExchangeError>) -> Self {
        Self(State::Ready(Some(outcome)))
    }

    pub(crate) fn waiting(task: JoinHandle<Result<AccessToken, ExchangeError>>) -> Self {
        Self(State::Waiting(task))
    }
}

impl Future for ExchangeFuture {
    type Output = Result<AccessToken, ExchangeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            // Polled again after its answer, which no caller does, it stays silent rather than panic.
            State::Ready(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            State::Waiting(task) => Poll::Ready(ready!(Pin::new(task).poll(cx)).unwrap_or_else(|lost| {
                Err(ExchangeError::unavailable(if lost.is_panic() {
                    BROKE
                } else {
                    STOPPED
                }))
            })),
        }
    }
}

impl fmt::Debug for ExchangeFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Ready(_) => "ExchangeFuture::Ready",
            State::Waiting(_) => "ExchangeFuture::Waiting",
        })
    }
}

/// Told to those who wait when an exchange panics. The panic hook has the details.
pub(crate) const BROKE: &str = "the exchange broke down on an internal fault";

/// Told to those who wait when the runtime of the exchanges ends.
pub(crate) const STOPPED: &str = "exchanges have stopped, because the process is shutting down";
